"""`check` on targets of points: real servers, and the cure for each trouble."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import NOW
from config_files import load_text, top
from influx import Influx, an_influx, free_port
from seatkeeper.core.findings import Area, Finding, State, ok
from seatkeeper.core.outbox import OutboxEntry
from seatkeeper.settings import Settings
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.check_channels import hook_findings
from seatkeeper.wiring.check_targets import outbox_findings, target_findings


@pytest.fixture(scope="module")
def influx() -> Iterator[Influx]:
    with an_influx(auth=True) as server:
        server.add_admin()
        yield server


def settings(folder: Path, url: str, more: str) -> Settings:
    text = top(f"metrics: {{influxdb: [{{name: main, url: '{url}', {more}}}]}}")
    return load_text(folder, text).settings


async def found(folder: Path, url: str, more: str) -> Finding:
    (finding,) = await target_findings(settings(folder, url, more))
    return finding


async def test_a_target_is_said_to_be_ready_to_miss_its_database_or_to_refuse(
    influx: Influx, tmp_path: Path
) -> None:
    admin = "user: admin, password: s3cret"

    missing = await found(tmp_path, influx.url, f"database: new, {admin}")
    refused = await found(tmp_path, influx.url, "database: new, user: admin, password: wrong")

    assert missing.state is State.WARNING
    assert "has no database new yet" in missing.text
    assert 'CREATE DATABASE "new"' in missing.cure
    assert refused.state is State.FAILED
    assert "does not accept the token or password" in refused.text
    assert "wrong" not in str(refused)


async def test_who_may_only_read_is_told_so(influx: Influx, tmp_path: Path) -> None:
    def as_admin(statement: str) -> None:
        influx.ask(statement, u="admin", p="s3cret")

    as_admin("CREATE DATABASE butler")
    as_admin("CREATE USER reader WITH PASSWORD 'r'")
    as_admin("GRANT READ ON butler TO reader")

    reader = await found(tmp_path, influx.url, "database: butler, user: reader, password: r")
    admin = await found(tmp_path, influx.url, "database: butler, user: admin, password: s3cret")

    assert reader.state is State.FAILED
    assert "does not allow to write to the database butler" in reader.text
    assert "right to write" in reader.cure
    assert admin.state is State.OK
    assert "takes points for the database butler" in admin.text
    assert influx.ask("SHOW MEASUREMENTS", "butler", u="admin", p="s3cret") == []


async def test_a_server_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    finding = await found(tmp_path, f"http://127.0.0.1:{free_port()}", "database: d")

    assert finding.state is State.FAILED
    assert "gives no answer" in finding.text
    assert "points wait in the store" in finding.cure


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/seatkeeper.db")
    yield opened
    opened.close()


async def test_what_waits_and_what_was_refused_is_said(store: Store, tmp_path: Path) -> None:
    def entry(name: str) -> OutboxEntry:
        return OutboxEntry("point", b"x", name, NOW)

    outbox: Any = store.outbox
    await outbox.put("influx:main", [entry("a"), entry("b")])
    await outbox.put("influx:old", [entry("c")])
    a, b = await outbox.take("influx:main", 9, NOW)
    await outbox.set_aside([a.id], "field type conflict", NOW)
    known = settings(tmp_path, "http://influx", "database: d")

    fresh = await outbox_findings(store, known, NOW)
    await outbox.later([b.id], "no answer", NOW)
    late = await outbox_findings(store, known, NOW + timedelta(hours=1))

    assert [f.state for f in fresh] == [State.OK, State.WARNING, State.WARNING]
    assert "1 wait for influx:main, the first since 2026-11-02 03:00:00 UTC" in fresh[0].text
    assert "influx:old" in fresh[1].text
    assert "set aside: field type conflict" in fresh[2].text
    assert [f.state for f in late] == [State.WARNING] * 3
    assert "no answer" in late[0].text


async def test_a_webhook_of_events_is_named_with_what_it_is_told_and_no_secret(
    tmp_path: Path,
) -> None:
    where = "url: 'https://example.com/hush?key=hush', secret: hush-hush-hush-hush"
    text = top(
        f"console: {{webhooks: [{{name: all, {where}}},"
        f" {{name: few, {where}, events: [plan.made], sites: [prod]}},"
        f" {{name: lost, {where}, ca_file: gone.pem}}]}}"
    )
    every, few, lost = await hook_findings(load_text(tmp_path, text).settings)

    assert every == ok(
        Area.CHANNELS, "webhook all: example.com:443 is told of every event by the daemon"
    )
    assert few.text.endswith("example.com:443 is told of plan.made of prod by the daemon")
    assert (lost.state, lost.cure) == (State.FAILED, "correct console.webhooks")
    assert "gone.pem cannot be used" in lost.text
    assert "hush" not in str((every, few, lost))


async def test_what_waits_for_a_webhook_that_nobody_names_is_told_with_the_way_out(
    tmp_path: Path, store: Store
) -> None:
    await store.outbox.put("event:old", [OutboxEntry("event", b"{}", "k", NOW)])

    [finding] = await outbox_findings(store, load_text(tmp_path, top("")).settings, NOW)

    assert finding.state is State.WARNING
    assert finding.cure.startswith("name it in console.webhooks again, or: seatkeeper outbox drop")
