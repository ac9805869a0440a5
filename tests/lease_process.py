"""A process of its own for tests of the store: it holds, appends, breaks off, or works for ever.

Run as `python lease_process.py MODE URL …`; it says on stdout when it has come to the point, and
is then killed, stopped, or told on stdin to go on.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from seatkeeper.core.policy import Policy
from seatkeeper.core.record import Kind
from seatkeeper.core.smaller import Leaving, without
from seatkeeper.errors import LeaseLost, PlanStale, SiteBusy, StoreError
from seatkeeper.outlets.influxdb import InfluxSink, version_1
from seatkeeper.store import Held, Leases, Owner, Store, open_store
from seatkeeper.store.recording import recording
from stored import ENGINE, JANE, an_entry, later


class Process:
    """This file, running in a process of its own; it is gone at the end of the block."""

    def __init__(self, *args: str, file: Path = Path(__file__)) -> None:
        command = [sys.executable, str(file), *args]
        pipe = subprocess.PIPE
        self._popen = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.pid = self._popen.pid

    def heard(self) -> str:
        """Wait for the next thing it says; empty when it ended."""
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()

    def go_on(self) -> None:
        """Tell it to go on."""
        assert self._popen.stdin is not None
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        """Kill, stop or continue it."""
        self._popen.send_signal(number)

    def end(self) -> str:
        """Wait for its end and return the rest of what it said."""
        return self._popen.communicate(timeout=60)[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.communicate()


def leases_of(store: Store, ttl: float = 30.0, margin: float = 7.5) -> Leases:
    """Return leases of another owner in this process, with these times."""
    return Leases(store.leases._db, Owner.this_process("seatkeeper test"), ttl=ttl, margin=margin)


def intend(store: Store, held: Held, site: str) -> None:
    """Write one fenced record, as an intent does; `run_id` is the fence."""
    with recording(store.ledger._db, held) as record:
        record.note(
            an_entry(kind=Kind.RELEASE_INTENT, site=site, run_id=str(held.fence), actor=ENGINE)
        )


def say(text: str) -> None:
    """Tell the test where we are."""
    print(text, flush=True)  # noqa: T201 - this is how the two processes talk


async def hold(store: Store, site: str, ttl: str) -> None:
    """Hold a site, then try to act when told so."""
    held = await leases_of(store, float(ttl), float(ttl) / 4).claim_site(site, "release", now())
    say(f"held {held.fence}")
    await asyncio.to_thread(sys.stdin.readline)
    for act in (held.check, lambda: intend(store, held, site)):
        try:
            act()
            say("done")
        except LeaseLost:
            say("lost")


async def break_off(store: Store, site: str, _ttl: str) -> None:
    """Hold a site and stop in the middle of a transaction."""
    held = await store.leases.claim_site(site, "release", now())
    with recording(store.ledger._db, held) as record:
        record.conn.exec_driver_sql("UPDATE ledger_head SET hash = 'half'")
        say(f"held {held.fence}")
        sys.stdin.readline()


async def append(store: Store, site: str, number: str) -> None:
    """Append so many records when told so."""
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    for n in range(int(number)):
        await store.ledger.append(an_entry(n, site=site))
    say("done")


async def work(store: Store, _site: str, ttl: str) -> None:
    """Take whatever job is due, act on it a few times, and give it back; for ever."""
    leases = leases_of(store, float(ttl), float(ttl) / 4)
    say("ready")
    while True:
        try:
            for held in await leases.claim_due(2, now()):
                await act(store, leases, held)
        except StoreError as error:
            say(f"store: {error}")
        await asyncio.sleep(0.01)


async def act(store: Store, leases: Leases, held: Held) -> None:
    """Work on one job as the engine does."""
    try:
        for _ in range(3):
            held.check()
            await asyncio.to_thread(intend, store, held, held.site)
        await leases.renew([held])
        held.check()
        await leases.done(held, held.kind, now(), now())
    except LeaseLost:
        leases.drop(held)


async def try_to_hold(store: Store, site: str, _ttl: str) -> None:
    """Try to take a site once."""
    try:
        await store.leases.claim_site(site, "apply", now())
        say("held")
    except SiteBusy as error:
        say(str(error))


async def take_rows(store: Store, target: str, limit: str) -> None:
    """Take rows of a target and stop before any is sent."""
    rows = await store.outbox.take(target, int(limit), now())
    say(f"took {len(rows)}")
    await asyncio.to_thread(sys.stdin.readline)


async def send_and_wait(store: Store, target: str, url: str) -> None:
    """Send what waits, and stop before it is written down that it arrived."""
    rows = await store.outbox.take(target, 10_000, now())
    async with InfluxSink(version_1(url, "butler")) as sink:
        delivery = await sink.send(rows)
        say(f"sent {len(delivery.delivered)}")
        await asyncio.to_thread(sys.stdin.readline)


async def approve(store: Store, plan_id: str, how: str) -> None:
    """Approve a plan, whole or without its first seat, when told so."""
    at = later(1)
    stored = await store.plans.load(plan_id, at)
    first = stored.plan.actions[0].allocation_id
    smaller = without(stored, Leaving((first,), JANE.by, "on leave"), Policy(), at)
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    try:
        if how == "whole":
            await store.plans.approve(plan_id, JANE, "fine", at)
        else:
            await store.plans.leave_out(smaller, JANE, "on leave", at, passing=[])
        say("approved")
    except PlanStale:
        say("PlanStale")


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


MODES = {
    f.__name__: f
    for f in (hold, break_off, append, work, try_to_hold, take_rows, send_and_wait, approve)
}

if __name__ == "__main__":
    _mode, _url, _place, _number = sys.argv[1:5]
    asyncio.run(MODES[_mode](open_store(_url, command=f"seatkeeper {_mode}"), _place, _number))
