"""What only real processes show: killed, frozen, and writing at the same time."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from contextlib import ExitStack

from lease_process import Process
from seatkeeper.core.record import Kind
from seatkeeper.errors import SiteBusy
from seatkeeper.store import LedgerQuery, Store
from stored import NOW, a_plan, an_entry, applying, later

SOAK_SECONDS = 5.0
TTL = 1.0
SITES = [f"site-{n}" for n in range(8)]


async def test_two_processes_append_at_once_and_the_chain_is_whole(store: Store, url: str) -> None:
    with Process("append", url, "one", "150") as one, Process("append", url, "two", "150") as two:
        assert (one.heard(), two.heard()) == ("ready", "ready")
        one.go_on()
        two.go_on()
        assert (one.heard(), two.heard()) == ("done", "done")

    verified = await store.ledger.verify()

    assert (verified.records, verified.persons) == (300, 7)


async def test_two_processes_open_a_new_store_at_once(empty_url: str) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(Process("append", empty_url, "s", "3")) for _ in range(2)]
        assert [process.heard() for process in both] == ["ready", "ready"]


async def test_a_process_killed_in_mid_transaction_leaves_nothing_of_it(
    store: Store, url: str
) -> None:
    await store.ledger.append(an_entry())
    with Process("break_off", url, "prod", "0") as broken:
        assert broken.heard().startswith("held")
        broken.send(signal.SIGKILL)
        broken.end()

    await store.ledger.append(an_entry(1))

    assert (await store.ledger.verify()).records == 2
    assert (await store.leases.claim_site("prod", "apply", NOW)).interrupted


async def test_a_frozen_process_notices_when_it_wakes_and_its_intent_is_refused(
    store: Store, url: str
) -> None:
    with Process("hold", url, "prod", "1") as frozen:
        fence = int(frozen.heard().split()[1])
        frozen.send(signal.SIGSTOP)
        async with asyncio.timeout(20):
            while True:
                try:
                    held = await store.leases.claim_site("prod", "apply", NOW)
                    break
                except SiteBusy:
                    await asyncio.sleep(0.1)
        frozen.send(signal.SIGCONT)
        frozen.go_on()

        assert (frozen.heard(), frozen.heard()) == ("lost", "lost")

    assert held.fence > fence
    assert await store.ledger.show(LedgerQuery(kind=Kind.RELEASE_INTENT)) == []


async def test_another_process_reads_who_applies_a_plan(store: Store, url: str) -> None:
    await applying(store, a_plan())

    with Process("try_to_hold", url, "prod", "0") as other:
        said = other.heard()

    assert f"pid {store.owner.pid}" in said
    assert "at apply" in said


async def test_processes_killed_and_frozen_at_random_never_act_with_an_old_fence(
    store: Store, url: str
) -> None:
    chance = random.Random(7)  # noqa: S311 - seeded trials, not security
    jobs = {(s, k): ("always", NOW) for s in SITES for k in ("release", "monitor")}
    await store.leases.set_jobs(jobs)

    with ExitStack() as stack:
        workers = [stack.enter_context(Process("work", url, "-", str(TTL))) for _ in range(3)]
        assert [w.heard() for w in workers] == ["ready"] * 3
        end = time.monotonic() + SOAK_SECONDS
        while time.monotonic() < end:
            await asyncio.sleep(chance.uniform(0.1, 0.5))
            place = chance.randrange(len(workers))
            if chance.random() < 0.5:
                workers[place].send(signal.SIGKILL)
                workers[place] = stack.enter_context(Process("work", url, "-", str(TTL)))
            else:
                workers[place].send(signal.SIGSTOP)
                await asyncio.sleep(TTL * 1.3)
                workers[place].send(signal.SIGCONT)

    intents = [r async for page in store.ledger.pages() for r in page]
    assert (await store.ledger.verify()).records == len(intents) > 50
    for site in SITES:
        fences = [int(r.run_id) for r in intents if r.site == site]
        assert fences == sorted(fences), site
    # All are dead now: no site is stuck, each is taken at once.
    claimed = await store.leases.claim_due(len(SITES), later(1000))
    assert {held.site for held in claimed} == set(SITES)
