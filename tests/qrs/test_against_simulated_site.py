"""The door to Qlik against the simulated site, which was written from the contract alone."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatkeeper.core.model import Allocation, LicenseType, UsageState, User
from seatkeeper.qrs.client import Connection, QrsClient, Retrying
from seatkeeper.qrs.hands import Granter, Releaser
from seatkeeper.qrs.reader import SiteReader
from seatkeeper.simulator.faults import Faults
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.switches import Switches

USERS = 120


@contextlib.asynccontextmanager
async def a_site(
    folder: Path, *, switches: tuple[str, ...] = (), faults: tuple[str, ...] = (), tokens: int = 0
) -> AsyncIterator[tuple[Simulator, QrsClient]]:
    options = SimOptions(
        state_dir=folder,
        users=USERS,
        tokens=tokens,
        switches=Switches.parse(switches),
        faults=Faults.parse(faults),
    )
    async with Simulator(options) as simulator:
        connection = Connection(
            url=simulator.url,
            ca_file=folder / "root.pem",
            cert_file=folder / "client.pem",
            key_file=folder / "client_key.pem",
            user="INTERNAL\\sa_api",
            timeout=timedelta(seconds=10),
        )
        quick = Retrying(tries=4, first_pause=0.01)
        async with QrsClient(connection, lambda: datetime.now(UTC), retrying=quick) as client:
            yield simulator, client


async def everything(reader: SiteReader) -> tuple[dict[str, User], list[Allocation]]:
    users = await reader.users()
    seats = [s for t in LicenseType for s in await reader.allocations(t)]
    return users, seats


async def test_a_whole_site_is_read_and_its_counts_agree(tmp_path: Path) -> None:
    async with a_site(tmp_path) as (_, client):
        reader = SiteReader(client)
        users, seats = await everything(reader)
        overview = await reader.overview()
        license_ = await reader.server_license()

        assert len(users) == await reader.count_users() >= USERS
        for license_type in LicenseType:
            mine = [s for s in seats if s.license_type is license_type]
            pool = overview.pool(license_type)
            assert pool is not None
            assert len(mine) == await reader.count_allocations(license_type) > 0
            assert sum(s.is_live for s in mine) == pool.allocated
        assert license_ is not None
        assert license_.number
        assert license_.valid_to is not None
        assert all(not s.doubt for s in seats)
        assert all(s.user_id in users for s in seats if not s.deleted_user)
        assert reader.skew is not None
        assert await reader.build_version()


async def test_parts_of_a_site_equal_the_whole(tmp_path: Path) -> None:
    async with a_site(tmp_path) as (_, client):
        reader = SiteReader(client)
        users, seats = await everything(reader)
        mine = [s for s in seats if s.license_type is LicenseType.ANALYZER]
        by_id = {s.id: s for s in mine}
        some = sorted(by_id)[::2]
        people = sorted({s.user_id for s in mine if s.user_id})[::3]
        since = sorted(s.last_used for s in mine if s.last_used)[len(mine) // 2]

        again = await reader.allocations_by_id(LicenseType.ANALYZER, some)
        theirs = await reader.allocations_of_users(LicenseType.ANALYZER, people)
        active = await reader.active_since(LicenseType.ANALYZER, since)

        assert {s.id: s for s in again} == {i: by_id[i] for i in some}
        assert {s.id for s in theirs} == {s.id for s in mine if s.user_id in people}
        assert {s.id for s in active} == {
            s.id for s in mine if s.last_used is not None and s.last_used >= since
        }
        assert await reader.users_by_id(people) == {i: users[i] for i in people}


async def test_usage_rows_speak_for_people(tmp_path: Path) -> None:
    async with a_site(tmp_path, tokens=50) as (_, client):
        reader = SiteReader(client)
        users, seats = await everything(reader)
        overview = await reader.overview()

        witness = await reader.witness(users, seats, overview)

        people = {u.key for u in users.values()}
        assert witness.state is UsageState.GIVEN
        assert set(witness.by_person) <= people
        assert len(witness.by_person) > 10
        newest = max(witness.by_person.values())
        later = await reader.witness(users, seats, overview, newest - timedelta(days=1))
        assert 0 < len(later.by_person) <= len(witness.by_person)
        assert all(witness.by_person[key] >= at for key, at in later.by_person.items())


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("usage=403", UsageState.NOT_GIVEN),
        ("usage=404", UsageState.NOT_GIVEN),
        ("usage=empty", UsageState.EMPTY),
        ("status=500:path=accessusage", UsageState.UNREADABLE),
    ],
)
async def test_a_site_without_usage_rows_says_so(
    tmp_path: Path, fault: str, state: UsageState
) -> None:
    async with a_site(tmp_path, faults=(fault,)) as (_, client):
        reader = SiteReader(client)

        witness = await reader.witness({}, [], await reader.overview())

        assert witness.state is state


async def test_releasing_and_granting_change_the_site(tmp_path: Path) -> None:
    async with a_site(tmp_path) as (_, client):
        reader = SiteReader(client)
        seats = await reader.allocations(LicenseType.ANALYZER)
        used = [(s.last_used, s) for s in seats if s.last_used is not None]
        old = min(used, key=lambda pair: pair[0])[1]
        fresh = max(used, key=lambda pair: pair[0])[1]
        releaser, granter = Releaser(client), Granter(client)

        assert (await releaser.release(LicenseType.ANALYZER, old.id)).status == 204
        assert (await releaser.release(LicenseType.ANALYZER, old.id)).status == 404
        assert (await releaser.release(LicenseType.ANALYZER, fresh.id)).status == 204

        left = await reader.allocations_by_id(LicenseType.ANALYZER, [old.id, fresh.id])
        assert [(s.id, s.quarantined) for s in left] == [(fresh.id, True)]
        assert left[0].quarantine_end is not None
        given = await granter.grant(LicenseType.ANALYZER, str(old.user_id))
        assert given.status == 201
        assert given.created_id is not None
        held = await reader.allocations_by_id(LicenseType.ANALYZER, [given.created_id])
        assert [s.user_id for s in held] == [old.user_id]
        refused = await granter.grant(LicenseType.ANALYZER, str(old.user_id))
        assert refused.status == 400
        assert not refused.is_success


VARIANTS = [
    ("never_date=0001",),
    ("never_date=null",),
    ("never_date=absent",),
    ("deleted_user=absent",),
    ("deleted_user=stub",),
    ("excess_field=absent", "overview_fields=old"),
    ("license_kind=serial",),
    ("license_kind=none",),
    ("key_details=local",),
    ("key_details=crlf",),
    ("key_details=absent",),
    ("privileges_always=yes",),
    ("filter_unknown=no_match", "get_paging=refuse"),
]


@pytest.mark.parametrize("switches", VARIANTS, ids=" ".join)
async def test_every_open_question_reads_the_same(
    tmp_path: Path, switches: tuple[str, ...]
) -> None:
    async with a_site(tmp_path, switches=switches) as (_, client):
        reader = SiteReader(client)
        users, seats = await everything(reader)
        license_ = await reader.server_license()

        assert len(users) == await reader.count_users()
        assert all(not s.doubt for s in seats)
        assert any(s.last_used is None for s in seats)
        assert (license_ is None) is ("license_kind=none" in switches)
        assert len((await reader.overview()).pools) == 2


@pytest.mark.parametrize(
    "fault",
    [
        "status=503:every=3",
        "drop=before:every=4",
        "drop=after:every=4",
        "cut:every=3",
        "cut_silently:every=3",
        "not_json:every=3",
        "lost:every=5",
        "latency=20",
    ],
)
async def test_a_site_in_trouble_is_still_read_whole(tmp_path: Path, fault: str) -> None:
    async with a_site(tmp_path, faults=(fault,)) as (_, client):
        reader = SiteReader(client)
        users, seats = await everything(reader)

        assert len(users) >= USERS
        assert len(seats) > 10


@pytest.mark.parametrize("fault", ["drop=after:method=DELETE", "lost:method=DELETE"])
async def test_a_lost_answer_is_no_second_delete(tmp_path: Path, fault: str) -> None:
    async with a_site(tmp_path, faults=(fault,)) as (simulator, client):
        reader = SiteReader(client)
        seats = (await reader.allocations(LicenseType.ANALYZER))[:10]

        answers = [await Releaser(client).release(LicenseType.ANALYZER, s.id) for s in seats]

        assert all(a.status is None and a.sent for a in answers)
        assert len(simulator.requests.select(method="DELETE")) == 10
