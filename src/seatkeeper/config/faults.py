"""A fault of the configuration, and the text that lists them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatkeeper.errors import ConfigError

Place = tuple[str | int, ...]
"""Where in the file: keys and positions in lists, from the top."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place, and the cure; `found` is the text as it stands in the file."""

    line: int
    place: Place
    problem: str
    cure: str
    found: str = ""


def path_of(place: Place) -> str:
    """Write a place as people do: `sites[0].policy.mode`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def config_error(file: Path, faults: Iterable[Fault], *, more: str = "") -> ConfigError:
    """Make the error that lists every fault once, in the order of the file."""
    listed = sorted(dict.fromkeys(faults), key=lambda f: (f.line, path_of(f.place)))
    count = "1 fault" if len(listed) == 1 else f"{len(listed)} faults"
    blocks = [f"{count} in the configuration; nothing was started.", *_blocks(file, listed)]
    if more:
        blocks.append(more)
    return ConfigError("\n\n".join(blocks))


def _blocks(file: Path, faults: Sequence[Fault]) -> list[str]:
    return [
        f"{file}:{fault.line}  {path_of(fault.place)}".rstrip()
        + f"\n  {_what(fault)}\n  cure: {fault.cure}"
        for fault in faults
    ]


def _what(fault: Fault) -> str:
    if not fault.found:
        return fault.problem
    key = next((step for step in reversed(fault.place) if isinstance(step, str)), "")
    return f"{key}: {fault.found} — {fault.problem}"
