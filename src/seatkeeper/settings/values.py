"""The sorts of value that the configuration knows: durations, shares, days, yes and no, …."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from seatkeeper.core.durations import format_duration, format_share, parse_duration, parse_share
from seatkeeper.core.policy import MarkRule
from seatkeeper.core.schedule import EXAMPLES, Schedule
from seatkeeper.settings.kinds import Kind, Wrong, plain_text, simple

_Choice = TypeVar("_Choice", bound=StrEnum)

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,12}")


def duration(*, least: timedelta, most: timedelta = timedelta(days=3650), why: str = "") -> Kind:
    """Make the kind of a length of time between two bounds; `why` explains the lower one."""

    def read(value: Any) -> timedelta:
        try:
            length = value if isinstance(value, timedelta) else parse_duration(plain_text(value))
        except Wrong:
            raise
        except ValueError as error:
            raise Wrong(str(error), "write it as in 90d, 12h, 5m or 90s") from None
        if length < least:
            reason = f": {why}" if why else ""
            raise Wrong(
                f"at least {format_duration(least)}{reason}",
                f"write {format_duration(least)} or longer",
            )
        if length > most:
            limit = format_duration(most)
            raise Wrong(f"at most {limit}", f"write {limit} or shorter")
        return length

    return Kind(
        name="duration",
        read=simple(read),
        show=format_duration,
        schema={"type": "string", "pattern": r"^\s*[0-9]+\s*[wdhmsWDHMS]\s*$"},
    )


def share(*, most: float = 1.0, zero: bool = False, why: str = "") -> Kind:
    """Make the kind of a fraction up to `most`; 0 is allowed only with `zero`."""

    def read(value: Any) -> float:
        try:
            part = parse_share(value if isinstance(value, (int, float)) else plain_text(value))
        except Wrong:
            raise
        except ValueError as error:
            raise Wrong(str(error), "write it as in 20% or 0.2") from None
        if part > most:
            reason = f": {why}" if why else ""
            raise Wrong(
                f"at most {format_share(most)}{reason}", f"write {format_share(most)} or less"
            )
        if part == 0 and not zero:
            raise Wrong("0% would block every plan", "write a share above 0%")
        return part

    return Kind(
        name="share",
        read=simple(read),
        show=format_share,
        schema={
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[0-9.]+\s*%?\s*$"},
                {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            ]
        },
    )


def whole(*, least: int, most: int) -> Kind:
    """Make the kind of a whole number between two bounds."""

    def read(value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not _WHOLE.fullmatch(text):
            raise Wrong("a whole number is wanted", f"write a number from {least} to {most}")
        if not least <= int(text) <= most:
            raise Wrong(f"between {least} and {most}", f"write a number from {least} to {most}")
        return int(text)

    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Kind(name="whole number", read=simple(read), show=int, schema=schema)


def factor(*, least: float, most: float) -> Kind:
    """Make the kind of a number with or without a fraction between two bounds."""
    cure = f"write a number from {least:g} to {most:g}"

    def read(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Wrong("a number is wanted", cure) from None
        if isinstance(value, bool) or not least <= number <= most:
            raise Wrong(f"between {least:g} and {most:g}", cure)
        return number

    schema = {"type": "number", "minimum": least, "maximum": most}
    return Kind(name="number", read=simple(read), show=_short_number, schema=schema)


def _short_number(number: float) -> float | int:
    return int(number) if number == int(number) else number


def choice(kind: type[_Choice], what: str) -> Kind:
    """Make the kind of one word out of a closed set; letter case does not matter."""
    known = [member.value for member in kind]

    def read(value: Any) -> _Choice:
        word = plain_text(value).lower()
        if word in known:
            return kind(word)
        near = get_close_matches(word, known, n=1)
        raise Wrong(
            f"{what} is one of {', '.join(known)}",
            f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}",
        )

    return Kind(name=" | ".join(known), read=simple(read), schema={"enum": known})


def _yes_or_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = plain_text(value).lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise Wrong("true or false is wanted", "write true or false")


def _mark_rule(value: Any) -> MarkRule:
    if isinstance(value, bool):
        return MarkRule.YES if value else MarkRule.NO
    word = plain_text(value).lower()
    if word in ("true", "false"):
        return MarkRule.YES if word == "true" else MarkRule.NO
    if word in set(MarkRule):
        return MarkRule(word)
    raise Wrong("yes, no or ignore is wanted", "write yes, no or ignore")


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = plain_text(value)
    cure = "write year, month and day, as in 2026-11-30"
    if not _DAY.fullmatch(text):
        raise Wrong("a day is wanted", cure)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Wrong("there is no such day", cure) from None
    if not 2000 <= day.year <= 2999:
        raise Wrong("the year is out of reach", cure)
    return day


def _schedule(value: Any) -> Schedule:
    if isinstance(value, Schedule):
        return value
    text = plain_text(value)
    try:
        return Schedule.parse(text)
    except ValueError as error:
        problem = str(error).partition("; good ones")[0]
        raise Wrong(problem, f"write a schedule such as {EXAMPLES}") from None


def _zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    text = plain_text(value)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = {name.casefold(): name for name in available_timezones()}
        if exact := known.get(text.casefold()):
            return ZoneInfo(exact)
        near = get_close_matches(text.title(), known.values(), n=1, cutoff=0.8)
        cure = (
            f"did you mean {near[0]}?" if near else "write a name such as Europe/Stockholm or UTC"
        )
        raise Wrong("no time zone has this name", cure) from None


def words(read: Callable[[str], str], name: str = "text") -> Kind:
    """Make the kind of a text with a form of its own, checked by `read`."""
    return Kind(name=name, read=simple(lambda value: read(plain_text(value))))


def account(text: str) -> str:
    r"""Check that a text is `DIRECTORY\id` and names exactly one user."""
    directory, backslash, user_id = text.partition("\\")
    if not backslash:
        raise Wrong(
            "a user without a backslash matches nobody",
            r"write 'DIRECTORY\id' in single quotes",
        )
    if "\\" in user_id:
        raise Wrong(
            "a user with two backslashes matches nobody",
            r"write one backslash: in single quotes it stands for itself, 'DIRECTORY\id'",
        )
    if not directory.strip() or not user_id.strip():
        raise Wrong(
            "one side of the backslash is empty, so it matches nobody",
            r"write 'DIRECTORY\id'",
        )
    return text


Account = Annotated[str, words(account, r"user (`DIRECTORY\id`)")]
Day = Annotated[
    date, Kind("day", simple(_day), date.isoformat, {"type": "string", "format": "date"})
]
Mark = Annotated[
    MarkRule,
    Kind(
        "yes | no | ignore",
        simple(_mark_rule),
        schema={"enum": ["yes", "no", "ignore", True, False]},
    ),
]
ScheduleText = Annotated[Schedule, Kind("schedule", simple(_schedule), lambda s: s.text)]
Text = Annotated[str, words(str)]
YesNo = Annotated[
    bool,
    Kind(
        "true | false",
        simple(_yes_or_no),
        bool,
        {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "true", "false"]}]},
    ),
]
Zone = Annotated[ZoneInfo, Kind("time zone", simple(_zone))]
