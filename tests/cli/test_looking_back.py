from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import a_pool, a_snapshot, a_user, an_allocation
from command_line import CONFIG, Command
from seatkeeper.cli import options, render
from seatkeeper.cli.users import UsersTable
from seatkeeper.core.lookback import UserLine
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import (
    Capacity,
    LicenseType,
    Overview,
    UsageList,
    Witness,
    person_key,
)
from seatkeeper.store import open_store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
FORMULA = "EVIL\\=cmd()"
SPREADSHEET = "=HYPERLINK\\x"
BUSY, CALM = "EXAMPLE\\busy", "EXAMPLE\\calm"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose site nobody could reach, with three readings in its store."""
    path = tmp_path / "seatkeeper.yaml"
    for name in ("root.pem", "client.pem", "client_key.pem"):
        (tmp_path / name).touch()
    store = tmp_path / "store.db"
    url = "https://127.0.0.1:9/qrs"
    path.write_text(CONFIG.format(url=url, folder=tmp_path, store=store))
    asyncio.run(_fill(f"sqlite:///{store}"))
    return path


async def _fill(url: str) -> None:
    store = open_store(url)
    people = [FORMULA, SPREADSHEET, "EXAMPLE\\esc\x1b[31m", "EXAMPLE\\anna", BUSY, CALM]
    for days in (2, 1, 0):
        now = NOW - timedelta(minutes=1) - days * DAY
        seats = [
            an_allocation(FORMULA, last_used=NOW - 80 * DAY, license_type=LicenseType.ANALYZER),
            an_allocation(SPREADSHEET, license_type=LicenseType.ANALYZER),
            an_allocation(people[2], last_used=now - DAY / 24),
            an_allocation(people[3], last_used=NOW - 31 * DAY),
        ]
        snapshot = a_snapshot(seats[days:], [a_user(p) for p in people], now=now)
        pools = (a_pool(allocated=10 - days),)
        overview = Overview(pools, Capacity(True, 2_000_000, 1_300_000 - days * 60, 0))
        snapshot = replace(snapshot, overview=overview, witness=_minutes(now))
        await store.history.observe(snapshot)
        await store.activity.observe(snapshot, now)
    store.close()


def _minutes(now: datetime) -> Witness:
    """Busy uses capacity every day, Calm did long ago."""
    used = {person_key(BUSY): now, person_key(CALM): NOW - 20 * DAY}
    minutes = {
        (person_key(BUSY), now.date()): 36,
        (person_key(BUSY), now.date() - 5 * DAY): 30,
        (person_key(CALM), (NOW - 20 * DAY).date()): 12,
    }
    return Witness({}, {}, {UsageList.CAPACITY: used}, minutes)


def test_users_who_are_idle(seatkeeper: Command, config: Path) -> None:
    words = ("users", "-c", config, "--idle", "30d", "--type", "analyzer", "--sort", "idle")
    said = seatkeeper(*words, "-o", "json").json

    assert [(one["user"], one["idle_days"]) for one in said] == [(SPREADSHEET, None), (FORMULA, 80)]
    assert set(said[0]) == {
        "site",
        "user",
        "license_type",
        "state",
        "excess",
        "created",
        "last_used",
        "idle_days",
        "first_seen",
        "minutes",
        "active_days",
        "active_months",
    }


def test_users_as_a_table_obey_nobody(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("users", "-c", config, "--limit", "3")

    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert len([row for row in ran.out.splitlines() if "prod" in row]) == 3


def test_no_cell_of_the_csv_is_a_formula(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("users", "-c", config, "--sort", "user", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))

    assert len(rows) == 6
    assert all(cell[:1] not in "=+-@\t" for row in rows for cell in row.values() if cell)
    assert f"'{SPREADSHEET}" in {row["user"] for row in rows}


BY_MINUTES = """\
Site   User            Type                State     Created   Last used    Idle days   Minutes
───────────────────────────────────────────────────────────────────────────────────────────────
prod   EXAMPLE\\busy    analyzer_capacity   no seat             2026-10-30           3     1,206
prod   EXAMPLE\\calm    analyzer_capacity   no seat             2026-10-31           2        54
prod   EXAMPLE\\quiet   analyzer_capacity   no seat             2026-10-01          32
"""


def test_who_used_how_many_minutes_of_capacity(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)

    def a_line(user: str, days: int, minutes: int | None) -> UserLine:
        return UserLine(
            site="prod",
            user=f"EXAMPLE\\{user}",
            license_type=MeasuredType.ANALYZER_CAPACITY,
            standing=None,
            excess=False,
            created=None,
            last_used=now - days * DAY,
            first_seen=now - 90 * DAY,
            minutes=minutes,
        )

    found = (a_line("busy", 3, 1206), a_line("calm", 2, 54), a_line("quiet", 32, None))
    render.show(UsersTable(found, now), options.Output.TABLE)

    shown = "\n".join(row.strip() for row in capsys.readouterr().out.strip().splitlines())
    assert shown + "\n" == BY_MINUTES


def test_minutes_are_listed_from_a_day_on_for_programs_and_spreadsheets(
    seatkeeper: Command, config: Path
) -> None:
    words = ("users", "-c", config, "--type", "analyzer_capacity", "--sort", "minutes")

    said = seatkeeper(*words, "-o", "json").json
    assert [(one["user"], one["minutes"]) for one in said] == [(BUSY, 198), (CALM, 12)]
    lately = seatkeeper(*words, "--since", "10d", "-o", "csv").out
    rows = [(row["user"], row["minutes"]) for row in csv.DictReader(io.StringIO(lately))]
    assert rows == [(BUSY, "198"), (CALM, "")]
    assert "Minutes" in seatkeeper(*words).out
    assert "Minutes" not in seatkeeper("users", "-c", config, "--type", "analyzer").out
    assert "write a date" in seatkeeper(*words, "--since", "soon").err


def test_part_of_a_day_does_not_count_as_idle_anywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """29.6 days are 29 for people as for programs: `--idle 30d` leaves them out."""
    seat = UserLine(
        site="prod",
        user="EXAMPLE\\anna",
        license_type=MeasuredType.ANALYZER,
        standing=None,
        excess=False,
        created=None,
        last_used=NOW - 29.6 * DAY,
        first_seen=NOW - 90 * DAY,
    )
    view = UsersTable((seat,), NOW)
    render.show(view, options.Output.TABLE)

    assert capsys.readouterr().out.split()[-1] == str(view.data()[0]["idle_days"]) == "29"


def test_a_history_from_the_year_one_begins_with_its_first_day(
    seatkeeper: Command, config: Path
) -> None:
    ran = seatkeeper("history", "-c", config, "--since", "0001-01-01", "--type", "professional")

    assert f"{(NOW - timedelta(minutes=1) - 2 * DAY).date()} to" in ran.out
    (line,) = (one for one in ran.out.splitlines() if one.split()[:1] == ["allocated"])
    assert "▁▅█" in line


def test_days_with_use_are_told_for_each_month(
    seatkeeper: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One used a seat on each of the three days that were seen, an hour before the reading."""
    words = ("users", "-c", config, "--type", "professional", "--sort", "last_used", "--limit", "1")
    days = [(NOW - timedelta(minutes=1) - n * DAY - DAY / 24).date() for n in (2, 1, 0)]
    months = Counter(f"{day:%Y-%m}" for day in days)

    (said,) = seatkeeper(*words, "-o", "json").json
    (row,) = csv.DictReader(io.StringIO(seatkeeper(*words, "-o", "csv").out))
    (lately,) = seatkeeper(*words, "--since", days[-1].isoformat(), "-o", "json").json

    assert (said["active_days"], said["active_months"]) == (3, months)
    assert row["active_months"] == " ".join(f"{m}:{n}" for m, n in months.items())
    assert lately["active_days"] == 1
    monkeypatch.setenv("COLUMNS", "140")
    assert "Active days" in seatkeeper(*words).out
    monkeypatch.setenv("COLUMNS", "80")
    assert "Active days" not in seatkeeper(*words).out


