"""The page for Prometheus: over a real server, from a real daemon, to a real Prometheus."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from builders import NOW, a_summary
from command_line import CONFIG
from influx import Server
from prometheus_server import Prometheus
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved
from seatkeeper.core.record import CycleSample
from seatkeeper.core.scrape import Scrape
from seatkeeper.errors import StoreError
from seatkeeper.outlets.prometheus import Exposition, expose
from seatkeeper.settings import Settings
from seatkeeper.store import Store, open_store
from seatkeeper.web.metrics import make_metrics_app
from seatkeeper.web.server import bind, serve
from seatkeeper.wiring.exposing import FRESH, Exposed, gather
from stored import a_plan, applied, some_actions

PATIENT = 90.0


def until(done: Callable[[], bool], what: str) -> None:
    """Wait for something."""
    end = time.monotonic() + PATIENT
    while not done():
        assert time.monotonic() < end, f"still waiting until {what}"
        time.sleep(0.1)


async def asked(answer: Callable[[str], object], path: str = "/metrics", accept: str = "") -> bytes:
    """Return what the page answers, head and all."""
    stop = asyncio.Event()
    with bind("127.0.0.1:0", "metrics.prometheus.listen") as listener:
        task = asyncio.create_task(serve(make_metrics_app(answer), listener, stop))  # type: ignore[arg-type]
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {accept}\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(PATIENT):
            found = await reader.read()
        writer.close()
        stop.set()
        await task
    return found


async def a_page(accept: str) -> Exposition:
    """Answer from a summary."""
    return expose(Scrape(summaries={"prod": a_summary()}), accept)


async def no_page(_accept: str) -> Exposition:
    """Answer as when the database is away."""
    raise StoreError("the database is away, and its address is a secret")


async def test_a_scrape_is_answered_in_the_format_asked_for() -> None:
    text = (await asked(a_page)).decode()
    opened = (await asked(a_page, accept="application/openmetrics-text; version=1.0.0")).decode()

    assert text.startswith("HTTP/1.1 200")
    assert "content-type: text/plain; version=" in text
    assert "content-type: application/openmetrics-text; version=1.0.0" in opened
    assert 'qlik_license_seats{license_type="professional",site="prod",state="total"} ' in text


async def test_nothing_else_is_served_there() -> None:
    assert (await asked(a_page, "/healthz")).startswith(b"HTTP/1.1 404")


async def test_a_scrape_fails_without_secrets_while_the_store_is_away() -> None:
    answer = await asked(no_page)

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"secret" not in answer


SETTINGS = {
    "sites": [
        {
            "name": "prod",
            "qrs": {
                "url": "https://127.0.0.1:9/qrs",
                "ca_file": "a.pem",
                "cert_file": "b.pem",
                "key_file": "c.pem",
            },
            "license_shared_with": [],
        }
    ]
}


@pytest.fixture
def store(tmp_path: Path) -> object:
    """Open a store of its own."""
    opened = open_store(f"sqlite:///{tmp_path}/s.db")
    yield opened
    opened.close()


async def test_an_answer_is_given_again_for_a_second_and_then_made_anew(store: Store) -> None:
    now = [0.0]
    exposed = Exposed(store, Settings.model_validate(SETTINGS), lambda: NOW, lambda: now[0])
    before = await exposed("")
    await store.summaries.keep(a_summary())

    assert await exposed("") is before
    now[0] += FRESH
    after = await exposed("")
    assert b"qlik_license_seats{" not in before.body
    assert b"qlik_license_seats{" in after.body


async def test_a_site_that_is_no_longer_configured_is_in_no_metric(store: Store) -> None:
    for site in ("prod", "old"):
        await store.summaries.keep(a_summary(site=site))
        await store.cycles.add(CycleSample(site, "monitor", NOW, 1.0, 5))
        key = AlertKey("low_availability", site, "analyzer")
        alert = Alert(key, AlertState.FIRING, Severity.WARNING, since=NOW, seen=NOW, says="few")
        await store.alerts.move([site], NOW, lambda *_, a=alert: Moved(Advance(kept=(a,))))

    body = (await Exposed(store, Settings.model_validate(SETTINGS), lambda: NOW)("")).body

    assert b'site="prod"' in body
    assert b'site="old"' not in body
    assert b'seatkeeper_alerts{severity="warning",site="prod",state="firing"} 1.0' in body


RELEASED = b'qlik_license_releases_total{license_type="professional",outcome="released"'


def released(answer: Exposition) -> float:
    """Return how many idle professional seats were released."""
    (line,) = [
        one
        for one in answer.body.splitlines()
        if one.startswith(RELEASED) and b'reason="idle"' in one
    ]
    return float(line.split()[-1])


async def test_a_release_is_in_the_next_answer(store: Store) -> None:
    now = [0.0]
    exposed = Exposed(store, Settings.model_validate(SETTINGS), lambda: NOW, lambda: now[0])
    await store.summaries.keep(a_summary())
    assert released(await exposed("")) == 0

    await applied(store, a_plan(*some_actions(2)))
    now[0] += FRESH
    assert released(await exposed("")) == 2


def steps(store: Store) -> int:
    """How much work SQLite does for one scrape, in thousands of steps of its machine."""
    done = [0]

    def step() -> int:
        done[0] += 1
        return 0

    def watch(connection: Any, *_: object) -> None:
        connection.set_progress_handler(step, 1000)

    engine = store._db._engine
    sa.event.listen(engine, "checkout", watch)
    asyncio.run(gather(store, Settings.model_validate(SETTINGS), NOW))
    sa.event.remove(engine, "checkout", watch)
    return done[0]


def test_a_scrape_costs_no_more_after_a_thousand_releases(store: Store) -> None:
    asyncio.run(store.summaries.keep(a_summary()))
    few = steps(store)
    asyncio.run(applied(store, a_plan(*some_actions(1000))))

    assert steps(store) <= few + 1


async def test_an_empty_outbox_is_a_zero_for_every_target_and_not_a_missing_series(
    store: Store,
) -> None:
    influx = {"name": "main", "url": "http://127.0.0.1:9", "database": "butler"}
    mail = {"name": "mail", "kind": "apprise", "url": "json://127.0.0.1:9"}
    told = {"metrics": {"influxdb": [influx]}, "alerts": {"channels": [mail]}}
    exposed = Exposed(store, Settings.model_validate(SETTINGS | told), lambda: NOW)

    lines = (await exposed("")).body.decode().splitlines()

    assert {one for one in lines if one.startswith("seatkeeper_outbox_entries{")} == {
        f'seatkeeper_outbox_entries{{state="{state}",target="{target}"}} 0.0'
        for state in ("waiting", "set_aside")
        for target in ("influx:main", "alert:mail")
    }


@dataclass
class Scraper(Prometheus):
    """A Prometheus that scrapes a page every second."""

    scraped: int = 0

    def command(self) -> list[str]:
        """Return what starts it."""
        command = super().command()
        (self.folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: seatkeeper\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{self.scraped}']}}]\n"
        )
        return command


@dataclass
class Daemon(Server):
    """`seatkeeper serve` for a site that nobody answers for."""

    def command(self) -> list[str]:
        """Return what starts it."""
        return [sys.executable, "-m", "seatkeeper", "serve"]

    def is_up(self) -> bool:
        """Whether its page for Prometheus answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/metrics", timeout=30):
                return True
        except OSError:
            return False

    @property
    def memory(self) -> float:
        """What it takes, in MiB."""
        assert self._running is not None
        return psutil.Process(self._running.pid).memory_info().rss / 2**20


