"""What a simulated site keeps: across restarts, across SIGKILL, and for one owner at a time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from seatkeeper.errors import SiteBusy, StoreError
from seatkeeper.simulator.moments import DAY
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.pki import Certificates
from seatkeeper.simulator.serve import Simulator
from simulator.world import ANALYZER, QrsClient, client_for, client_of

PATH = "/qrs/license/analyzeraccesstype"
SERVE = """
import sys
from pathlib import Path
from typing import Any
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import run
run(SimOptions(Path(sys.argv[1]), users=120), lambda made: print(made.url, flush=True))
print("ended", flush=True)
"""


@contextmanager
def process(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve in a process of its own; give it and its address once it answers."""
    command = [sys.executable, "-c", SERVE, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            yield started, started.stdout.readline().strip().removesuffix("/qrs")
        finally:
            started.kill()


def journal_of(directory: Path) -> Path:
    [journal] = directory.glob("journal-*.jsonl")
    return journal


@asynccontextmanager
async def connected(directory: Path, root: str) -> AsyncIterator[QrsClient]:
    async with client_of(root, Certificates.inside(directory)) as client:
        yield client


async def test_what_was_answered_survives_sigkill(tmp_path: Path) -> None:
    with process(tmp_path) as (served, root):
        async with connected(tmp_path, root) as client:
            _, seats = await client.ask("GET", f"{PATH}/full", filter="quarantined eq false")
            chosen = [seat["id"] for seat in seats[:20]]
            for key in chosen:
                assert (await client.ask("DELETE", f"{PATH}/{key}"))[0] == 204
            _, tag = await client.ask("POST", "/qrs/tag", {"name": "kept"})
            user = (await client.ask("GET", "/qrs/user/full"))[1][-1]
            body = user | {"name": "Renamed", "tags": [{"id": tag["id"]}]}
            assert (await client.ask("PUT", f"/qrs/user/{user['id']}", body))[0] == 200
            _, before = await client.ask("GET", f"{PATH}/full", orderby="id")
        served.send_signal(signal.SIGKILL)

    with process(tmp_path) as (served, root):
        async with connected(tmp_path, root) as client:
            _, after = await client.ask("GET", f"{PATH}/full", orderby="id")
            _, kept = await client.ask("GET", f"/qrs/user/{user['id']}")

    assert after == before
    assert {row["id"] for row in after if not row["quarantined"]}.isdisjoint(chosen)
    assert (kept["name"], kept["tags"][0]["name"]) == ("Renamed", "kept")


async def test_a_kill_amid_writes_loses_no_answered_one(tmp_path: Path) -> None:
    answered: list[str] = []
    with process(tmp_path) as (served, root):
        async with connected(tmp_path, root) as client:
            workers = [_post_tags(client, answered, served.pid) for _ in range(8)]
            ends = await asyncio.gather(*workers, return_exceptions=True)

    assert all(isinstance(end, aiohttp.ClientError) for end in ends)
    async with Simulator(SimOptions(tmp_path)) as again:
        assert set(answered) <= set(again.site.records.documents["tag"])


async def _post_tags(client: QrsClient, answered: list[str], victim: int) -> None:
    """Add tags without end; the two hundredth answer kills the site amid the others' requests."""
    for number in range(100_000):
        _, tag = await client.ask("POST", "/qrs/tag", {"name": f"tag{number}"})
        answered.append(tag["id"])
        if len(answered) == 200:
            os.kill(victim, signal.SIGKILL)


async def test_a_stop_by_signal_is_clean(tmp_path: Path) -> None:
    with process(tmp_path) as (served, _):
        served.send_signal(signal.SIGTERM)
        out, _ = served.communicate(timeout=10)

    assert out.strip() == "ended"
    assert served.returncode == 0


async def test_a_hanging_request_does_not_keep_the_site_from_stopping(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=5)) as made:
        made.set_faults(type(made.options.faults).parse(["hang"]))
        async with client_for(made) as client:
            with pytest.raises(TimeoutError):
                async with _limit(0.1):
                    await client.ask("GET", "/qrs/about")
        start = time.monotonic()
    assert time.monotonic() - start < 5


@asynccontextmanager
async def _limit(seconds: float) -> AsyncIterator[None]:
    async with asyncio.timeout(seconds):
        yield


