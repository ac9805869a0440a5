"""From a site to those who are told: real commands, real receivers, one of them down at first."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

from command_line import CONFIG, Ran, process
from engine_daemon import CONFIG as DAEMON
from engine_daemon import POLICY, Daemon, a_daemon, command
from receivers import HttpReceiver, Mosquitto, RealAlertmanager, until
from served_site import serving

ALERTS = """\
alerts:
  rules:
    low_availability:
      {{professional: '99%', professional_clear: '100%', analyzer: '99%', analyzer_clear: '100%'}}
  channels:
    - {{name: hook, kind: webhook, url: '{hook}', secret: correct-horse-battery-staple}}
    - {{name: am, kind: alertmanager, url: '{manager}'}}
    - {{name: mqtt, kind: butler_mqtt, host: 127.0.0.1, port: {port}, threshold_days: 3650}}
"""


async def monitored(folder: Path) -> Ran:
    return await asyncio.to_thread(process, "monitor", "-o", "json", cwd=folder)


async def test_what_a_site_shows_arrives_once_on_every_channel(tmp_path: Path) -> None:
    hook, manager, broker = HttpReceiver(), RealAlertmanager(tmp_path), Mosquitto(tmp_path)
    with serving(tmp_path / "site", users=40) as site:
        text = CONFIG.format(url=site.url, folder=site.folder, store=tmp_path / "store.db")
        text += ALERTS.format(hook=hook.url, manager=manager.url, port=broker.port)
        (tmp_path / "seatkeeper.yaml").write_text(text)
        (tmp_path / "seatkeeper.yaml").chmod(0o600)
        async with manager.up(), broker.up(), broker.listener() as heard:
            first = await monitored(tmp_path)
            async with hook.up():
                second = await monitored(tmp_path)
            active = await manager.alerts()

    bodies = [json.loads(request.body) for request in hook.heard]
    low = [b["data"] for b in bodies if b["data"]["rule"] == "low_availability"]
    topics = [topic.removeprefix("qliksense/qliksense_server_license") for topic, _ in heard]
    assert (first.code, second.code) == (0, 0), (first, second)
    assert "for alert:hook stay queued: 127.0.0.1:" in first.err
    assert second.err == ""
    assert {b["type"] for b in bodies} == {"alert.firing"}
    assert len({r.headers["webhook-id"] for r in hook.heard}) == len(hook.heard)
    assert sorted(data["key"] for data in low) == sorted(
        a["labels"]["key"] for a in active if a["labels"]["alertname"] == "low_availability"
    )
    assert len(low) == 2
    assert topics == ["", "_expire"]


def begun(store: Path) -> bool:
    """Whether the daemon has begun to look for news."""
    with contextlib.closing(sqlite3.connect(store)) as conn:
        return bool(conn.execute("SELECT target FROM hook_place").fetchall())


async def test_the_daemon_calls_a_webhook_of_events_also_of_what_happened_while_it_was_away(
    tmp_path: Path,
) -> None:
    hook = HttpReceiver()

    def plan() -> str:
        made: str = command(tmp_path, "plan", "--site", "prod")["plan_id"]
        return made

    async def planned(daemon: Daemon) -> str:
        await asyncio.to_thread(daemon.wait_for, "daemon.started")
        await until(lambda: begun(tmp_path / "store.db"))
        made = await asyncio.to_thread(plan)
        await until(lambda: made in str([one.body for one in hook.heard]))
        return made

    with serving(tmp_path / "site", users=40) as site:
        text = DAEMON.format(
            url=site.url, folder=site.folder, policy=POLICY, store=tmp_path / "store.db"
        )
        told = f"{{name: tickets, url: '{hook.url}', secret: correct-horse-battery-staple, "
        told += "events: [plan.made]}"
        console = f"console: {{listen: '127.0.0.1:0', webhooks: [{told}]}}"
        config = tmp_path / "seatkeeper.yaml"
        config.write_text(text.replace("console: {listen: '127.0.0.1:0'}", console))
        config.chmod(0o600)
        async with hook.up():
            with a_daemon(tmp_path) as daemon:
                first = await planned(daemon)
                daemon.kill()
            second = await asyncio.to_thread(plan)
            with a_daemon(tmp_path) as daemon:
                third = await planned(daemon)

    told_of = [json.loads(one.body)["data"]["plan_id"] for one in hook.heard]
    assert [one for one in told_of if one in (first, second, third)] == [first, second, third]
    assert {json.loads(one.body)["type"] for one in hook.heard} == {"plan.made"}
