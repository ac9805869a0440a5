"""Records of the ledger as people and programs see them; an export is written as it is read."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import msgspec

from seatkeeper.cli.render import line
from seatkeeper.core.cells import cell
from seatkeeper.core.record import LedgerRecord
from seatkeeper.store import ChainState, Verified

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = (
    "seq",
    "at",
    "kind",
    "site",
    "user",
    "by",
    "os_account",
    "host",
    "why",
    "plan_id",
    "run_id",
    "policy_digest",
    "person_ref",
    "evidence",
    "hash",
)
"""The columns of an export, in this order."""


def record_data(record: LedgerRecord) -> dict[str, Any]:
    r"""Return a record by column; `user` is `DIR\id`, empty when nobody is meant or was erased."""
    return {name: record.person if name == "user" else getattr(record, name) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class RecordsView:
    """Some records, newest last."""

    records: Sequence[LedgerRecord]

    def data(self) -> Any:
        """Return every record with every column."""
        return [record_data(record) for record in self.records]

    def drawing(self) -> Sequence[RenderableType]:
        """Return one row a record, without what only machines read."""
        from rich import box
        from rich.table import Table

        if not self.records:
            return [line("the ledger has no such record")]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("#", justify="right", no_wrap=True)
        table.add_column("At (UTC)", no_wrap=True)
        for name in ("What", "Site", "User", "By", "Why"):
            table.add_column(name, overflow="fold")
        table.add_column("Plan", no_wrap=True)
        for one in self.records:
            what = one.kind.value.replace("_", " ") + _detail(one)
            about = (f"{one.at:%Y-%m-%d %H:%M:%S}", what, one.site, one.person, one.by, one.why)
            table.add_row(str(one.seq), *map(line, (*about, one.plan_id)))
        return [table]


def _detail(record: LedgerRecord) -> str:
    """Say what became of it, or until when it holds."""
    said, until = record.evidence.get("outcome"), record.evidence.get("until")
    if isinstance(said, str):
        return f": {said}"
    return f" until {until[:16].replace('T', ' ')}" if isinstance(until, str) else ""


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record with everything in it."""

    record: LedgerRecord
    holds: bool

    def data(self) -> Any:
        """Return every column, and whether the record is as it was written."""
        return record_data(self.record) | {"holds": self.holds}

    def drawing(self) -> Sequence[RenderableType]:
        """Return a line a column that says something, then the evidence."""
        told = {name: value for name, value in record_data(self.record).items() if value}
        evidence = told.pop("evidence", {})
        rows = [line(f"{name:<14} {cell(value)}") for name, value in told.items()]
        rows += [line(f"  {name}: {cell(value)}") for name, value in evidence.items()]
        said = "as it was written" if self.holds else "NOT as it was written"
        style = "green" if self.holds else "bold red"
        return [*rows, line(f"The record is {said}.", style=style)]


@dataclass(frozen=True, slots=True)
class StateView:
    """How the chain stands, without verifying it."""

    state: ChainState

    def data(self) -> Any:
        """Return the JSON contract of `ledger state`."""
        check = self.state.check
        return {
            "head": str(self.state.head),
            "continues": self.state.continues,
            "since_check": self.state.since_check,
            "check": None
            if check is None
            else {
                "at": check.at,
                "by": check.by,
                "seconds": check.seconds,
                "head": str(check.head),
                "whole": check.is_whole,
                "first_bad": check.bad_seq,
                "error": check.error,
            },
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return the head, and the last check with its age in records."""
        state, check = self.state, self.state.check
        if check is None:
            return [line(f"head {state.head}"), line("It was never verified as a whole.")]
        when = f"Verified at {check.at:%F %T} UTC by {check.by}, {state.since_check} records ago"
        pieces = [line(f"head {state.head}"), line(f"{when}: {check.error or 'whole'}")]
        if not state.continues:
            said = "The newest record of then is gone or changed: run `seatkeeper ledger verify`."
            pieces.append(line(said, style="bold red"))
        return pieces


@dataclass(frozen=True, slots=True)
class VerifiedView:
    """A ledger that is whole."""

    verified: Verified
    compared: bool

    def data(self) -> Any:
        """Return the JSON contract of `ledger verify`."""
        found = self.verified
        return {
            "ok": True,
            "records": found.records,
            "persons": found.persons,
            "erased": found.erased,
            "head": str(found.head),
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return the numbers, and the head to note down."""
        found = self.verified
        if not found.records:
            return [line("The ledger is empty: nothing was ever recorded in this store.")]
        noted = " It continues the head you gave." if self.compared else ""
        return [
            line(
                f"The ledger is whole: {found.records} records, {found.persons} people, "
                f"{found.erased} erased.{noted}",
                style="green",
            ),
            line(f"head {found.head}"),
            line(
                "Note the head down elsewhere: `seatkeeper ledger verify --head SEQ:HASH` then "
                "also tells when the whole ledger was replaced or cut."
            ),
        ]


@dataclass(frozen=True, slots=True)
class BrokenView:
    """A ledger that is not whole, for programs; people read the error itself."""

    seq: int
    error: str

    def data(self) -> Any:
        """Return the JSON contract of `ledger verify` for a broken chain."""
        return {"ok": False, "first_bad": self.seq, "error": self.error}

    def drawing(self) -> Sequence[RenderableType]:
        """Return nothing: the error is told on stderr."""
        return []


Pages = AsyncIterable[Sequence[LedgerRecord]]


async def write_json_export(pages: Pages, out: IO[str]) -> int:
    """Write every record as one JSON array, a record a line; returns how many."""
    number = 0
    out.write("[")
    async for page in pages:
        for record in page:
            text = msgspec.json.encode(record_data(record)).decode()
            out.write(f"{',' if number else ''}\n{text}")
            number += 1
    out.write("\n]\n" if number else "]\n")
    return number


async def write_csv_export(pages: Pages, out: IO[str]) -> int:
    """Write every record as a CSV row below a head; returns how many."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    number = 0
    async for page in pages:
        for record in page:
            writer.writerow([cell(value) for value in record_data(record).values()])
            number += 1
    return number