def test_wrong_words_are_refused_in_words(seatkeeper: Command, config: Path) -> None:
    assert seatkeeper("users", "-c", config, "--idle", "soon").code == 2
    ages = seatkeeper("users", "-c", config, "--idle", "9999999d")
    assert (ages.code, "before the year 1" in ages.err) == (2, True)
    assert seatkeeper("users", "-c", config, "--site", "nowhere").code == 2
    assert "write a date" in seatkeeper("history", "-c", config, "--since", "soon").err


def test_history_as_json(seatkeeper: Command, config: Path) -> None:
    words = ("history", "-c", config, "--site", "prod", "--since", "90d")
    said = seatkeeper(*words, "-o", "json").json

    series = {(s["license_type"], s["name"]): s["days"] for s in said["series"]}
    assert [d["last"] for d in series["professional", "allocated"]] == [8, 9, 10]
    assert sum(d["last"] for d in series["professional", "active_users"]) == 3
    assert sum(d["last"] for d in series["analyzer_capacity", "minutes"]) >= 60
    assert sum(d["last"] for d in series["analyzer", "seats_allocated"]) == 2
    assert (said["site"], len(said["license"])) == ("prod", 1)


def test_history_draws_lines(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("history", "-c", config, "--since", "10d", "--type", "professional")

    (line,) = (one for one in ran.out.splitlines() if one.strip().startswith("available"))
    assert line.split()[-4:] == ["10", "(10", "to", "10)"]
    (line,) = (one for one in ran.out.splitlines() if one.split()[:1] == ["allocated"])
    assert "▁▅█" in line.replace(" ", "")
    assert "analyzer" not in ran.out
    assert "license since" in ran.out


def test_history_as_csv_is_one_row_a_day_and_number(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("history", "-c", config, "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))

    assert {row["name"] for row in rows} >= {"total", "available", "active_users", "minutes"}
    used = [r["last"] for r in rows if r["license_type"][-8:] + r["name"] == "capacityused"]
    assert used[-1] == "1300000.0"


def test_a_store_without_history_says_when_it_begins(
    seatkeeper: Command, config: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text(config.read_text().replace("store.db", "empty.db"))

    assert "first monitoring cycle" in seatkeeper("users", "-c", empty).out
    assert "first monitoring cycle" in seatkeeper("history", "-c", empty).out
    assert seatkeeper("users", "-c", empty, "-o", "json").json == []


def test_prune_counts_first_and_forgets_then(seatkeeper: Command, config: Path) -> None:
    short = config.read_text() + "retention: {raw: 7d, daily: 31d}\n"
    config.write_text(short)

    dry = seatkeeper("prune", "-c", config, "--dry-run", "-o", "json").json
    done = seatkeeper("prune", "-c", config, "-o", "json").json
    again = seatkeeper("prune", "-c", config, "--dry-run", "-o", "json").json

    assert dry["dry_run"] is True
    assert dry["rows"]["activity"] == done["rows"]["activity"] >= 1
    assert sum(again["rows"].values()) == 0


def test_readings_are_not_kept_longer_than_days(seatkeeper: Command, config: Path) -> None:
    config.write_text(config.read_text() + "retention: {raw: 90d, daily: 31d}\n")

    ran = seatkeeper("prune", "-c", config)

    assert ran.code == 2
    assert "at most daily" in ran.err