async def test_certificates_and_site_are_used_again(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=30)) as first:
        root = first.certificates.ca.read_bytes()
        users = set(first.site.records.users)

    async with Simulator(SimOptions(tmp_path, users=999, seed=7)) as second:
        assert second.certificates.ca.read_bytes() == root
        assert set(second.site.records.users) == users


async def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=1)) as made:
        names = made.certificates
        assert [path.name for path in (names.ca, names.cert, names.key)] == [
            "root.pem",
            "client.pem",
            "client_key.pem",
        ]
        assert names.key.stat().st_mode & 0o777 == 0o600
        assert names.server_key.stat().st_mode & 0o777 == 0o600


async def test_two_owners_at_once_are_refused(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=1)):
        with pytest.raises(SiteBusy, match=f"by process {os.getpid()}"):
            await Simulator(SimOptions(tmp_path)).__aenter__()

    async with Simulator(SimOptions(tmp_path)) as again:
        assert again.port


async def test_another_process_is_named(tmp_path: Path) -> None:
    with process(tmp_path) as (served, _), pytest.raises(SiteBusy) as caught:
        await Simulator(SimOptions(tmp_path)).__aenter__()

    assert f"by process {served.pid}" in str(caught.value)


async def test_a_port_in_use_leaves_the_directory_free(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path / "one", users=1)) as one:
        with pytest.raises(OSError, match="in use"):
            await Simulator(SimOptions(tmp_path / "two", users=1, port=one.port)).__aenter__()

    async with Simulator(SimOptions(tmp_path / "two")) as two:
        assert two.port


async def test_a_line_half_written_is_forgotten(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=30)) as first:
        [key, *_] = first.site.records.seats[ANALYZER]
        first.site.set_total(ANALYZER, 77)
    with journal_of(tmp_path).open("ab") as file:
        file.write(b'["analyzer","' + key.encode())

    async with Simulator(SimOptions(tmp_path)) as second:
        assert second.site.records.totals[ANALYZER] == 77
        assert key in second.site.records.seats[ANALYZER]
        second.site.set_total(ANALYZER, 78)
    async with Simulator(SimOptions(tmp_path)) as third:
        assert third.site.records.totals[ANALYZER] == 78


async def test_what_is_no_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "site.msgpack").write_bytes(b"holiday pictures")

    with pytest.raises(StoreError, match="delete the directory"):
        await Simulator(SimOptions(tmp_path)).__aenter__()


async def test_every_kind_of_change_is_kept(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=80)) as first:
        site = first.site
        site.sync_accident(0.5)
        users = [user for user in site.records.users.values() if not user.delete_prohibited]
        held = next(user for user in users if site.records.seats_held(ANALYZER, user.id))
        site.delete_user(held)
        async with client_for(first) as client:
            _, tag = await client.ask("POST", "/qrs/tag", {"name": "short-lived"})
            await client.ask("DELETE", f"/qrs/tag/{tag['id']}")
        guest = next(user for user in users if user.directory == "PARTNER")
        guest.inactive = False
        site.records.save_user(guest)
        site.login(guest)
        site.set_total(ANALYZER, 3)
        expected = first.site.records.contents()

    async with Simulator(SimOptions(tmp_path)) as second:
        second.site.sync_accident(0.5)
        found = second.site.records.contents()

    assert _by_id(found.seats) == _by_id(expected.seats)
    assert found.totals == expected.totals
    assert found.documents == expected.documents
    assert _by_id(found.capacity_uses) == _by_id(expected.capacity_uses)
    assert set(_by_id(found.users)) == set(_by_id(expected.users))
    assert sum(user.lost for user in found.users) == sum(user.lost for user in expected.users)


def _by_id(rows: Sequence[Any]) -> dict[str, Any]:
    return {row.id: row for row in rows}


async def test_a_journal_of_an_older_base_is_not_used(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=30)) as first:
        first.site.set_total(ANALYZER, 5)
        old = journal_of(tmp_path)
        stale = old.read_bytes()
        first.advance(first.site.clock.now() + DAY)
        first.site.set_total(ANALYZER, 9)
    old.write_bytes(stale)

    async with Simulator(SimOptions(tmp_path)) as second:
        assert second.site.records.totals[ANALYZER] == 9
