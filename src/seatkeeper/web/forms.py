"""What people type into forms, read with care: a fault stands beside its field, nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import Request

from seatkeeper.core.durations import parse_duration
from seatkeeper.web.who import MOST_FIELDS

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, by field, and what is wrong with it."""

    typed: Mapping[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()
    faults: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """Return what was typed, nothing when the field is not there."""
        return self.typed.get(name, "")

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def reason(self, name: str = "reason", *, wanted: str = "Write why: it is kept.") -> str:
        """Return a reason, which has to be there."""
        text = " ".join(self[name].split())
        if not text:
            self.faults[name] = wanted
        elif len(text) > LONGEST_REASON:
            self.faults[name] = f"At most {LONGEST_REASON} characters; these are {len(text)}."
        return text

    def length(self, name: str, most: timedelta) -> timedelta:
        """Return a length of time such as `4h` or `7d`."""
        try:
            length = parse_duration(self[name])
        except ValueError:
            self.faults[name] = "Write how long, as in 4h, 7d or 30m."
            return timedelta(0)
        if not timedelta(0) < length <= most:
            self.faults[name] = f"Longer than nothing, and at most {most.days}d."
        return length

    def choice(self, name: str, known: tuple[str, ...], *, empty: bool = False) -> str:
        """Return one of the known words."""
        value = self[name]
        if value not in known and not (empty and not value):
            self.faults[name] = "Choose one of the list."
        return value


async def read_form(request: Request, *, ticks: str = "") -> Form:
    """Return what a page sent; `ticks` is the name of the boxes that may be ticked."""
    sent = await request.form(max_fields=MOST_FIELDS)
    typed = {name: value for name, value in sent.items() if isinstance(value, str)}
    ticked = tuple(str(value) for value in sent.getlist(ticks)) if ticks else ()
    return Form(typed, ticked)


def note_of(request: Request) -> str:
    """Return the word of what was just done, which a page after a form shows once."""
    word: Any = request.query_params.get("done", "")
    return word if word.isalpha() and len(word) < 30 else ""
