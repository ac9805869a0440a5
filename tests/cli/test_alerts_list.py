"""`alerts list`, `silence` and `unsilence`."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command_line import CONFIG, Command
from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.alert_text import RUNBOOKS
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved
from seatkeeper.store import open_store

THEN = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


def an_alert(subject: str, state: AlertState, site: str = "prod") -> Alert:
    return Alert(
        key=AlertKey("low_availability", site, subject),
        state=state,
        severity=Severity.WARNING,
        since=THEN,
        seen=THEN,
        says=f"3 of 200 {subject} seats are free",
        values={"available": 3},
        fired_at=THEN,
        told=MessageState.FIRING,
        told_at=THEN,
    )


@pytest.fixture
def desk(seatkeeper: Command, tmp_path: Path) -> Command:
    """Commands on a store with an alert of every state; no site answers."""
    path = tmp_path / "seatkeeper.yaml"
    store = tmp_path / "store.db"
    path.write_text(CONFIG.format(url="https://127.0.0.1:1/qrs", folder=tmp_path, store=store))
    kept = (
        an_alert("analyzer", AlertState.FIRING),
        an_alert("professional", AlertState.PENDING),
        an_alert("old", AlertState.RESOLVED),
    )
    opened = open_store(f"sqlite:///{store}")
    asyncio.run(opened.alerts.move(("prod",), THEN, lambda *_: Moved(Advance(kept=kept))))
    opened.close()

    def run(*words: object) -> object:
        return seatkeeper("alerts", *words, "-c", path)

    return run  # type: ignore[return-value]


WISH = ("silence", "--by", "Jane", "--reason", "upgrade", "--for", "2h")


def test_what_fires_is_listed_and_everything_on_request(desk: Command) -> None:
    (alert,) = desk("list", "-o", "json").json["alerts"]
    assert (alert["rule"], alert["subject"]) == ("low_availability", "analyzer")
    assert alert["values"] == {"available": 3}
    assert alert["runbook"] == f"{RUNBOOKS}/low_availability.md"
    assert RUNBOOKS.startswith("https://"), "a link that also a mail can have"
    assert alert["silenced_by"] is None
    every = desk("list", "--all", "-o", "json").json["alerts"]
    assert {a["state"] for a in every} == {"pending", "firing", "resolved"}


def test_people_see_a_table(desk: Command) -> None:
    said = desk("list").out
    assert "3 of 200 analyzer seats are free" in said
    assert "professional" not in said


def test_a_silence_is_made_seen_and_ended(desk: Command) -> None:
    made = desk(*WISH, "--site", "PROD", "--rule", "low_availability", "-o", "json").json
    length = datetime.fromisoformat(made["until"]) - datetime.fromisoformat(made["at"])
    assert length == timedelta(hours=2)
    assert (made["site"], made["by"], made["reason"]) == ("prod", "Jane", "upgrade")

    listed = desk("list", "-o", "json").json
    assert listed["silences"] == [made]
    assert listed["alerts"][0]["silenced_by"] == made["id"]
    assert "firing (silence" in desk("list").out

    ended = desk("unsilence", made["id"], "--by", "Joe")
    assert "was ended by Joe" in ended.out
    assert desk("list", "-o", "json").json["silences"] == []
    assert desk("unsilence", made["id"]).code == 2


def test_the_ledger_shows_who_was_silent_why_and_until_when(
    desk: Command, seatkeeper: Command, tmp_path: Path
) -> None:
    made = desk(*WISH, "--site", "prod", "-o", "json").json
    desk("unsilence", made["id"], "--by", "Joe", "--reason", "upgrade is done")
    config = next(tmp_path.glob("*.yaml"))

    shown = seatkeeper("ledger", "show", "-c", config, "-o", "json").json
    assert [(r["kind"], r["site"], r["by"], r["why"]) for r in shown] == [
        ("silenced", "prod", "Jane", "upgrade"),
        ("unsilenced", "prod", "Joe", "upgrade is done"),
    ]
    assert shown[0]["evidence"]["until"] == made["until"]
    table = " ".join(seatkeeper("ledger", "show", "-c", config).out.split())
    assert f"silenced until {made['until'][:10]}" in table


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("--rule", "low_avail"), "did you mean low_availability?"),
        (("--site", "elsewhere"), "prod"),
        (("--for", "soon"), "30d or 12h"),
        (("--for", "0h"), "some time"),
        (("--for", "91d"), "90 days"),
        (("--reason", " "), "reason"),
    ],
)
def test_nonsense_is_refused_with_a_cure(desk: Command, words: tuple[str, str], cure: str) -> None:
    ended = desk(*WISH, *words)
    assert ended.code == 2
    assert cure in ended.err


def test_the_page_on_json_names_what_is_printed(desk: Command) -> None:
    made = desk(*WISH, "-o", "json").json
    listed = desk("list", "-o", "json").json

    assert named("alerts list") >= {*listed, *listed["alerts"][0]}
    assert named("alerts silence") == set(made)


def named(section: str) -> set[str]:
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    rows = page.split(f"\n## {section}\n")[1].split("\n## ")[0].splitlines()
    return {word for r in rows if r.startswith("| `") for word in re.findall(r"`(\w+)`", r)}
