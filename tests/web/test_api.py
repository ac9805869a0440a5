"""The API: sites, pools and users as JSON; faults as problem+json; nothing new is sent twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from builders import ANALYZER, ANNA, NOW, a_snapshot, a_summary, an_allocation
from console_world import World, a_console
from seatkeeper.core.roles import Role
from seatkeeper.core.roster import Flag, RosterLine
from seatkeeper.core.rules import Reason
from stored import a_plan, an_action, refused

HOSTILE = "EXAMPLE\\<script>alert(1)</script>\u202e" + "x" * 10_000
PRIVATE = "privacy: pseudonymous\n"


def a_line(user: str, number: int = 0, **changes: object) -> RosterLine:
    """Return a seat of somebody active, unless told otherwise."""
    told: dict[str, object] = {
        "allocation_id": f"seat-{number:05}",
        "license_type": ANALYZER,
        "user": user,
        "name": user.rpartition("\\")[2],
        "department": "Sales",
        "flags": 0,
        "created": NOW - timedelta(days=400),
        "last_used": NOW - timedelta(days=number % 90),
        "idle_since": NOW - timedelta(days=number % 90),
        "reason": Reason.ACTIVE,
    }
    return RosterLine(**{**told, **changes})  # type: ignore[arg-type]


def idle(user: str, number: int) -> RosterLine:
    """Return a seat that the rules would release."""
    return a_line(user, number, reason=Reason.IDLE, flags=int(Flag.IDLE | Flag.RELEASABLE))


def is_problem(answer: httpx.Response) -> bool:
    """Whether an answer is a fault as RFC 9457 has it, and says its own status."""
    problem = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and set(problem) == {"type", "title", "status", "detail"}
        and problem["status"] == answer.status_code
    )


def spoil(folder: Path) -> None:
    """Write over the store of a console."""
    for file in folder.glob("console.db*"):
        file.write_bytes(b"no database" * 1000)


async def observed(world: World) -> None:
    """Let sixty days of readings be known, the last of them now."""
    for days in range(60, -1, -1):
        at = world.now - timedelta(days=days)
        await world.store.history.observe(a_snapshot(now=at))
    await world.store.summaries.keep(a_summary(at=world.now))


async def test_somebody_is_told_who_they_are_and_what_they_may(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR, "test") as them:
        told = (await them.get("/api/v1/me")).json()

        assert told["role"] == "operator"
        assert told["name"].endswith("(token script-operator-0)")
        assert told["sites"] == {"test": ["read", "names", "run", "silence"]}


async def test_sites_are_those_that_the_role_reaches(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await world.store.summaries.keep(a_summary(at=world.now))
        async with await world.with_token() as admin:
            all_of_them = (await admin.get("/api/v1/sites")).json()
            one = (await admin.get("/api/v1/sites/PROD")).json()
        async with await world.with_token(Role.ADMIN, "test") as limited:
            theirs = (await limited.get("/api/v1/sites")).json()
            hidden = await limited.get("/api/v1/sites/prod")
            nowhere = await limited.get("/api/v1/sites/nowhere")

        assert [s["name"] for s in all_of_them["items"]] == ["prod", "test"]
        assert (one["name"], one["mode"], one["is_stale"]) == ("prod", "approve", False)
        assert [s["name"] for s in theirs["items"]] == ["test"]
        assert (hidden.status_code, hidden.json()) == (404, nowhere.json())


async def test_a_list_goes_on_where_its_cursor_says(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        first = (await them.get("/api/v1/sites?limit=1")).json()
        second = (await them.get(f"/api/v1/sites?limit=1&cursor={first['next']}")).json()

        assert [s["name"] for s in first["items"] + second["items"]] == ["prod", "test"]
        assert second["next"] is None


@pytest.mark.parametrize("cursor", ["nonsense", "%00", "A" * 4000])
async def test_a_cursor_that_nobody_gave_is_refused(tmp_path: Path, cursor: str) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        answer = await them.get(f"/api/v1/sites?cursor={cursor}")

        assert answer.status_code == 422
        assert is_problem(answer)


async def test_the_cursor_of_another_list_is_refused(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        cursor = (await them.get("/api/v1/sites?limit=1")).json()["next"]
        answer = await them.get(f"/api/v1/sites/prod/users?cursor={cursor}")

        assert answer.status_code == 422


async def test_pools_come_with_the_days_behind_and_a_forecast(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await observed(world)
        told = (await them.get("/api/v1/sites/prod/pools")).json()
        pool = told["pools"][0]

        assert told["read_at"] == "2026-11-02T03:00:00Z"
        assert pool["available"] == pool["days"][-1]["available"]
        assert len(pool["days"]) > 50
        assert pool["forecast"]["per_day"] == 0
        assert pool["forecast"]["runs_dry_on"] is None


async def test_a_site_that_was_never_read_has_no_pools_yet(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        told = (await them.get("/api/v1/sites/test/pools")).json()

        assert told == {"site": "test", "read_at": None, "pools": [], "capacity": None}


async def test_users_come_in_pages_with_their_verdicts(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        lines = [a_line(rf"EXAMPLE\u{n}", n) for n in range(5)]
        await world.store.roster.keep("prod", world.now, [*lines, idle(HOSTILE, 80)])
        first = (await them.get("/api/v1/sites/prod/users?limit=4")).json()
        rest = await them.get(f"/api/v1/sites/prod/users?limit=4&cursor={first['next']}")
        seats = [*first["items"], *rest.json()["items"]]

        assert (first["total"], rest.json()["next"]) == (6, None)
        assert len({s["seat"] for s in seats}) == 6
        assert (seats[0]["user"], seats[0]["verdict"]) == (HOSTILE, "release")
        assert seats[0]["marks"] == ["idle", "releasable"]
        assert first["views"]["releasable"] == 1


async def test_a_cursor_of_users_fits_its_own_order_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        lines = [a_line(rf"EXAMPLE\u{n}", n) for n in range(5)]
        await world.store.roster.keep("prod", world.now, lines)
        first = (await them.get("/api/v1/sites/prod/users?limit=2")).json()
        other = f"/api/v1/sites/prod/users?sort=created&cursor={first['next']}"

        assert (await them.get(other)).status_code == 422


async def test_people_are_looked_for_without_a_name_in_any_address(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        lines = [a_line(rf"EXAMPLE\u{n}", n) for n in range(3)]
        await world.store.roster.keep("prod", world.now, [*lines, a_line(HOSTILE, 9)])
        wanted = {"text": "script", "limit": 1}
        found = (await them.post("/api/v1/sites/prod/users/search", json=wanted)).json()
        ref = found["items"][0]["ref"]
        person = (await them.get(f"/api/v1/sites/prod/users/{ref}")).json()

        assert (found["total"], person["user"]) == (1, HOSTILE)
        assert "script" not in ref
        assert person["seats"][0]["seat"] == "seat-00009"


async def test_a_story_is_told_newest_first(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        await world.store.activity.observe(a_snapshot([an_allocation()]), world.now)
        await world.store.roster.keep("prod", world.now, [a_line(ANNA, 1)])
        seat = (await them.get("/api/v1/sites/prod/users")).json()["items"][0]
        person = (await them.get(f"/api/v1/sites/prod/users/{seat['ref']}")).json()
        times = [line["at"] for line in person["story"]]

        assert times
        assert times == sorted(times, reverse=True)


async def test_privacy_hides_names_from_viewers_alone(tmp_path: Path) -> None:
    exempt = {"reason": Reason.EXEMPT, "exempt_owner": "Boss of Anna", "exempt_reason": "Anna!"}
    async with a_console(tmp_path, PRIVATE) as world:
        await world.store.roster.keep("prod", world.now, [a_line(r"EXAMPLE\anna", 1, **exempt)])
        await refused(world.store, a_plan(an_action(r"EXAMPLE\anna")), "not anna")
        async with await world.with_token(Role.VIEWER) as viewer:
            hidden = await viewer.get("/api/v1/sites/prod/users")
            person = await viewer.get(
                f"/api/v1/sites/prod/users/{hidden.json()['items'][0]['ref']}"
            )
            wanted = {"text": "anna"}
            looked = await viewer.post("/api/v1/sites/prod/users/search", json=wanted)
            by_name = await viewer.get("/api/v1/sites/prod/users?sort=user")
        async with await world.with_token(Role.OPERATOR) as operator:
            clear = await operator.get("/api/v1/sites/prod/users")

        assert hidden.json()["items"][0]["user"].startswith("Person ")
        assert "anna" not in (hidden.text + person.text).casefold()
        assert "Not the user." in person.text
        assert (looked.status_code, by_name.status_code) == (403, 403)
        assert clear.json()["items"][0]["user"] == r"EXAMPLE\anna"
        assert clear.json()["items"][0]["exempt"]["owner"] == "Boss of Anna"


async def test_who_looked_at_names_is_in_the_ledger_where_that_is_wanted(tmp_path: Path) -> None:
    more = "console: {record_views: true}\n"
    async with a_console(tmp_path, more) as world, await world.with_token() as them:
        await world.store.roster.keep("prod", world.now, [a_line(r"EXAMPLE\anna", 1)])
        seat = (await them.get("/api/v1/sites/prod/users")).json()["items"][0]
        await them.get(f"/api/v1/sites/prod/users/{seat['ref']}")
        seen = [r for r in await world.store.ledger.show() if r.kind == "names_seen"]

        assert [r.person for r in seen] == ["", r"EXAMPLE\anna"]
        assert all(r.by == "Jane Doe (token script-admin-0)" for r in seen)


async def test_nobody_finds_a_person_by_a_reference_of_another_store(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        name = quote(r"EXAMPLE\anna")

        assert (await them.get(f"/api/v1/sites/prod/users/{name}")).status_code == 404


async def test_what_is_not_new_is_not_sent_again(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        first = await them.get("/api/v1/sites")
        tag = first.headers["etag"]
        same = await them.get("/api/v1/sites", headers={"If-None-Match": f'"old", W/{tag}'})
        await world.store.summaries.keep(a_summary(at=world.now))
        new = await them.get("/api/v1/sites", headers={"If-None-Match": tag})

        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert "content-security-policy" in same.headers
        assert new.status_code == 200
        assert new.headers["etag"] != tag


async def test_every_fault_is_a_problem(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        async with world.browser() as nobody:
            unknown = await nobody.get("/api/v1/sites")
            bad = await nobody.get("/api/v1/sites", headers={"Authorization": "Bearer skt_no"})
        answers = {
            401: unknown,
            404: await them.get("/api/v1/nothing/of/this/name"),
            405: await them.delete("/api/v1/sites"),
            422: await them.get("/api/v1/sites?limit=many"),
            413: await them.post("/api/v1/sites/prod/users/search", content=b"x" * 300_000),
        }

        assert bad.status_code == 401
        assert {code: a.status_code for code, a in answers.items()} == {c: c for c in answers}
        assert all(is_problem(answer) for answer in (bad, *answers.values()))
        assert answers[401].headers["www-authenticate"] == "Bearer"
        assert "GET" in answers[405].headers["allow"]


async def test_a_body_that_grows_too_large_on_the_way_is_a_problem_too(tmp_path: Path) -> None:
    async def endless() -> object:
        for _ in range(40):
            yield b"x" * 10_000

    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        url = "/api/v1/sites/prod/users/search"
        answer = await them.post(url, content=endless())  # type: ignore[arg-type]

        assert answer.status_code == 413
        assert is_problem(answer)


async def test_a_fault_of_ours_says_nothing_of_what_it_met(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:

        async def broken() -> None:
            raise RuntimeError(r"EXAMPLE\anna")

        world.app.add_api_route("/api/v1/broken", broken)
        answer = await them.get("/api/v1/broken")

        assert answer.status_code == 500
        assert is_problem(answer)
        assert "anna" not in answer.text


async def test_a_store_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        spoil(tmp_path)
        answer = await them.get("/api/v1/sites/prod/users")

        assert answer.status_code == 503
        assert is_problem(answer)


async def test_names_of_fields_that_no_text_can_hold_break_nothing(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        url = "/api/v1/sites/prod/users/search"
        body = b'{"text": "x", "\\ud800' + b"y" * 1000 + b'": 1}'
        answer = await them.post(url, content=body, headers={"Content-Type": "application/json"})

        assert answer.status_code == 422
        assert is_problem(answer)
        assert len(answer.json()["detail"]) < 600


async def test_a_slip_in_an_address_shows_nothing_rather_than_more(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        answer = await them.get("/api/v1/plans?sites=prod")

        assert answer.status_code == 422
        assert "'sites'" in answer.json()["detail"]
        assert "site, status" in answer.json()["detail"]


async def test_a_token_asks_so_often_and_then_waits(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token() as them:
        answers = [await them.get("/api/v1/me") for _ in range(601)]
        async with await world.with_token(Role.VIEWER) as other:
            fine = await other.get("/api/v1/me")

        assert [a.status_code for a in answers[:600]] == [200] * 600
        assert answers[600].status_code == 429
        assert is_problem(answers[600])
        assert 0 < int(answers[600].headers["retry-after"]) <= 60
        assert fine.status_code == 200


async def test_a_session_of_a_browser_reads_but_writes_with_its_word_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        read = await browser.get("/api/v1/sites")
        bare = await browser.post("/api/v1/sites/prod/users/search", json={"text": "x"})

        assert read.status_code == 200
        assert bare.status_code == 403
        assert is_problem(bare)


async def test_the_description_is_for_those_who_are_signed_in(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        async with world.browser() as nobody:
            refused = await nobody.get("/api/v1/openapi.json")
        async with await world.with_token(Role.VIEWER) as them:
            told = (await them.get("/api/v1/openapi.json")).json()

        assert refused.status_code == 401
        assert "/api/v1/sites/{site}/pools" in told["paths"]
        assert all(path.startswith("/api/v1/") for path in told["paths"])