def a_daemon(folder: Path) -> Daemon:
    """Write the configuration of a daemon whose store knows a site that cannot be reached."""
    daemon = Daemon(folder)
    text = CONFIG.format(url="https://127.0.0.1:9/qrs", folder=folder, store=folder / "s.db")
    for name in ("root.pem", "client.pem", "client_key.pem"):
        (folder / name).write_text("")
    text += "console: {listen: '127.0.0.1:0'}\n"
    text += f"metrics: {{prometheus: {{listen: '127.0.0.1:{daemon.port}'}}}}\n"
    (folder / "seatkeeper.yaml").write_text(text)
    opened = open_store(f"sqlite:///{folder}/s.db")
    asyncio.run(opened.summaries.keep(a_summary()))
    opened.close()
    return daemon


def test_a_real_prometheus_scrapes_the_daemon_although_the_site_is_away(tmp_path: Path) -> None:
    (own := tmp_path / "daemon").mkdir()
    (folder := tmp_path / "prometheus").mkdir()
    daemon = a_daemon(own)
    scraper = Scraper(folder, scraped=daemon.port)
    try:
        daemon.start()
        scraper.start()
        until(lambda: bool(scraper.ask("query", query="qlik_license_seats")), "it has scraped")

        up = scraper.ask("query", query="up{job='seatkeeper'}")
        total = scraper.ask(
            "query", query="qlik_license_seats{license_type='analyzer',state='total'}"
        )
        releases = scraper.ask("query", query="sum(increase(qlik_license_releases_total[1h]))")
        assert [u["value"][1] for u in up] == ["1"]
        assert [t["value"][1] for t in total] == ["200"]
        assert all(float(r["value"][1]) == 0 for r in releases)
        assert daemon.memory < 160  # MiB at rest, with the console in the same process
    finally:
        scraper.stop()
        daemon.stop()


def test_without_the_setting_nothing_listens_for_prometheus(tmp_path: Path) -> None:
    daemon = a_daemon(tmp_path)
    file = tmp_path / "seatkeeper.yaml"
    file.write_text(file.read_text().partition("metrics:")[0])
    with subprocess.Popen(daemon.command(), cwd=tmp_path, stderr=subprocess.DEVNULL) as running:
        try:
            process = psutil.Process(running.pid)
            until(lambda: bool(listening(process)), "it serves something")

            (console,) = listening(process)
            assert console != daemon.port
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"http://127.0.0.1:{console}/metrics", timeout=30)
        finally:
            running.terminate()


def listening(process: psutil.Process) -> set[int]:
    """Return the ports on which a process takes connections."""
    return {
        found.laddr.port
        for found in process.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN
    }


def test_a_taken_port_is_said_with_its_setting(tmp_path: Path) -> None:
    daemon = a_daemon(tmp_path)
    with bind(f"127.0.0.1:{daemon.port}"):
        done = subprocess.run(
            daemon.command(),
            cwd=tmp_path,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=PATIENT,
            check=False,
        )

    assert done.returncode == 2
    assert f"metrics.prometheus.listen 127.0.0.1:{daemon.port} cannot be used" in done.stderr
