"""From a command to a message: each thing that is wrong arrives once, over a real webhook."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from command_line import CONFIG, Ran, process
from receivers import HttpReceiver

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
