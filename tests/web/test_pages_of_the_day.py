"""The overview, alerts and settings, as somebody sees them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from builders import a_pool, a_snapshot, a_summary, changed_pool
from console_world import SITES, World, a_console, csrf_of
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved, Silence
from seatkeeper.core.roles import Role
from seatkeeper.store import LedgerQuery
from stored import JANE, a_plan, an_action

HOSTILE = "<script>alert(1)</script>\u202e"


async def read(world: World, site: str = "prod") -> None:
    """Let the site have been read just now."""
    await world.store.history.observe(a_snapshot([], pools=[a_pool()], now=world.now, site=site))
    await world.store.summaries.keep(a_summary(site=site, at=world.now))


async def fire(world: World, rule: str, site: str, severity: Severity = Severity.WARNING) -> None:
    """Let an alert be firing."""
    key, now = AlertKey(rule, site, ""), world.now
    alert = Alert(key, AlertState.FIRING, severity, now, now, "something is wrong")
    await world.store.alerts.move([site], now, lambda *_: Moved(Advance(kept=(alert,))))


async def test_before_the_first_reading_the_page_says_so(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        page = await browser.get("/")

        assert "Nobody can tell yet: nothing was read." in page.text
        assert "Nothing was read yet." in page.text
        assert "<title>Cannot tell" in page.text


async def test_a_site_that_was_read_shows_its_pools_and_what_is_left(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await read(world)
        page = await browser.get("/?site=prod")

        assert "<title>All quiet" not in page.text
        assert "How many Analyzer seats are left?" in page.text
        assert "<b>100</b> available of 200 seats, 100 allocated" in page.text
        assert 'aria-label="Analyzer: ' in page.text
        assert "Show the numbers" in page.text


async def test_old_numbers_are_said_to_be_old(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await read(world)
        world.now += timedelta(hours=7)
        async with await world.signed_in() as later:
            page = await later.get("/?site=prod")

        assert "These numbers are not of today." in page.text
        assert "Nobody can tell: prod gave no new numbers for 7 hours." in page.text
        assert "See what fails" in page.text


async def test_a_site_that_is_read_once_a_day_is_old_after_three(tmp_path: Path) -> None:
    text = SITES.replace(
        "    license_shared_with: []\n",
        "    license_shared_with: []\n    schedule: {monitor: every 1 days}\n",
    )
    seen = []
    async with a_console(tmp_path, text=text) as world:
        await read(world)
        for hours in (71, 2):
            world.now += timedelta(hours=hours)
            async with await world.signed_in() as browser:
                seen.append((await browser.get("/?site=prod")).text)

    assert ["These numbers are not of today." in page for page in seen] == [False, True]


async def test_every_site_is_seen_at_a_glance(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await read(world)
        await read(world, "test")
        page = await browser.get("/?site=all")

        assert "Seats at prod" in page.text
        assert "Seats at test" in page.text
        assert "All quiet. Nobody is locked out, and nothing waits for you." in page.text


async def test_the_first_look_is_at_all_sites(tmp_path: Path) -> None:
    empty = changed_pool(a_pool(allocated=10), total=10, available=0)
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await read(world, "test")
        await world.store.summaries.keep(a_summary(at=world.now, pools=(empty,), seats=()))
        page = await browser.get("/")

        assert "No professional seat is left at prod" in page.text
        assert "/static/mark-act.svg" in page.text
        assert 'href="/users?site=all"' in page.text


async def test_a_site_never_read_is_named_beside_those_that_were(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await read(world)
        page = await browser.get("/")

        assert "Some sites were never read." in page.text
        assert "Never read: test." in page.text
        assert "Nothing was read yet." not in page.text


async def test_all_sites_are_compared_by_data_alerts_plan_and_what_was_saved(
    tmp_path: Path,
) -> None:
    text = SITES + "cost: {professional: {per_seat_month: 70}}\n"
    async with a_console(tmp_path, text=text) as world, await world.signed_in() as browser:
        await read(world)
        plan = a_plan(an_action())
        await world.store.plans.record(plan, JANE, "run-1")
        await fire(world, "stale_data", "prod")
        page = await browser.get("/?site=all")

        assert f'href="/plans/{plan.plan_id}">1 seat</a>' in page.text
        assert '<a href="/alerts?site=prod">1 firing</a>' in page.text
        assert "just now" in page.text
        assert "not read yet" in page.text
        assert "Saved in November" in page.text


async def test_an_alert_about_seatkeeper_itself_is_on_the_first_page(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await read(world)
        await read(world, "test")
        await fire(world, "channel_failing", "")
        pages = [(await browser.get(path)).text for path in ("/", "/?site=prod")]

        for page in pages:
            assert "1 alert is firing about Seatkeeper itself" in page
            assert ">Seatkeeper itself</h2>" in page
            assert '<span class="count">1<span class="vh"> firing</span></span>' in page


async def test_news_are_no_number_beside_a_page_s_name(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await read(world)
        await fire(world, "high_utilization", "prod", Severity.INFO)
        page = await browser.get("/?site=prod")

        assert 'class="count"' not in page.text


async def test_with_prices_and_no_reading_nobody_is_told_to_write_prices(tmp_path: Path) -> None:
    text = SITES + "cost: {professional: {per_seat_month: 70}}\n"
    async with a_console(tmp_path, text=text) as world, await world.signed_in() as browser:
        page = await browser.get("/?site=prod")

        assert "Nothing is counted yet" in page.text
        assert "No prices are known" not in page.text


async def test_a_role_on_one_site_sees_that_site_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await read(world)
        await read(world, "test")
        async with await world.signed_in(Role.VIEWER, sites=("test",)) as browser:
            page = await browser.get("/?site=all")

        assert "Seats at test" in page.text
        assert "prod" not in page.text


async def test_a_frozen_world_says_so_on_every_page(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await world.store.control.freeze(JANE, "quarter close", world.now)
        pages = [await browser.get(path) for path in ("/", "/alerts", "/settings")]

        assert all("Every release is frozen." in page.text for page in pages)
        assert all("quarter close" in page.text for page in pages)


async def test_a_silence_is_set_and_lifted_by_name(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.OPERATOR) as browser:
        word = csrf_of(await browser.get("/alerts"))
        typed = {"csrf": word, "rule": "stale_data", "about": "prod", "length": "4h"}
        refused = await browser.post("/alerts/silences", data=typed)
        done = await browser.post("/alerts/silences", data={**typed, "reason": HOSTILE})
        page = await browser.get(done.headers["location"])
        held = await world.store.alerts.silences(world.now)
        lifted = await browser.post(f"/alerts/silences/{held[0].id}/end", data={"csrf": word})
        records = [r async for p in world.store.ledger.pages(LedgerQuery()) for r in p]

        assert refused.status_code == 422
        assert "Write why" in refused.text
        assert 'value="stale_data" selected' in refused.text
        assert [s.by for s in held] == ["Ingrid Berg"]
        assert HOSTILE not in page.text
        assert "&lt;script&gt;" in page.text
        assert lifted.status_code == 303
        assert await world.store.alerts.silences(world.now) == []
        assert [(r.kind.value, r.by, r.os_account) for r in records] == [
            ("silenced", "Ingrid Berg", "svc_seatkeeper"),
            ("unsilenced", "Ingrid Berg", "svc_seatkeeper"),
        ]


@pytest.mark.parametrize("length", ["", "0h", "91d", "soon"])
async def test_a_silence_has_an_end_that_makes_sense(tmp_path: Path, length: str) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        typed = {"csrf": csrf_of(await browser.get("/alerts")), "reason": "x", "length": length}
        answer = await browser.post("/alerts/silences", data=typed)

        assert answer.status_code == 422
        assert await world.store.alerts.silences(world.now) == []


async def test_a_viewer_and_another_sites_operator_silence_nothing(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        answers = []
        for role, sites in ((Role.VIEWER, ()), (Role.OPERATOR, ("test",))):
            async with await world.signed_in(role, sites=sites) as browser:
                word = csrf_of(await browser.get("/alerts"))
                for about in ("prod", ""):
                    typed = {"csrf": word, "about": about, "length": "4h", "reason": "quiet"}
                    answers.append((await browser.post("/alerts/silences", data=typed)).status_code)

        assert set(answers) <= {403, 422}
        assert await world.store.alerts.silences(world.now) == []


THREE = (
    SITES
    + """\
  - name: third
    qrs: {url: https://sense.example.com:4242/qrs}
    license_shared_with: []
"""
)


async def test_a_silence_of_a_site_out_of_reach_is_neither_seen_nor_lifted(tmp_path: Path) -> None:
    async with a_console(tmp_path, text=THREE) as world:
        until = world.now + timedelta(hours=4)
        wish = Silence("Jane Doe", "a hidden reason", world.now, until, site="third")
        kept = await world.store.alerts.silence(wish, JANE)
        async with await world.signed_in(Role.OPERATOR, sites=("prod", "test")) as browser:
            page = await browser.get("/alerts?site=all")
            typed = {"csrf": csrf_of(page), "reason": "mine"}
            lifted = await browser.post(f"/alerts/silences/{kept.id}/end", data=typed)

        assert "a hidden reason" not in page.text
        assert lifted.status_code == 404
        assert len(await world.store.alerts.silences(world.now)) == 1


SECRETS = """\
console:
  oidc: {issuer: 'https://login.example.com', client_id: seats, client_secret: hush-oidc}
  roles: [{group: a, role: admin}]
alerts:
  channels: [{name: ops, kind: apprise, url: 'mailto://me:hush-mail@example.com'}]
metrics:
  influxdb: [{name: main, url: 'http://127.0.0.1:1', database: b, user: u, password: hush-influx}]
"""


async def test_settings_show_everything_but_secrets(tmp_path: Path) -> None:
    async with a_console(tmp_path, SECRETS) as world, await world.signed_in() as browser:
        page = await browser.get("/settings")

        assert "client_id: seats" in page.text
        assert "hush" not in page.text


HIDES = r"""sites:
  - name: prod
    qrs: {url: 'https://qlik.example.com:4242/qrs'}
    license_shared_with: []
    policy:
      never_release:
        users: [{match: 'EXAMPLE\anna.berg', owner: Boss of Anna, reason: Anna is on leave}]
        patterns: [{match: 'EXAMPLE\aalto*', owner: Boss of Aalto, reason: the Aaltos travel}]
        tags: [{match: Keep, owner: Ida Berg, reason: board members}]
privacy: pseudonymous
"""


async def test_exempt_people_are_hidden_from_viewers_where_privacy_asks(tmp_path: Path) -> None:
    async with a_console(tmp_path, text=HIDES) as world:
        async with await world.signed_in(Role.VIEWER) as viewer:
            hidden = (await viewer.get("/settings")).text
        async with await world.signed_in(Role.OPERATOR) as operator:
            clear = (await operator.get("/settings")).text

    for told in ("anna.berg", "aalto*", "Boss of", "on leave", "travel"):
        assert told not in hidden
        assert told in clear
    assert "Keep" in hidden
    assert "Ida Berg" in hidden
