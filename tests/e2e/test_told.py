"""From a site to those who are told: real commands, real receivers, one of them down at first."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from command_line import CONFIG, Ran, process
from receivers import HttpReceiver, Mosquitto, RealAlertmanager
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
