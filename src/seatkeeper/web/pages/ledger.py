"""`/ledger`: what was decided and done, by whom and why; and whether the chain is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper.core.record import Kind, LedgerRecord
from seatkeeper.core.roles import Permission
from seatkeeper.store import LedgerQuery
from seatkeeper.web.csv_text import BEGINNING, csv_row
from seatkeeper.web.desk import Desk
from seatkeeper.web.exports import exported
from seatkeeper.web.forms import read_form
from seatkeeper.web.frame import chosen_site, frame_of, zone_of
from seatkeeper.web.names import Naming, naming, note_names_seen, require_names
from seatkeeper.web.reach import READS
from seatkeeper.web.render import page
from seatkeeper.web.sealed import Purpose, Seal
from seatkeeper.web.who import Visitor, desk_of

router = APIRouter()

ROWS = 50

EXPORTED = 1000
"""Records that an export reads at a time."""


class Asked:
    """What the address asks for; what makes no sense is left out."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is a part of the address
        self,
        request: Request,
        kind: str = "",
        by: str = "",
        about: str = "",
        from_: Annotated[str, Query(alias="from")] = "",
        to: str = "",
        before: str = "",
    ) -> None:
        seal: Seal = request.app.state.seal
        self.kind = Kind(kind) if kind in set(Kind) else None
        self.by = by[:200]
        self.about = seal.open(about, Purpose.LEDGER).strip()
        self.sealed = about if self.about else ""
        self.begin, self.end = _day(from_), _day(to)
        self.before = int(before) if before.isdecimal() and len(before) < 16 else None

    @property
    def is_person(self) -> bool:
        r"""Whether somebody is looked for: only people have a backslash, as in `DIR\id`."""
        return "\\" in self.about

    def forget(self) -> None:
        """Look for nothing in particular, and do not show what was looked for."""
        self.about = self.sealed = ""

    def query(self, looked: _Looked) -> LedgerQuery:
        """Return the query."""
        after = None if self.end is None else self.end + timedelta(days=1)
        query = LedgerQuery(
            sites=_sites(looked),
            kind=self.kind,
            by=self.by or None,
            since=_midnight(self.begin, looked.zone),
            until=_midnight(after, looked.zone),
            before_seq=self.before,
        )
        about = self.about
        if not about:
            return query
        if self.is_person:
            return replace(query, person=about)
        if about.isdecimal() and len(about) < 16:
            return replace(query, after_seq=int(about) - 1, before_seq=int(about) + 1)
        return replace(query, plan_id=about)

    def address(self, site: str | None, path: str = "/ledger", **changes: str) -> str:
        """Return the address of the same records with something else about it."""
        parts = {
            "site": site or "all",
            "kind": self.kind.value if self.kind else "",
            "by": self.by,
            "about": self.sealed,
            "from": self.begin.isoformat() if self.begin else "",
            "to": self.end.isoformat() if self.end else "",
            **changes,
        }
        return f"{path}?" + urlencode({k: v for k, v in parts.items() if v})


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone)


@dataclass(frozen=True, slots=True)
class _Looked:
    """Which records somebody looks at: of one site, or of all that they may see."""

    visitor: Visitor
    site: str | None
    about: tuple[str, ...]
    zone: tzinfo
    names: Naming


async def _look(
    request: Request, visitor: Visitor, asked: Asked, site: str | None, what: str
) -> _Looked:
    """Say what is looked at, and note it where clear names are seen and that is recorded.

    Whoever sees no names looks for none, also at an address that somebody else gave them.
    """
    desk = desk_of(request)
    chosen, reached = chosen_site(desk, visitor, site), desk.names(visitor.identity)
    about = reached if chosen is None else (chosen,)
    names = naming(request, visitor, about)
    if asked.is_person and not names.clear:
        asked.forget()
    if names.some_clear:
        await note_names_seen(desk, visitor, chosen or "", what)
    zone = zone_of(desk.settings.site(about[0]))
    return _Looked(visitor, chosen, about, zone, names)


def _sites(looked: _Looked) -> tuple[str, ...] | None:
    """Return of which sites records are shown; of none in particular only to those of all."""
    everything = looked.visitor.identity.may(Permission.READ)
    if looked.site is None:
        return None if everything else looked.about
    return (looked.site, "") if everything else (looked.site,)


