"""`alerts test` and what `check` says of channels: real receivers, the real command."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from command_line import Ran, process
from config_files import load_text, top
from receivers import HttpReceiver, MailServer, Mosquitto, free_port
from seatkeeper.core.findings import State
from seatkeeper.wiring.check_channels import channel_findings

SECRET = "correct-horse-battery-staple"


def channels(*entries: str) -> str:
    return top("alerts:\n  channels:\n" + "\n".join(f"    - {{{entry}}}" for entry in entries))


async def ran_test(folder: Path, name: str, entry: str, *more: str) -> Ran:
    (folder / "seatkeeper.yaml").write_text(channels(f"name: {name}, {entry}"))
    (folder / "seatkeeper.yaml").chmod(0o600)
    return await asyncio.to_thread(process, "alerts", "test", name, *more, cwd=folder)


async def test_a_test_over_a_webhook_says_what_came_back(tmp_path: Path) -> None:
    async with HttpReceiver().up() as receiver:
        entry = f"kind: webhook, url: '{receiver.url}', secret: {SECRET}"
        ran = await ran_test(tmp_path, "hook", entry, "-o", "json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {
        "channel": "hook",
        "kind": "webhook",
        "told": True,
        "answer": f"127.0.0.1:{receiver.port} answered 200: fine",
        "cure": "",
    }
    body = json.loads(receiver.heard[0].body)
    assert body["type"] == "alert.test"
    assert body["data"]["title"] == "Seatkeeper: test of the channel hook"


async def test_a_test_by_mail_arrives_as_a_letter(tmp_path: Path) -> None:
    async with MailServer().up() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=a@example.com&to=b@example.com"
        ran = await ran_test(tmp_path, "mail", f"kind: apprise, url: '{url}'")

    assert ran.code == 0, ran
    assert ran.out.startswith("mail: a test was sent; E-Mail took it")
    assert server.subjects == ["Seatkeeper: test of the channel mail"]


async def test_a_test_to_butlers_topic_says_no_more_than_is_known(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    async with server.up(), server.listener() as heard:
        entry = f"kind: butler_mqtt, host: 127.0.0.1, port: {server.port}"
        ran = await ran_test(tmp_path, "mqtt", entry)

    [(topic, payload)] = heard
    assert ran.code == 0, ran
    assert topic == "qliksense/qliksense_server_license"
    assert json.loads(payload) == {
        "licenseExpired": False,
        "expiryDateStr": None,
        "daysUntilExpiry": None,
    }


async def test_a_test_that_does_not_arrive_ends_with_a_cure(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/very-secret-path"

    ran = await ran_test(tmp_path, "hook", f"kind: webhook, url: '{url}', secret: {SECRET}")

    assert ran.code == 1
    assert "the test failed: 127.0.0.1:" in ran.out
    assert "cannot be reached" in ran.out
    assert "cure: check url, ca_file" in ran.out
    assert "very-secret-path" not in ran.out + ran.err


async def test_a_channel_that_is_not_there_is_a_mistake_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "seatkeeper.yaml").write_text(channels("name: mail, kind: apprise, url: 'x://y'"))

    ran = await asyncio.to_thread(process, "alerts", "test", "mial", cwd=tmp_path)

    assert ran.code == 2
    assert "did you mean mail?" in ran.err


async def test_check_looks_at_channels_and_sends_nothing(tmp_path: Path) -> None:
    async with HttpReceiver().up() as receiver, MailServer().up() as server:
        mail = f"mailto://127.0.0.1:{server.port}?from=a@example.com&to=b@example.com"
        text = channels(
            f"name: mail, kind: apprise, url: '{mail}'",
            f"name: typo, kind: apprise, url: 'mialto://{SECRET}'",
            f"name: hook, kind: webhook, url: '{receiver.url}', secret: {SECRET}",
            f"name: am, kind: alertmanager, url: '{receiver.url}', ca_file: none.pem",
            "name: mqtt, kind: butler_mqtt, host: mqtt.example.com, tls: true",
        )
        found = await channel_findings(load_text(tmp_path, text).settings)

    assert [f.state for f in found] == [
        State.OK,
        State.FAILED,
        State.OK,
        State.FAILED,
        State.OK,
    ]
    assert "mail (apprise): E-Mail" in found[0].text
    assert f"hook (webhook): 127.0.0.1:{receiver.port}" in found[2].text
    assert "none.pem cannot be used: No such file" in found[3].text
    assert "mqtt.example.com:8883" in found[4].text
    assert SECRET not in repr(found)
    assert (receiver.heard, server.letters) == ([], [])


async def test_without_channels_check_says_that_nobody_is_told(tmp_path: Path) -> None:
    [found] = await channel_findings(load_text(tmp_path, top("")).settings)

    assert (found.state, found.text) == (
        State.OK,
        "none: alerts are kept and shown, and told to nobody",
    )
