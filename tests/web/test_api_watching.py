"""Alerts, silences, cost and health through the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api_world import COST, alert, an_alert, seeded
from console_world import a_console
from seatkeeper.core.alerts import AlertKey, AlertState, Silence
from seatkeeper.core.health import JobHealth
from seatkeeper.core.roles import Role
from stored import JANE


async def test_alerts_are_listed_with_runbook_and_silence(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        over = an_alert(
            key=AlertKey("low_availability", "prod", "analyzer"),
            state=AlertState.RESOLVED,
            resolved_at=world.now,
        )
        await alert(world, an_alert(), over)
        until = world.now + timedelta(hours=1)
        wish = Silence("Jane Doe", "known", world.now, until, rule="license_expiry")
        kept = await world.store.alerts.silence(wish, JANE)
        everything = (await them.get("/api/v1/alerts")).json()["items"]
        firing = (await them.get("/api/v1/alerts?state=firing")).json()["items"]

        assert [a["rule"] for a in everything] == ["license_expiry", "low_availability"]
        assert [(a["rule"], a["silence"]) for a in firing] == [("license_expiry", kept.id)]
        assert firing[0]["runbook"].endswith("license_expiry.md")
        assert firing[0]["values"] == {"days": 20.0}
        assert len({a["id"] for a in everything}) == 2


async def test_alerts_of_another_site_are_not_shown(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER, "test") as them:
        itself = an_alert("", key=AlertKey("channel_failing", "", "mail"))
        await alert(world, an_alert(), an_alert("test"), itself)
        shown = (await them.get("/api/v1/alerts")).json()["items"]

        assert [a["site"] for a in shown] == ["test"]
        assert (await them.get("/api/v1/alerts?site=prod")).status_code == 404


async def test_a_silence_is_made_shown_and_lifted_in_a_persons_name(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        wish = {"minutes": 90, "reason": "planned  work", "site": "PROD", "severity": "warning"}
        made = await them.post("/api/v1/silences", json=wish)
        listed = (await them.get("/api/v1/silences")).json()["items"]
        address = f"/api/v1/silences/{made.json()['id']}/lift"
        lifted = await them.post(address, json={"reason": "done early"})
        late = await them.post(address, json={})
        told = [(r.kind, r.by, r.why) for r in await world.store.ledger.show()]
        by = "Jane Doe (token script-operator-0)"

        assert made.status_code == 201
        assert listed == [made.json()]
        assert (listed[0]["site"], listed[0]["until"]) == ("prod", "2026-11-02T04:30:00Z")
        assert (lifted.status_code, late.status_code) == (200, 404)
        assert ("silenced", by, "planned work") in told
        assert ("unsilenced", by, "done early") in told
        assert (await them.get("/api/v1/silences")).json()["items"] == []


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"minutes": 0}, 422),
        ({"minutes": 90 * 24 * 60 + 1}, 422),
        ({"reason": " "}, 422),
        ({"rule": "no_such_rule"}, 422),
        ({"severity": "awful"}, 422),
        ({"site": "nowhere"}, 404),
    ],
)
async def test_a_silence_that_cannot_be_meant_is_refused(
    tmp_path: Path, about: dict[str, Any], code: int
) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        wish = {"minutes": 60, "reason": "x", **about}

        assert (await them.post("/api/v1/silences", json=wish)).status_code == code
        assert await world.store.alerts.silences(world.now) == []


async def test_who_operates_one_site_silences_that_site_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        until = world.now + timedelta(hours=1)
        wish = Silence("Jane Doe", "everything", world.now, until)
        everywhere = await world.store.alerts.silence(wish, JANE)
        hidden = await world.store.alerts.silence(replace(wish, site="prod"), JANE)
        async with await world.with_token(Role.OPERATOR, "test") as them:
            made = [
                await them.post("/api/v1/silences", json={"minutes": 5, "reason": "x", **about})
                for about in ({}, {"site": "prod"}, {"site": "test"})
            ]
            lifted = [
                await them.post(f"/api/v1/silences/{one.id}/lift", json={})
                for one in (everywhere, hidden)
            ]
            shown = (await them.get("/api/v1/silences")).json()["items"]

        assert [a.status_code for a in made] == [403, 404, 201]
        assert [a.status_code for a in lifted] == [403, 404]
        assert [s["site"] for s in shown] == [None, "test"]


async def test_costs_are_told_as_texts_to_the_cent(tmp_path: Path) -> None:
    async with a_console(tmp_path, COST) as world, await world.with_token(Role.VIEWER) as them:
        await seeded(world)
        told = (await them.get("/api/v1/sites/prod/cost")).json()
        (sales,) = [d for d in told["departments"] if d["department"] == "Sales"]

        assert (told["currency"], told["spend"], told["idle_spend"]) == ("EUR", "400.00", "160.00")
        assert (sales["seats"], sales["idle_seats"], sales["spend"]) == (10, 4, "400.00")
        assert told["month"] is None


async def test_a_past_month_says_what_it_cannot_tell(tmp_path: Path) -> None:
    async with a_console(tmp_path, COST) as world, await world.with_token(Role.VIEWER) as them:
        await seeded(world)
        told = (await them.get("/api/v1/sites/prod/cost?month=2026-10")).json()
        codes = [
            (await them.get(f"/api/v1/sites/prod/cost?month={month}")).status_code
            for month in ("2026-11", "2026-13", "now", "2020-01")
        ]

        assert told["month"] == "2026-10"
        assert any("of 31 days were read" in gap for gap in told["cannot_tell"])
        assert codes == [422, 422, 422, 404]


async def test_without_prices_there_are_no_costs(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await seeded(world)
        answer = await them.get("/api/v1/sites/prod/cost")

        assert answer.status_code == 404
        assert "price" in answer.json()["detail"]


async def test_health_tells_of_the_sites_that_the_role_reaches(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await seeded(world)
        failing = {
            (site, "monitor"): JobHealth(site, "monitor", failed="no answer", in_a_row=2)
            for site in ("prod", "test")
        }
        world.beat = replace(world.beat, jobs=failing)
        async with await world.with_token(Role.VIEWER) as them:
            whole = (await them.get("/api/v1/health")).json()
        async with await world.with_token(Role.ADMIN, "test") as them:
            part = (await them.get("/api/v1/health")).json()

        assert whole["ready"] is True
        assert [c["site"] for c in whole["cycles"]] == ["prod"]
        assert len(whole["degraded"]) == 2
        assert part["degraded"] == ["site test: monitor fails, 2 times in a row: no answer"]
        assert part["cycles"] == []
        assert part["targets"] == []


async def test_what_is_about_every_site_is_for_roles_on_every_site(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        key = AlertKey("over_budget", "", "")
        await alert(world, an_alert("", key=key, says="EUR 40,000 a month on all sites"))
        async with await world.with_token(Role.ADMIN, "test") as program:
            part = await program.get("/api/v1/alerts")
        async with await world.signed_in(Role.ADMIN, sites=("test",)) as browser:
            pages = [(await browser.get(path)).text for path in ("/alerts", "/", "/?site=test")]
        async with await world.with_token(Role.VIEWER) as program:
            whole = await program.get("/api/v1/alerts")

        assert part.json()["items"] == []
        assert not any("40,000" in page for page in pages)
        assert [one["rule"] for one in whole.json()["items"]] == ["over_budget"]


async def test_settings_tell_of_no_site_and_no_receiver_out_of_reach(tmp_path: Path) -> None:
    channels = "{name: Mail, kind: apprise, url: 'mailto://mail.example.com?to=a@example.com'}"
    async with a_console(tmp_path, f"alerts: {{channels: [{channels}]}}\n") as world:
        jobs = {("prod", "monitor"): JobHealth("prod", "monitor", failed="no answer", in_a_row=1)}
        world.beat = replace(world.beat, jobs=jobs)
        async with await world.signed_in(Role.ADMIN, sites=("test",)) as browser:
            part = (await browser.get("/settings")).text
        async with await world.signed_in(Role.VIEWER) as browser:
            whole = (await browser.get("/settings")).text

        assert "site prod: monitor fails" in whole[whole.index("<main") :].casefold()
        assert "site prod" not in part[part.index("<main") :].casefold()
        assert ("alert:Mail" in whole, "<b>alert:Mail" in part, "is not reached" in part) == (
            True,
            False,
            False,
        )