@router.get("/ledger", response_class=HTMLResponse)
async def ledger(
    request: Request, visitor: READS, asked: Annotated[Asked, Depends()], site: str | None = None
) -> Response:
    """Show a page of records, newest first."""
    desk = desk_of(request)
    looked = await _look(request, visitor, asked, site, "read the ledger")
    found = await desk.store.ledger.search(asked.query(looked), ROWS)
    values = {
        "frame": await frame_of(request, visitor, "ledger", looked.site),
        "found": found,
        "asked": asked,
        "names": looked.names,
        "state": await desk.store.ledger.state(),
        "kinds": list(Kind),
        "actors": await desk.store.ledger.actors(_sites(looked)),
        "evidence": _evidence,
    }
    return page(request, "ledger.html", values)


@router.post("/ledger/search")
async def search(request: Request, visitor: READS) -> Response:
    """Take what somebody looks for out of a form, and lead to an address that does not hold it."""
    desk, form = desk_of(request), await read_form(request)
    site = chosen_site(desk, visitor, form["site"])
    text = form["text"].strip()[:300]
    if "\\" in text:
        reached = desk.names(visitor.identity) if site is None else (site,)
        require_names(visitor, naming(request, visitor, reached))
    seal: Seal = request.app.state.seal
    parts = {"site": site or "all", **{n: form[n] for n in ("kind", "by", "from", "to")}}
    parts["about"] = seal.close(text, Purpose.LEDGER)
    return RedirectResponse("/ledger?" + urlencode({k: v for k, v in parts.items() if v}), 303)


@router.get("/ledger.csv")
async def export_csv(
    request: Request, visitor: READS, asked: Annotated[Asked, Depends()], site: str | None = None
) -> Response:
    """Send every record that was asked for as CSV, newest first."""
    looked = await _look(request, visitor, asked, site, "exported the ledger")
    records = _records(desk_of(request), asked.query(looked))
    rows = _csv(records, looked.names)
    return exported(request, visitor, rows, "ledger.csv", "text/csv; charset=utf-8")


@router.get("/ledger.json")
async def export_json(
    request: Request, visitor: READS, asked: Annotated[Asked, Depends()], site: str | None = None
) -> Response:
    """Send every record that was asked for as JSON, one a line, newest first."""
    looked = await _look(request, visitor, asked, site, "exported the ledger")
    records = _records(desk_of(request), asked.query(looked))
    rows = _json(records, looked.names)
    return exported(request, visitor, rows, "ledger.jsonl", "application/jsonl")


async def _records(desk: Desk, query: LedgerQuery) -> AsyncIterator[LedgerRecord]:
    while True:
        found = await desk.store.ledger.search(query, EXPORTED)
        for record in found.records:
            yield record
        if found.older is None:
            return
        query = replace(query, before_seq=found.older)


COLUMNS = (
    "seq",
    "at",
    "kind",
    "site",
    "by",
    "os_account",
    "host",
    "plan_id",
    "run_id",
    "person",
    "why",
    "evidence",
    "policy_digest",
    "hash",
)


async def _csv(records: AsyncIterator[LedgerRecord], names: Naming) -> AsyncIterator[str]:
    yield BEGINNING + csv_row(COLUMNS)
    async for record in records:
        yield csv_row(_shown(record, names)[column] for column in COLUMNS)


async def _json(records: AsyncIterator[LedgerRecord], names: Naming) -> AsyncIterator[bytes]:
    async for record in records:
        yield msgspec.json.encode(_shown(record, names)) + b"\n"


def _shown(record: LedgerRecord, names: Naming) -> dict[str, object]:
    found = {name: getattr(record, name) for name in COLUMNS}
    return found | {"person": names.of(record.site).text(record.person) if record.person else ""}


def _evidence(record: LedgerRecord) -> list[tuple[str, str]]:
    """Return what a record holds, a line each."""
    told = [(key.replace("_", " ").capitalize(), _plain(v)) for key, v in record.evidence.items()]
    parts = {
        "Run": record.run_id,
        "Policy": record.policy_digest[:16],
        "From": f"{record.os_account} on {record.host}",
        "This record": record.hash,
    }
    return told + [(name, text) for name, text in parts.items() if text]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode("utf-8")
