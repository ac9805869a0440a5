"""From a command to a message: each thing that is wrong arrives once, over a real webhook."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from command_line import CONFIG, Ran, process
from receivers import HttpReceiver
from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved
from seatkeeper.store import open_store

HOOK = """
alerts:
  runbooks: https://wiki.example.com/runbooks
  channels:
    - {{name: hook, kind: webhook, url: '{url}', secret: correct-horse-battery-staple}}
"""


def told(receiver: HttpReceiver) -> list[dict[str, Any]]:
    """Return the alerts that arrived."""
    return [json.loads(heard.body)["data"] for heard in receiver.heard]


def hooked(config: Path, receiver: HttpReceiver) -> Path:
    """Add the channel to a configuration."""
    config.write_text(config.read_text() + HOOK.format(url=receiver.url))
    config.chmod(0o600)
    return config


async def monitored(config: Path) -> Ran:
    return await asyncio.to_thread(process, "monitor", "-c", config, cwd=config.parent)


async def test_the_full_pool_of_a_site_is_told_once_and_nothing_else(config: Path) -> None:
    async with HttpReceiver().up() as receiver:
        hooked(config, receiver)
        for _ in range(2):
            ran = await monitored(config)
            assert ran.code == 0, ran
    (alert,) = told(receiver)
    assert (alert["rule"], alert["severity"]) == ("low_availability", "critical")
    assert alert["title"].startswith("Critical: prod: 0 of ")


async def test_a_site_that_is_down_is_told_at_the_second_failure(tmp_path: Path) -> None:
    config = tmp_path / "seatkeeper.yaml"
    place = {"url": "https://127.0.0.1:1/qrs", "folder": tmp_path, "store": tmp_path / "store.db"}
    config.write_text(CONFIG.format(**place))
    async with HttpReceiver().up() as receiver:
        hooked(config, receiver)
        for _ in range(3):
            ran = await monitored(config)
            assert ran.code != 0, ran
    (alert,) = told(receiver)
    assert alert["rule"] == "site_unreachable"
    assert alert["title"].startswith("Critical: prod: 2 cycles in a row failed since ")
    assert alert["runbook"] == "https://wiki.example.com/runbooks/site_unreachable.md"


async def test_alerts_of_a_site_that_is_no_longer_configured_end_once(tmp_path: Path) -> None:
    config = tmp_path / "seatkeeper.yaml"
    place = {"url": "https://127.0.0.1:1/qrs", "folder": tmp_path, "store": tmp_path / "store.db"}
    config.write_text(CONFIG.format(**place))
    before = datetime.now(UTC) - timedelta(days=2)
    left = Alert(
        key=AlertKey("low_availability", "old", "analyzer"),
        state=AlertState.FIRING,
        severity=Severity.WARNING,
        since=before,
        seen=before,
        says="3 of 200 analyzer seats are free",
        told=MessageState.FIRING,
        told_at=before,
    )
    store = open_store(f"sqlite:///{place['store']}")
    await store.alerts.move(["old"], before, lambda *_: Moved(Advance(kept=(left,))))
    async with HttpReceiver().up() as receiver:
        hooked(config, receiver)
        listed = await asyncio.to_thread(process, "alerts", "list", "-c", config, cwd=tmp_path)
        for _ in range(2):
            await monitored(config)

    ended = [alert for alert in told(receiver) if alert["site"] == "old"]
    assert "3 of 200 analyzer" in listed.out
    assert [alert["title"] for alert in ended] == ["Resolved: old: Few free seats (analyzer)"]
    assert "this site is no longer configured" in ended[0]["text"]
    assert {a.key.site for a in await store.alerts.all() if a.is_on} == {"prod"}
    store.close()
