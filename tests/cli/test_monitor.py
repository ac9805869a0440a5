from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from builders import ANALYZER, PROFESSIONAL, a_seat_summary, a_summary
from command_line import Command
from influx import an_influx
from seatkeeper.cli.options import Output
from seatkeeper.cli.render import show
from seatkeeper.cli.session import Session
from seatkeeper.cli.summary_view import SummaryView, idle_words, license_words
from seatkeeper.cli.telling import deliver_to
from seatkeeper.core.model import TokenAccess, Tokens
from seatkeeper.core.outbox import Delivery, OutboxEntry, OutboxRow
from seatkeeper.core.summary import (
    ComplianceSummary,
    LicenseState,
    LicenseSummary,
    Mismatch,
    ReadingSummary,
)
from seatkeeper.simulator.rows import SeatType
from seatkeeper.simulator.serve import Simulator
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.clock import SystemClock
from served_site import ServedSite

UTC_ZONE = ZoneInfo("UTC")


def rows(config: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(config.parent / "store.db")) as store:
        return store.execute(sql).fetchall()


def cycles(config: Path) -> list[tuple[Any, ...]]:
    return rows(config, "SELECT kind, error, requests > 0 FROM cycle_sample ORDER BY at")


def test_a_cycle_counts_the_site_and_keeps_the_summary(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    ended = seatkeeper("monitor", "-c", config, "--site", "prod", "-o", "json")

    assert (ended.code, ended.err) == (0, "")
    said = ended.json
    assert (said["site"], said["troubles"]) == ("prod", [])
    pools = {pool["license_type"]: pool for pool in said["pools"]}
    assert {seats["license_type"] for seats in said["seats"]} == set(pools)
    for seats in said["seats"]:
        assert seats["live"] == sum(seats["idle"].values()) > 0
        assert seats["rows"] == seats["releasable"] + sum(seats["kept"].values())
        assert seats["live"] == pools[seats["license_type"]]["allocated"]
    assert said["compliance"]["mismatches"] == []
    assert said["license"]["state"] == "valid"
    assert said["license"]["days_left"] > 0
    assert said["license"]["allotments"]["professional"] == pools["professional"]["total"]
    assert said["reading"]["requests"] > 0
    assert cycles(config) == [("monitor", "", 1)]
    kept = seatkeeper("status", "-c", config, "--site", "prod", "-o", "json").json
    assert (kept["seats"], kept["license"]) == (said["seats"], said["license"])
    assert (kept["compliance"], kept["summary_at"]) == (said["compliance"], said["at"])
    assert site.do(lambda s: [r for r in s.requests.select() if r.method != "GET"]) == []


@pytest.mark.parametrize(
    ("form", "state", "is_known"),
    [
        ("license_kind=serial", "cannot_tell", False),
        ("license_kind=none", "none", False),
        ("license_kind=expired", "expired", True),
        ("license_kind=blacklisted", "denylisted", True),
        ("key_details=one_blank", "valid", True),
        ("key_details=date_only", "valid", True),
        ("key_details=indented", "valid", True),
        ("key_details=crlf", "valid", True),
        ("key_details=local", "cannot_tell", False),
        ("key_details=perpetual", "cannot_tell", False),
        ("key_details=empty", "cannot_tell", False),
        ("key_details=absent", "cannot_tell", False),
    ],
)
def test_every_form_of_the_license_has_its_state(
    seatkeeper: Command, config: Path, site: ServedSite, form: str, state: str, is_known: bool
) -> None:
    site.switches(form)

    said = seatkeeper("monitor", "-c", config, "--site", "prod", "-o", "json").json["license"]

    assert (said["state"], said["days_left"] is not None) == (state, is_known)
    assert (said["days_left"] or 0) < 0 or state != "expired"


def test_no_way_of_counting_that_a_site_may_have_is_a_mismatch(
    seatkeeper: Command, config: Path, own_site: ServedSite
) -> None:
    config.write_text(own_site.configured(config.read_text()))
    own_site.do(_quarantine_three_and_lock_two_out)

    for counts in (
        (),
        ("allocated_counts=all_rows", "quarantined_counts=zero"),
        ("allocated_counts=within_license",),
        ("allocated_counts=within_license", "excess_field=absent", "excess_counts=zero"),
        ("overview_fields=old",),
    ):
        own_site.switches(*counts)
        said = seatkeeper("monitor", "-c", config, "--site", "prod", "-o", "json").json
        assert said["compliance"]["mismatches"] == [], counts
        analyzer = said["seats"][1]
        assert analyzer["quarantined"] == 3, counts
        assert analyzer["excess"] == (0 if "excess_field=absent" in counts else 2), counts


def _quarantine_three_and_lock_two_out(simulator: Simulator) -> None:
    site = simulator.site
    used = [s for s in site.records.seats[SeatType.ANALYZER].values() if s.last_used]
    for seat in used[-3:]:
        site.use(seat, site.clock.now())
        site.release(SeatType.ANALYZER, seat.id)
    site.set_total(SeatType.ANALYZER, site.records.live(SeatType.ANALYZER) - 2)


def test_without_a_site_every_site_is_read_and_the_table_is_for_people(
    seatkeeper: Command, config: Path
) -> None:
    assert isinstance(seatkeeper("monitor", "-c", config, "-o", "json").json, list)

    shown = seatkeeper("monitor", "-c", config).out
    status = seatkeeper("status", "-c", config).out

    for text in (shown, status):
        assert "idle          professional: " in text
        assert "idle          analyzer: " in text
        assert "license       valid to " in text
        assert "compliance" in text
    assert "reading       " in shown


def test_a_site_that_is_down_is_a_failed_cycle(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    site.faults("html")

    ended = seatkeeper("monitor", "-c", config, "--site", "prod", "-o", "json")

    assert ended.code == 1
    assert ended.out == ""
    ((kind, error, _),) = cycles(config)
    assert kind == "monitor"
    assert error in ended.err


def test_a_release_cycle_is_kept_like_a_monitoring_cycle(seatkeeper: Command, config: Path) -> None:
    assert seatkeeper("run", "-c", config, "--site", "prod", "-o", "json").code == 0

    assert cycles(config) == [("release", "", 1)]
    assert rows(config, "SELECT count(*) FROM summary") == [(1,)]


def test_a_step_that_fails_is_said_and_makes_the_cycle_a_part(
    seatkeeper: Command, config: Path
) -> None:
    seatkeeper("monitor", "-c", config)
    with closing(sqlite3.connect(config.parent / "store.db")) as store:
        store.execute("ALTER TABLE summary RENAME TO away")

    ended = seatkeeper("monitor", "-c", config, "--site", "prod", "-o", "json")

    assert ended.code == 6
    assert "error: site prod: keeping the summary failed" in ended.err
    assert len(ended.json["troubles"]) == 1


TARGET = "metrics: {{influxdb: [{{name: main, version: 1, url: '{}', database: butler}}]}}"


def test_points_are_delivered_before_monitor_and_run_end(seatkeeper: Command, config: Path) -> None:
    with an_influx() as influx:
        config.write_text(f"{config.read_text()}{TARGET.format(influx.url)}\n")

        monitored = seatkeeper("monitor", "-c", config)
        put(config, b"left_before f=1.0 1762000000000000000")
        run = seatkeeper("run", "-c", config)

        told = influx.rows("SELECT license_type, allocated FROM qlik_sense_license")
        left_before = influx.rows("SELECT f FROM left_before")
    assert (monitored.code, run.code) == (0, 0)
    assert "queued" not in monitored.err + run.err
    assert {row["license_type"] for row in told} >= {"professional", "analyzer"}
    assert len(left_before) == 1


def test_a_site_that_fails_does_not_keep_the_outbox_from_being_delivered(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    seatkeeper("monitor", "-c", config)
    put(config, b"left_before f=1.0 1762000000000000000")
    site.faults("html")
    with an_influx() as influx:
        config.write_text(f"{config.read_text()}{TARGET.format(influx.url)}\n")

        codes = [seatkeeper(w, "-c", config, "--site", "prod").code for w in ("monitor", "run")]

        left_before = influx.rows("SELECT f FROM left_before")
    assert codes == [1, 1]
    assert len(left_before) == 1


def put(config: Path, body: bytes) -> None:
    """Leave a point in the outbox, as a cycle whose process was killed does."""
    store = open_store(f"sqlite:///{config.parent / 'store.db'}")
    entry = OutboxEntry("point", body, "k", datetime(2026, 11, 2, tzinfo=UTC))
    asyncio.run(store.outbox.put("influx:main", [entry]))
    store.close()


# What people see


def drawn(capsys: pytest.CaptureFixture[str], **changes: Any) -> str:
    show(SummaryView(a_summary(**changes), UTC_ZONE), Output.TABLE)
    return capsys.readouterr().out


def test_what_is_not_as_it_should_be_is_drawn_and_zeros_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "compliance" not in drawn(capsys)
    facts = ComplianceSummary(
        both_types=3, mismatches=(Mismatch(license_type=ANALYZER, overview=12, rows=9),)
    )

    text = drawn(capsys, compliance=facts)

    assert "compliance    3 people hold a professional and an analyzer seat" in text
    assert "compliance    analyzer: the overview counts 12 allocated, the rows 9" in text
    assert "excess:" not in text


def test_minutes_tokens_and_a_silent_clock_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = Tokens(total=10, available=2.5, user=TokenAccess(True, 1, 7, 5))
    reading = ReadingSummary(seconds=1, requests=2, users=3)

    text = drawn(capsys, tokens=tokens, reading=reading)

    assert "capacity      5000 of 20000 minutes used this month" in text
    assert "tokens        2.5 of 10 free" in text
    assert "it sent no date" in text


def test_idle_people_fit_one_line() -> None:
    assert (
        idle_words(a_seat_summary(PROFESSIONAL, week=20, never=2))
        == "professional: 20 0-7d, 2 never; 2 may go"
    )
    assert idle_words(a_seat_summary()) == "professional: nobody holds a seat; 0 may go"


@pytest.mark.parametrize(
    ("state", "days", "words"),
    [
        (LicenseState.VALID, 1, "valid to 2026-11-03, 1 day left"),
        (LicenseState.VALID, 240, "valid to 2026-11-03, 240 days left"),
        (LicenseState.EXPIRED, -3, "expired; its last day was 2026-11-03, 3 days ago"),
        (LicenseState.INVALID, 9, "invalid, says the site; its last day is 2026-11-03, in 9 days"),
        (LicenseState.CANNOT_TELL, None, "the site does not tell how long it is valid"),
        (LicenseState.NONE, None, "none is installed"),
    ],
)
def test_the_license_fits_one_line(state: LicenseState, days: int | None, words: str) -> None:
    valid_to = None if days is None else datetime(2026, 11, 3, tzinfo=UTC).date()

    assert license_words(LicenseSummary(state=state, valid_to=valid_to, days_left=days)) == words


# The outbox at the end of a command


@dataclass
class Receiver:
    """Takes everything, or nothing, or refuses it for good."""

    error: str = ""
    poison: str = ""
    wait: timedelta = timedelta(0)

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:
        if self.poison:
            return Delivery(poisoned={row.id: self.poison for row in rows})
        return Delivery(error=self.error, wait=self.wait) if self.error else Delivery.of_all(rows)


async def test_a_receiver_that_asked_for_patience_is_not_said_to_be_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It wants an hour: a second command does not try, and must not claim that somebody does."""
    busy = Receiver("it is busy (503)", wait=timedelta(hours=1))
    (await tell(tmp_path, busy=busy)).close()
    first = capsys.readouterr().err
    (await tell(tmp_path, busy=busy)).close()
    second = capsys.readouterr().err

    assert "warning: 1 for busy stay queued: it is busy (503)" in first
    assert "warning: 1 for busy stay queued: not tried again before 20" in second
    assert "it is busy (503)" in second


async def tell(tmp_path: Path, **sinks: Receiver) -> Store:
    store = open_store(f"sqlite:///{tmp_path}/outbox.db")
    entry = OutboxEntry("point", b"m f=1.0 1", "k", datetime(2026, 11, 2, tzinfo=UTC))
    for target in sinks:
        await store.outbox.put(target, [entry])
    unused: Any = None
    session = Session(unused, store, unused, [], SystemClock())
    await deliver_to(sinks, session, timedelta(seconds=0.2))
    return store


async def test_what_arrives_is_not_spoken_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = await tell(tmp_path, one=Receiver(), two=Receiver())

    assert await store.outbox.depth() == {}
    assert capsys.readouterr().err == ""
    store.close()


async def test_what_is_left_stays_queued_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = asyncio.get_running_loop().time()

    store = await tell(tmp_path, down=Receiver("no answer"), up=Receiver(), bad=Receiver("", "no"))

    assert asyncio.get_running_loop().time() - began < 10
    said = capsys.readouterr().err
    assert "warning: 1 for down stay queued: " in said
    assert "warning: bad refuses 1 for good; they were set aside" in said
    assert "up" not in said.replace("queued", "")
    assert [target for target, _ in await store.outbox.depth()] == ["bad", "down"]
    store.close()
