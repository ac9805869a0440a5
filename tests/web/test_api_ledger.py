"""The ledger through the API: filtered, in pages, one record, how the chain stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from console_world import World, a_console
from seatkeeper.core.record import Kind
from seatkeeper.core.roles import Role
from seatkeeper.web.sealed import Purpose, Seal
from stored import ANNA, JANE, a_plan, an_action, an_entry, applied, some_actions

PRIVATE = "privacy: pseudonymous\n"

SEAL = Seal(b"a secret of the store")


def ref(user: str) -> str:
    """Return what names a person of the site in addresses."""
    return SEAL.close(user, Purpose.PERSON, "prod")


async def all_of(them: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    """Return every record of a list, a page of three after the other."""
    joined, found, cursor = "&" if "?" in address else "?", [], ""
    while True:
        page = (await them.get(f"{address}{joined}limit=3&cursor={cursor}")).json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = page["next"]


async def written(world: World) -> None:
    """Let a plan of Anna and others be applied on one site, and another wait on the other."""
    await applied(world.store, a_plan(an_action(ANNA, allocation_id="seat-0"), *some_actions(2)))
    await world.store.plans.record(a_plan(site="test"), JANE, "run-9")
    await world.store.control.freeze(JANE, "audit", world.now)


async def test_records_are_read_newest_first_to_the_last(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await written(world)
        found = await all_of(them, "/api/v1/ledger")
        head = (await them.get("/api/v1/ledger/head")).json()

        assert [r["seq"] for r in found] == list(range(head["seq"], 0, -1))
        assert found[0]["kind"] == "frozen"
        assert head["hash"] == found[0]["hash"]
        assert head["head"] == f"{head['seq']}:{head['hash']}"
        assert (head["continues"], head["check"]) == (True, None)


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ("kind=apply_started", {"apply_started"}),
        ("site=test", {"plan_proposed"}),
        ("run_id=run-9", {"plan_proposed"}),
        ("by=JANE DOE&kind=frozen", {"frozen"}),
        ("since=2026-11-02T04:00:00Z", set()),
        ("until=2026-11-02T03:00:00%2B01:00", set()),
        (f"person={ref(ANNA)}", {"release_intent", "release_outcome"}),
        (f"person={ref('EXAMPLE/nobody')}", set()),
    ],
)
async def test_records_are_filtered(tmp_path: Path, asked: str, kinds: set[str]) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await written(world)
        found = (await them.get(f"/api/v1/ledger?{asked}&limit=200")).json()

        assert {r["kind"] for r in found["items"]} - {"token_made"} == kinds
        assert found["total"] == len(found["items"])


@pytest.mark.parametrize(
    "asked",
    ["since=2026-11-02T03:00:00", "since=0001-01-01T00:00:00%2B14:00", "kind=none", "person=x"],
)
async def test_what_cannot_be_asked_is_refused(tmp_path: Path, asked: str) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        answer = await them.get(f"/api/v1/ledger?{asked}")

        assert answer.status_code == (404 if asked == "person=x" else 422)


async def test_a_record_tells_whether_it_is_as_it_was_written(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await world.store.ledger.append(an_entry(kind=Kind.FROZEN, person=ANNA))
        seq = (await world.store.ledger.head()).seq
        told = (await them.get(f"/api/v1/ledger/{seq}")).json()
        codes = [
            (await them.get(f"/api/v1/ledger/{n}")).status_code
            for n in (seq + 1, 2**63 - 1, 0, 2**63)
        ]

        assert (told["holds"], told["person"]) == (True, ANNA)
        assert codes == [404, 404, 422, 422]


async def test_records_of_other_sites_and_of_none_are_not_for_a_role_on_one(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.ADMIN, "test") as them:
        await written(world)
        found = (await them.get("/api/v1/ledger?limit=200")).json()
        (own,) = found["items"]
        head = await world.store.ledger.head()
        seen = [
            seq
            for seq in range(1, head.seq + 1)
            if (await them.get(f"/api/v1/ledger/{seq}")).status_code == 200
        ]

        assert (own["site"], found["total"]) == ("test", 1)
        assert seen == [own["seq"]]
        assert (await them.get("/api/v1/ledger?site=prod")).status_code == 404


async def test_privacy_hides_names_in_the_ledger_too(tmp_path: Path) -> None:
    async with a_console(tmp_path, PRIVATE) as world, await world.with_token(Role.VIEWER) as them:
        await written(world)
        found = await them.get("/api/v1/ledger?kind=release_outcome")
        looked = await them.get(f"/api/v1/ledger?person={ref(ANNA)}")
        one = await them.get(f"/api/v1/ledger/{found.json()['items'][0]['seq']}")

        assert all(r["person"].startswith("Person ") for r in found.json()["items"])
        assert "anna" not in (found.text + one.text).casefold()
        assert looked.status_code == 403


async def test_a_record_that_was_changed_is_told_as_such(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await world.store.ledger.append(an_entry(kind=Kind.FROZEN))
        with world.store.ledger._db.writing() as conn:
            conn.exec_driver_sql("DROP TRIGGER ledger_no_update")
            conn.exec_driver_sql("UPDATE ledger SET kind = 'nonsense'")
        answer = await them.get("/api/v1/ledger")

        assert answer.status_code == 500
        assert "seatkeeper ledger verify" in answer.json()["detail"]
