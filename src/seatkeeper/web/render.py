"""From values to pages: the templates, and the words that every page writes alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from seatkeeper import __version__
from seatkeeper.core.durations import format_duration
from seatkeeper.core.money import money
from seatkeeper.core.plural import plural
from seatkeeper.web.charts.pool import swatch

HERE = Path(__file__).parent
NOT_KNOWN = "\u2013"
"""A dash, where nobody can tell."""

LONGEST_NAME = 120
"""Characters of a name from Qlik that a list shows."""


def person(name: str, longest: int = LONGEST_NAME) -> Markup:
    """Return a name from Qlik for a page: escaped, set apart from its surroundings, cut."""
    shown = name if len(name) <= longest else f"{name[:longest]}…"
    return Markup("<bdi>{}</bdi>").format(shown or "(no name)")


def number(value: float | None) -> str:
    """Return a number as people read it; a dash where nobody can tell."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def share(value: float | None) -> str:
    """Return a share as per cent."""
    return NOT_KNOWN if value is None else f"{value * 100:.1f}".rstrip("0").rstrip(".") + "\u00a0%"


def day(value: date | datetime | None) -> str:
    """Return a date as in `24 November 2026`."""
    return "never" if value is None else f"{value.day}\u00a0{value:%B %Y}"


def short_day(value: date | datetime) -> str:
    """Return a date as in `24 Nov`."""
    return f"{value.day}\u00a0{value:%b}"


def when(at: datetime | None, zone: tzinfo = UTC) -> Markup:
    """Return a moment for a page, as in `24 November 2026, 08:12`; None is never."""
    if at is None:
        return Markup("never")
    local = at.astimezone(zone)
    return Markup('<time datetime="{}">{}, {}</time>').format(
        local.isoformat(timespec="seconds"), day(local), f"{local:%H:%M}"
    )


def clock_time(at: datetime, zone: tzinfo = UTC) -> Markup:
    """Return the time of day alone."""
    local = at.astimezone(zone)
    return Markup('<time datetime="{}">{}</time>').format(
        local.isoformat(timespec="seconds"), f"{local:%H:%M}"
    )


def ago(at: datetime | None, now: datetime) -> str:
    """Say how long ago something was, in one unit."""
    if at is None:
        return "never"
    return f"{span(now - at)} ago" if now - at >= timedelta(minutes=1) else "just now"


def span(length: timedelta) -> str:
    """Say how long something takes, in its two largest units."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    said = [f"{n}\u00a0{unit}" for n, unit in parts if n]
    return " ".join(said[:2]) or "0\u00a0min"


def sentence(text: str) -> Markup:
    """Return a text of ours as a sentence: a capital first, words in backticks as code."""
    shown = text[:1].upper() + text[1:]
    pieces = [
        Markup("<code>{}</code>").format(piece) if index % 2 else escape(piece)
        for index, piece in enumerate(shown.split("`"))
    ]
    return Markup("").join(pieces)


def _lines(text: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in text.splitlines())


@cache
def environment() -> Environment:
    """Make the environment: everything escaped, a missing value is an error and no blank.

    It knows nothing of an application, so that a process compiles each template once.
    """
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {
        "person": person,
        "number": number,
        "share": share,
        "day": day,
        "short_day": short_day,
        "when": when,
        "clock": clock_time,
        "span": span,
        "ago": ago,
        "plural": plural,
        "money": money,
        "duration": format_duration,
        "lines": _lines,
        "sentence": sentence,
        "swatch": swatch,
    }
    env.filters.update(filters)
    env.globals.update(version=__version__)
    return env


def compile_templates() -> None:
    """Compile every template now, so that nobody waits for it at the first page."""
    env = environment()
    for name in env.list_templates():
        env.get_template(name)


def page(
    request: Request, template: str, values: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """Write one page."""
    theme = request.cookies.get("theme", "")
    theme = theme if theme in ("light", "dark") else ""
    text = environment().get_template(template).render(request=request, theme=theme, **values)
    return HTMLResponse(text, status)
