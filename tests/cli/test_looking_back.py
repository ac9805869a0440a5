from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import a_pool, a_snapshot, a_user, an_allocation
from command_line import CONFIG, Command
from seatkeeper.core.model import Capacity, LicenseType, Overview
from seatkeeper.store import open_store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
FORMULA = "EVIL\\=cmd()"
SPREADSHEET = "=HYPERLINK\\x"


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
    people = [FORMULA, SPREADSHEET, "EXAMPLE\\esc\x1b[31m", "EXAMPLE\\anna"]
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
        snapshot = replace(snapshot, overview=overview)
        await store.history.observe(snapshot)
        await store.activity.observe(snapshot, now)
    store.close()


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
    }


def test_users_as_a_table_obey_nobody(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("users", "-c", config, "--limit", "3")

    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert len([row for row in ran.out.splitlines() if "prod" in row]) == 3


def test_no_cell_of_the_csv_is_a_formula(seatkeeper: Command, config: Path) -> None:
    ran = seatkeeper("users", "-c", config, "--sort", "user", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))

    assert len(rows) == 4
    assert all(cell[:1] not in "=+-@\t" for row in rows for cell in row.values() if cell)
    assert f"'{SPREADSHEET}" in {row["user"] for row in rows}


def test_wrong_words_are_refused_in_words(seatkeeper: Command, config: Path) -> None:
    assert seatkeeper("users", "-c", config, "--idle", "soon").code == 2
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
