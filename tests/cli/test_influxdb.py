"""`monitor` and the daemon write points of a simulated site to a real influxd."""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from command_line import CONFIG, Command
from e2e_processes import Running, running, wait_until
from influx import Influx, an_influx
from seatkeeper.cli import telling
from served_site import ServedSite

TARGET = """\
metrics:
  influxdb:
    - {{name: main, url: '{url}', database: butler, users: pseudonymous, tags: {{env: test}}}}
console: {{listen: '127.0.0.1:0'}}
"""


@pytest.fixture
def influx() -> Iterator[Influx]:
    with an_influx() as server:
        yield server


@pytest.fixture
def told(config: Path, influx: Influx) -> Path:
    """A configuration whose numbers go to influxd."""
    config.write_text(config.read_text() + TARGET.format(url=influx.url))
    return config


def waiting(config: Path) -> int:
    with closing(sqlite3.connect(config.parent / "store.db")) as store:
        (number,) = store.execute("SELECT count(*) FROM outbox").fetchone()
    return int(number)


def test_monitor_delivers_before_it_ends_or_says_what_is_left(
    seatkeeper: Command, told: Path, influx: Influx
) -> None:
    influx.stop()
    first = seatkeeper("monitor", "-c", told, "-o", "json")
    left = waiting(told)

    assert first.code == 0
    assert left > 0
    assert f"{left} for influx:main stay queued" in first.err
    assert "gives no answer" in first.err

    influx.start()
    second = seatkeeper("monitor", "-c", told, "-o", "json")

    assert (second.code, second.err) == (0, "")
    assert waiting(told) == 0
    pools = influx.rows("SELECT * FROM qlik_sense_license WHERE license_type = 'analyzer'")
    assert len(pools) >= 2
    assert {row["env"] for row in pools} == {"test"}
    people = influx.rows('SELECT "user", days_idle FROM qlik_license_user')
    assert len(people) > pools[0]["allocated"]
    assert all(len(row["user"]) == 32 for row in people)
    checked = seatkeeper("check", "-c", told, "--site", "prod", "-o", "json").json
    assert [c["text"] for c in checked["checks"] if c["area"] == "metrics"] == [
        f"influxdb main: {influx.url} takes points for the database butler"
    ]
    names = {row["name"] for row in influx.rows("SHOW MEASUREMENTS")}
    assert {"qlik_license_activity", "qlik_license_health", "qlik_sense_server_license"} <= names


def test_a_target_that_takes_points_and_never_answers_holds_no_command(
    seatkeeper: Command, config: Path
) -> None:
    """One request may take twenty seconds here; the fifteen of a command end before."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        slow = TARGET.replace("database: butler", "database: butler, timeout: 20s")
        config.write_text(config.read_text() + slow.format(url=url))
        ran = seatkeeper("monitor", "-c", config, "-o", "json")

    assert ran.code == 0
    left = waiting(config)
    assert left > 0
    limit = "there was no time to send everything"
    assert f"warning: {left} for influx:main stay queued: {limit}" in ran.err
    assert telling.LONGEST.total_seconds() == 15


POLICY = """\
    policy:
      mode: auto
      agreement_reviewed: {by: Jane Doe, on: 2026-01-15}
      analyzer: {release_after: 30d}
      limits: {max_per_run: 3, max_share: 50%, grown: 99, stale_activity: 90d}
"""


def test_run_tells_what_it_released(
    seatkeeper: Command, own_site: ServedSite, tmp_path: Path, influx: Influx
) -> None:
    text = CONFIG.format(url=own_site.url, folder=own_site.folder, store=tmp_path / "store.db")
    head, _, tail = text.partition("    policy:\n")
    config = tmp_path / "seatkeeper.yaml"
    store = tail.partition("store:")[2]
    config.write_text(f"{head}{POLICY}store:{store}" + TARGET.format(url=influx.url))

    ended = seatkeeper("run", "-c", config, "--site", "prod", "-o", "json")

    assert ended.code == 0, ended
    released = influx.rows("SELECT days_since_last_use FROM qlik_sense_license_release")
    assert len(released) == 3
    assert all(row["days_since_last_use"] >= 30 for row in released)


def test_the_daemon_delivers_by_itself_also_when_the_server_comes_late(
    told: Path, influx: Influx
) -> None:
    influx.stop()
    words = [sys.executable, "-m", "seatkeeper", "serve", "-c", str(told)]
    with running(words) as daemon:
        wait_until(lambda: "outbox.waits" in said(daemon), "the daemon says that points wait", 60)
        influx.start()
        wait_until(lambda: "outbox.delivered" in said(daemon), "the points arrive", 60)
        daemon.end().expect(0)
        assert "Traceback" not in said(daemon)

    assert len(influx.rows("SELECT requests FROM qlik_license_health")) == 1


def said(daemon: Running) -> str:
    return daemon.output() + daemon.errors()
