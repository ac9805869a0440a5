"""The numbers of a reading as people and programs see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from seatkeeper.cli.render import line, lines
from seatkeeper.core.model import Pool
from seatkeeper.core.summary import (
    ComplianceSummary,
    IdleBucket,
    LicenseState,
    LicenseSummary,
    SeatSummary,
    Summary,
)

if TYPE_CHECKING:
    from rich.console import RenderableType


def summary_data(summary: Summary) -> dict[str, Any]:
    """Return the JSON contract of a summary: every key is there, whatever its value."""
    data: dict[str, Any] = _plain(summary)
    data["license"]["allotments"] = dict(summary.license.allotments)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return value


@dataclass(frozen=True, slots=True)
class SummaryView:
    """The summary of one site, and what failed after its reading."""

    summary: Summary
    zone: tzinfo
    troubles: tuple[str, ...] = ()

    def data(self) -> Any:
        """Return the JSON contract of `monitor`."""
        return {**summary_data(self.summary), "troubles": list(self.troubles)}

    def drawing(self) -> Sequence[RenderableType]:
        """Return pools, who is idle, the license, and what an auditor would ask about."""
        return list(self._pieces())

    def _pieces(self) -> Iterator[RenderableType]:
        summary = self.summary
        read = f"{summary.at.astimezone(self.zone):%Y-%m-%d %H:%M %Z}"
        yield lines("", f"site {summary.site} · read {read}", style="bold")
        yield pool_table([pool for pool in summary.pools if pool.enabled], "seats")
        yield from more_pools(summary)
        yield from counted(summary)
        reading = summary.reading
        yield line(
            f"reading       {reading.seconds:.1f} s, {reading.requests} requests, "
            f"{reading.users} users{_skew_words(reading.skew_seconds)}"
        )


def pool_table(pools: Sequence[Pool], title: str) -> RenderableType:
    """Draw the pools as the site gives them."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("Type")
    for name in ("Total", "Allocated", "Free", "Quarantined", "Excess"):
        table.add_column(name, justify="right")
    for pool in pools:
        excess = "?" if pool.excess is None else str(pool.excess)
        numbers = (pool.total, pool.allocated, pool.available, pool.quarantined)
        table.add_row(pool.license_type.value, *map(str, numbers), excess)
    return table


def more_pools(summary: Summary) -> Iterator[RenderableType]:
    """Tell of minutes and tokens where the license has them."""
    if (capacity := summary.capacity) is not None and capacity.enabled:
        yield line(
            f"capacity      {capacity.used_minutes} of {capacity.allocated_minutes} minutes used "
            f"this month, {capacity.unavailable_minutes} not available"
        )
    if (tokens := summary.tokens) is not None:
        yield line(f"tokens        {tokens.available:g} of {tokens.total:g} free")


def counted(summary: Summary) -> Iterator[RenderableType]:
    """Tell in one line each who is idle, the license, and what is not as it should be."""
    for seats in summary.seats:
        yield line(f"idle          {idle_words(seats)}")
    style = "" if summary.license.state in _FINE else "bold red"
    yield line(f"license       {license_words(summary.license)}", style=style)
    for words in compliance_words(summary.compliance):
        yield line(f"compliance    {words}", style="yellow")


def idle_words(seats: SeatSummary) -> str:
    """Say of one type how long ago the holders were active: `analyzer: 60 0-7d, 5 never`."""
    buckets = [f"{seats.idle[b]} {b.value}" for b in IdleBucket if seats.idle.get(b)]
    held = ", ".join(buckets) or "nobody holds a seat"
    return f"{seats.license_type.value}: {held}; {seats.releasable} may go"


_FINE = (LicenseState.VALID, LicenseState.CANNOT_TELL)

_STATE_WORDS = {
    LicenseState.VALID: "valid",
    LicenseState.EXPIRED: "expired",
    LicenseState.DENYLISTED: "denylisted by Qlik",
    LicenseState.INVALID: "invalid, says the site",
    LicenseState.CANNOT_TELL: "the site does not tell how long it is valid",
    LicenseState.NONE: "none is installed",
}


def license_words(license_: LicenseSummary) -> str:
    """Say what is known of the license, and for how many days."""
    words, days = _STATE_WORDS[license_.state], license_.days_left
    if license_.valid_to is None or days is None:
        return words
    when = f"{license_.valid_to:%Y-%m-%d}"
    if days < 0:
        return f"{words}; its last day was {when}, {_days(-days)} ago"
    if license_.state is LicenseState.VALID:
        return f"valid to {when}, {_days(days)} left"
    return f"{words}; its last day is {when}, in {_days(days)}"


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


_COMPLIANCE = (
    ("excess", "seats above what the license grants; their holders are locked out"),
    ("both_types", "people hold a professional and an analyzer seat"),
    ("removed", "seats of users removed from their directory"),
    ("blocked", "seats of blocked users"),
    ("inactive", "seats of inactive users"),
    ("deleted", "seats of users who no longer exist"),
    ("above_allotment", "seats allocated above the license text"),
)


def compliance_words(facts: ComplianceSummary) -> list[str]:
    """Say what is not zero, one text each."""
    found = [f"{n} {words}" for name, words in _COMPLIANCE if (n := getattr(facts, name))]
    return found + [
        f"{m.license_type.value}: the overview counts {m.overview} {m.count}, the rows {m.rows}"
        for m in facts.mismatches
    ]


def _skew_words(skew: float | None) -> str:
    if skew is None:
        return "; it sent no date"
    return f"; its clock is {abs(skew):.1f} s {'ahead' if skew >= 0 else 'behind'}"
