"""What seats cost, from a real reading of a simulated site to the command, status and metrics."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builders import PROFESSIONAL, a_summary
from command_line import CONFIG, Command
from seatkeeper.config import load
from seatkeeper.core.cost import SeatGroup, SeatGroups
from seatkeeper.core.cost_month import Month
from seatkeeper.core.departments import NO_DEPARTMENT
from seatkeeper.core.points import Beside, points_of
from seatkeeper.simulator.names import DEPARTMENTS
from seatkeeper.simulator.rows import User
from seatkeeper.simulator.serve import Simulator
from seatkeeper.store import open_store
from seatkeeper.wiring.costing import Costs
from seatkeeper.wiring.exposing import gather
from served_site import ServedSite

PRICES = """\
cost:
  currency: EUR
  professional: {per_seat_month: 35.33}
  analyzer: {per_seat_month: '12.3456'}
  budget_month: 100000
  attribute: DEPARTMENT
"""

APPROVE = """policy:
      mode: approve
      agreement_reviewed: {by: J, on: 2026-01-01}"""


def priced(config: Path) -> None:
    """Give seats a price."""
    config.write_text(config.read_text() + PRICES)


def sites_of(seatkeeper: Command, config: Path, *words: object) -> list[Any]:
    """Return what `cost` tells of each site."""
    found: list[Any] = seatkeeper("cost", "-c", config, "-o", "json", *words).json["sites"]
    return found


def test_money_adds_up_from_a_reading_to_every_place_that_shows_it(
    seatkeeper: Command, config: Path
) -> None:
    priced(config)
    assert seatkeeper("monitor", "-c", config).code == 0

    (bill,) = sites_of(seatkeeper, config)
    status = seatkeeper("status", "-c", config, "--site", "prod", "-o", "json").json
    by_department = seatkeeper("cost", "-c", config, "--by", "department", "-o", "csv").out
    rows = list(csv.DictReader(io.StringIO(by_department)))

    total = Decimal(bill["spend"])
    assert total > 0
    assert sum(Decimal(t["spend"]) for t in bill["types"]) == total
    assert sum(Decimal(d["spend"]) for d in bill["departments"]) == total
    assert sum(Decimal(r["spend"]) for r in rows[:-2]) == Decimal(rows[-2]["spend"]) == total
    assert sum(Decimal(r["idle_spend"]) for r in rows[:-2]) == Decimal(bill["idle_spend"])
    assert rows[-1] == rows[-2] | {"site": "(all)"}
    shared = [Decimal(r["shared_idle"]) for r in rows[:-1]]
    assert shared[-2] == shared[-1] == sum(shared[:-1]) == Decimal(bill["shared_idle"]) > 0
    assert status["cost"]["spend"] == bill["spend"]
    assert status["cost"]["all_sites"] == {"spend": bill["spend"], "budget": "100000.00"}
    assert "shared idle" in seatkeeper("cost", "-c", config).out


def test_metrics_and_points_tell_the_same_money(seatkeeper: Command, config: Path) -> None:
    priced(config)
    assert seatkeeper("monitor", "-c", config).code == 0
    (bill,) = sites_of(seatkeeper, config)
    settings = load(config, {}).settings
    store = open_store(settings.store.url.get_secret_value())
    try:
        scrape = asyncio.run(gather(store, settings, datetime.now(UTC)))
        told = asyncio.run(Costs(store, settings).of_site("prod"))
    finally:
        store.close()

    free = [amount for (_, _, kind), amount in scrape.costs.items() if kind == "shared_idle"]
    assert sum(free) == Decimal(bill["shared_idle"]) > 0
    spent = [amount for (_, _, kind), amount in scrape.costs.items() if kind == "spend"]
    assert sum(spent) == Decimal(bill["spend"])
    money = {kind: {k: float(v) for k, v in amounts.items()} for kind, amounts in told.items()}
    points = [
        p
        for p in points_of(a_summary(), Beside(cost=money))
        if p.measurement == "qlik_license_cost"
    ]
    assert sorted(float(p.fields["spend"]) for p in points) == sorted(map(float, spent))
    assert scrape.budget == 100000


def test_who_has_no_custom_property_counts_with_the_attribute_of_the_directory(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    priced(config)
    assert seatkeeper("monitor", "-c", config).code == 0

    (bill,) = sites_of(seatkeeper, config)

    counted = {d["department"]: d["seats"] for d in bill["departments"]}
    assert counted == site.do(seats_by_department)
    assert site.do(lambda s: seats_by_department(s, attribute="")) != counted


def test_an_attribute_of_its_own_name_tells_departments(
    seatkeeper: Command, tmp_path: Path, own_site: ServedSite
) -> None:
    config = tmp_path / "own.yaml"
    store = tmp_path / "own.db"
    config.write_text(CONFIG.format(url=own_site.url, folder=own_site.folder, store=store))
    config.write_text(config.read_text() + PRICES.replace("DEPARTMENT", "CostCenter"))
    chosen = own_site.holders()[:7]
    for label in chosen:
        user = own_site.user(label)
        user.attributes = (*user.attributes, ("costCENTER", "4711"))
        own_site.do(lambda s, user=user: s.site.records.save_user(user))
    assert seatkeeper("monitor", "-c", config).code == 0

    rows = csv.DictReader(
        io.StringIO(seatkeeper("cost", "-c", config, "--by", "department", "-o", "csv").out)
    )

    assert {r["department"] for r in rows} == {"4711", "(none)", "(shared idle)", "(total)"}


def test_savings_stand_with_the_departments_of_those_who_lost_a_seat(
    seatkeeper: Command, config: Path, own_site: ServedSite
) -> None:
    dear = PRICES.replace("35.33", "987654321").replace("'12.3456'", "123456789")
    config.write_text(own_site.configured(config.read_text().replace("policy:", APPROVE)) + dear)
    plan = seatkeeper("plan", "-c", config, "--site", "prod", "-o", "json").json
    passed = [w for v in plan["violations"] for w in ("--override", v["limit"])]
    by = ("--by", "Jane", "--reason", "looked", *passed)
    assert seatkeeper("apply", "-c", config, plan["plan_id"], "--yes", *by).code == 0
    assert seatkeeper("monitor", "-c", config).code == 0

    (bill,) = sites_of(seatkeeper, config)
    table = seatkeeper("cost", "-c", config, "--by", "department", "-o", "csv").out
    rows = list(csv.DictReader(io.StringIO(table)))

    saved = {d["department"] for d in bill["departments"] if Decimal(d["savings"])}
    people = [own_site.user(action["user"]) for action in plan["actions"]]
    assert saved == {department_of(user) for user in people}
    assert sum(Decimal(d["savings"]) for d in bill["departments"]) == Decimal(bill["savings"]) > 0
    assert sum(Decimal(r["savings"]) for r in rows[:-2]) == Decimal(rows[-2]["savings"])
    part = [Decimal(r["saved_in_month"]) for r in rows[:-1]]
    assert 0 < sum(part[:-1]) == part[-1] <= Decimal(bill["savings"])


def department_of(user: User, attribute: str = "department") -> str:
    """Return the department of a user as the site itself knows it."""
    told = [value for _, value in user.properties if value in DEPARTMENTS]
    told += [value for name, value in user.attributes if name == attribute]
    return told[0] if told else NO_DEPARTMENT


def seats_by_department(simulator: Simulator, attribute: str = "department") -> dict[str, int]:
    """Count the live seats by department as the site itself knows it."""
    records, found = simulator.site.records, Counter[str]()
    for seat in (seat for rows in records.seats.values() for seat in rows.values()):
        if not seat.user or seat.quarantined:
            continue
        found[department_of(records.users[seat.user], attribute)] += 1
    return dict(found)


def last_month() -> Month:
    """Return the newest month that is over."""
    return Month.of(datetime.now(UTC).date()).before


def remember(config: Path, *days: int) -> None:
    """Let the store have read the site on these days of the last month."""
    store = open_store(load(config, {}).settings.store.url.get_secret_value())
    sales = SeatGroup(department="Sales", license_type=PROFESSIONAL, allocated=3, idle=1)
    for day in days:
        at = last_month().begin + timedelta(days=day - 1)
        asyncio.run(store.costs.keep(SeatGroups(site="prod", at=at, groups=(sales,))))
    store.close()


def test_a_past_month_is_told_from_the_history(seatkeeper: Command, config: Path) -> None:
    priced(config)
    month = last_month()
    remember(config, *range(1, month.days + 1))

    (one,) = sites_of(seatkeeper, config, "--month", month)
    ran = seatkeeper("cost", "-c", config, "--month", month, "--by", "department", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))

    assert (one["month"], one["days_read"], one["cannot_tell"]) == (str(month), month.days, [])
    assert (one["spend"], one["idle_spend"]) == ("105.99", "35.33")
    assert [(r["month"], r["department"], r["spend"]) for r in rows] == [
        (str(month), "Sales", "105.99"),
        (str(month), "(shared idle)", "0.00"),
        (str(month), "(total)", "105.99"),
        (str(month), "(total)", "105.99"),
    ]
    assert ran.err == ""


def test_what_the_history_of_a_month_cannot_tell_is_said(seatkeeper: Command, config: Path) -> None:
    priced(config)
    remember(config, 3, 4)

    ran = seatkeeper("cost", "-c", config, "--month", last_month())

    assert ran.code == 0
    assert f"prod: 2 of {last_month().days} days were read" in ran.err
    assert str(last_month()) in ran.out


def test_a_month_that_cannot_be_told_is_refused_with_the_cure(
    seatkeeper: Command, config: Path
) -> None:
    priced(config)
    newest, running = last_month(), Month.of(datetime.now(UTC).date())
    told = {}
    for month in ("2026-13", "october", running, "2019-07"):
        ran = seatkeeper("cost", "-c", config, "--month", month)
        assert ran.code == 2
        told[str(month)] = ran.err
    remember(config, 3)
    since = (newest.begin + timedelta(days=2)).date()

    assert f"'2026-13' is no month; write year and month, such as {newest}" in told["2026-13"]
    assert "'october' is no month" in told["october"]
    assert f"the newest whole month is {newest}" in told[str(running)]
    assert "the history of prod knows nothing of 2019-07: there is none" in told["2019-07"]
    again = seatkeeper("cost", "-c", config, "--month", "2019-07")
    assert f"it begins on {since}; choose a month in which the site was read" in again.err


def test_without_a_price_the_cure_is_told(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("cost", "-c", config)

    assert ran.code == 2
    assert "per_seat_month" in ran.err


def test_departments_want_an_attribute(seatkeeper: Command, config: Path) -> None:
    config.write_text(config.read_text() + "cost: {professional: {per_seat_month: 35}}\n")
    ran = seatkeeper("cost", "-c", config, "--by", "department")

    assert ran.code == 2
    assert "cost.attribute" in ran.err


def test_a_site_that_was_not_read_yet_is_said_to_be_so(seatkeeper: Command, config: Path) -> None:
    priced(config)
    ran = seatkeeper("cost", "-c", config, "-o", "json")

    assert (ran.code, ran.json["sites"], ran.json["all"]["spend"]) == (0, [], "0.00")
    assert "seatkeeper monitor" in ran.err


def test_a_department_is_no_formula_to_a_spreadsheet(seatkeeper: Command, config: Path) -> None:
    priced(config)
    evil = SeatGroup(
        department="=cmd|' /C calc'!A0", license_type=PROFESSIONAL, allocated=1, idle=0
    )
    settings = load(config, {}).settings
    store = open_store(settings.store.url.get_secret_value())
    asyncio.run(store.summaries.keep(a_summary()))
    asyncio.run(store.costs.keep(SeatGroups(site="prod", at=a_summary().at, groups=(evil,))))
    store.close()

    out = seatkeeper("cost", "-c", config, "--by", "department", "-o", "csv").out

    assert not [cell for row in csv.reader(io.StringIO(out)) for cell in row if cell[:1] == "="]


def test_a_price_that_is_none_is_refused_with_the_cure(seatkeeper: Command, config: Path) -> None:
    plain, told = config.read_text(), {}
    for price in ("-3", "1_000"):
        config.write_text(plain + f"cost: {{professional: {{per_seat_month: '{price}'}}}}\n")
        ran = seatkeeper("cost", "-c", config)
        assert ran.code != 0
        told[price] = ran.err

    assert "an amount from 0" in told["-3"]
    assert "write an amount such as 35" in told["1_000"]


def test_a_budget_that_nothing_is_compared_with_is_refused(
    seatkeeper: Command, config: Path
) -> None:
    config.write_text(config.read_text() + "cost: {budget_month: 100}\n")
    ran = seatkeeper("cost", "-c", config)

    assert ran.code != 0
    assert "cost.budget_month" in ran.err
    assert "a budget without any price is compared with nothing" in ran.err
    assert "per_seat_month" in ran.err


@pytest.fixture
def two_sites(config: Path, site: ServedSite, tmp_path: Path) -> Path:
    """Return a configuration of two sites, `prod` and `test`, with prices."""
    text = CONFIG.format(url=site.url, folder=site.folder, store=tmp_path / "two.db")
    _, one = text.split("sites:\n")
    entry, store = one.split("store:")
    other = entry.replace("name: prod", "name: test")
    config.write_text(f"sites:\n{entry}{other}store:{store}{PRICES}")
    return config


def with_budget(config: Path, budget: object) -> None:
    """Write another budget."""
    config.write_text(re.sub("budget_month: .*", f"budget_month: {budget}", config.read_text()))


def test_one_budget_is_for_all_sites_together(seatkeeper: Command, two_sites: Path) -> None:
    assert seatkeeper("monitor", "-c", two_sites).code == 0

    told = seatkeeper("cost", "-c", two_sites, "-o", "json").json
    table = seatkeeper("cost", "-c", two_sites, "-o", "csv").out
    alone = seatkeeper("cost", "-c", two_sites, "--site", "test", "-o", "json").json
    status = seatkeeper("status", "-c", two_sites).out

    spend = sum(Decimal(one["spend"]) for one in told["sites"])
    assert [one["site"] for one in told["sites"]] == ["prod", "test"]
    assert (told["all"]["spend"], told["all"]["budget"]) == (str(spend), "100000.00")
    *rows, last = csv.DictReader(io.StringIO(table))
    assert (last["site"], last["spend"], last["budget"]) == ("(all)", str(spend), "100000.00")
    assert {row["budget"] for row in rows} == {""}
    assert alone["all"] is None
    assert status.count(f"all sites together {spend} of 100000.00 EUR a month") == 2


def test_the_budget_alert_is_told_once_on_what_all_sites_cost(
    seatkeeper: Command, two_sites: Path
) -> None:
    assert seatkeeper("monitor", "-c", two_sites).code == 0
    told = seatkeeper("cost", "-c", two_sites, "-o", "json").json
    together = Decimal(told["all"]["spend"])
    assert all(Decimal(one["spend"]) < together - 1 for one in told["sites"])

    with_budget(two_sites, together)
    assert seatkeeper("monitor", "-c", two_sites).code == 0
    before = seatkeeper("alerts", "list", "-c", two_sites, "-o", "json").json["alerts"]
    with_budget(two_sites, together - 1)
    assert seatkeeper("monitor", "-c", two_sites).code == 0
    after = seatkeeper("alerts", "list", "-c", two_sites, "-o", "json").json["alerts"]

    assert [one for one in before if one["rule"] == "over_budget"] == []
    (one,) = [one for one in after if one["rule"] == "over_budget"]
    assert one["site"] in (None, "")
    assert f"cost {together} of a budget of {together - 1} EUR a month" in one["says"]


def test_the_budget_alert_fires_on_the_spend_that_the_command_tells(
    seatkeeper: Command, config: Path
) -> None:
    priced(config)
    config.write_text(config.read_text().replace("budget_month: 100000", "budget_month: 1"))
    assert seatkeeper("monitor", "-c", config).code == 0

    (bill,) = sites_of(seatkeeper, config)
    alerts = seatkeeper("alerts", "list", "-c", config, "-o", "json").out

    assert f"the seats of all sites cost {bill['spend']} of a budget of 1.00 EUR a month" in alerts
