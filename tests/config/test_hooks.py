"""`console.webhooks`: read whole, and each slip a fault with its cure."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config_files import faults, load_text, top
from seatkeeper.core.event import EventKind
from seatkeeper.core.hook import Hook
from seatkeeper.wiring.hooks import hooks_of
from seatkeeper.wiring.telling import targets_of

SECRET = "correct-horse-battery-staple"
WHERE = f"url: 'https://example.com/in', secret: {SECRET}"


def hooks(*entries: str) -> str:
    """Put webhooks into the file."""
    return top("console:\n  webhooks:\n" + "\n".join(f"    - {{{entry}}}" for entry in entries))


def test_without_webhooks_nobody_is_told(tmp_path: Path) -> None:
    settings = load_text(tmp_path, top("")).settings

    assert hooks_of(settings) == ()


def test_a_webhook_is_told_of_everything_unless_it_says_less(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://example.com/in?key=hush\n")
    (tmp_path / "secret").write_text(SECRET + "\n")
    text = hooks(
        "name: all, url_file: url, secret_file: secret",
        f"name: few, {WHERE}, events: [Plan.Made, alert.fired], sites: [PROD], timeout: 5s",
    )
    settings = load_text(tmp_path, text).settings
    every, few = settings.console.webhooks

    assert (every.address, every.signing_secret) == ("https://example.com/in?key=hush", SECRET)
    assert few.timeout == timedelta(seconds=5)
    assert hooks_of(settings) == (
        Hook("event:all", frozenset(EventKind), ("prod",)),
        Hook("event:few", frozenset({EventKind.PLAN_MADE, EventKind.ALERT_FIRED}), ("prod",)),
    )
    assert targets_of(settings) == ["event:all", "event:few"]


BROKEN = {
    "two of one name": (
        (f"name: a, {WHERE}", f"name: A, {WHERE}"),
        "console.webhooks[1].name",
        "console.webhooks[0] has this name already",
        "every webhook a name of its own",
    ),
    "a name for no command line": (
        (f"name: 'my hook', {WHERE}",),
        "console.webhooks[0].name",
        "letters, digits",
        "such as main",
    ),
    "nowhere to send": (
        (f"name: a, secret: {SECRET}",),
        "console.webhooks[0].url",
        "does not say where to send",
        "add url, or url_file",
    ),
    "unsigned": (
        ("name: a, url: 'https://example.com/in'",),
        "console.webhooks[0].secret_file",
        "a webhook of ours is signed",
        "add secret_file",
    ),
    "a secret that can be guessed": (
        ("name: a, url: 'https://example.com/in', secret: qlik",),
        "console.webhooks[0].secret",
        "less than 16 characters",
        "openssl rand",
    ),
    "a login in the address": (
        (f"name: a, url: 'https://me:word@example.com', secret: {SECRET}",),
        "console.webhooks[0].url",
        "without user, password",
        "https://host.example.com",
    ),
    "another scheme": (
        (f"name: a, url: 'ftp://example.com/in', secret: {SECRET}",),
        "console.webhooks[0].url",
        "begins with https",
        "https://host.example.com",
    ),
    "an event misspelled": (
        (f"name: a, {WHERE}, events: [plan.mad]",),
        "console.webhooks[0].events[0]",
        "the event is one of plan.made",
        "did you mean plan.made?",
    ),
    "a site nobody knows": (
        (f"name: a, {WHERE}, sites: [prd]",),
        "console.webhooks[0].sites[0]",
        "no site of this file has this name",
        "did you mean prod?",
    ),
}


@pytest.mark.parametrize(("entries", "path", "what", "cure"), BROKEN.values(), ids=BROKEN)
def test_a_webhook_that_cannot_work_is_a_fault_with_its_cure(
    tmp_path: Path, entries: tuple[str, ...], path: str, what: str, cure: str
) -> None:
    said = faults(tmp_path, hooks(*entries))

    [fault] = [s for s in said if s.path == path]
    assert what in fault.what
    assert cure in fault.cure
    assert SECRET not in str(said)


@pytest.mark.parametrize("twin", ["url", "secret"])
def test_what_is_given_twice_is_a_fault(tmp_path: Path, twin: str) -> None:
    (tmp_path / "twin").write_text("https://example.com/hush-hush\n")

    [fault] = faults(tmp_path, hooks(f"name: a, {WHERE}, {twin}_file: twin"))

    assert fault.path == f"console.webhooks[0].{twin}_file"
    assert f"{twin} is given as well" in fault.what


def test_a_role_on_a_site_that_nobody_knows_is_a_fault(tmp_path: Path) -> None:
    text = top("console: {roles: [{group: g, role: admin, sites: [prd]}]}")

    [fault] = faults(tmp_path, text)

    assert (fault.path, fault.cure) == ("console.roles[0].sites[0]", "did you mean prod?")
