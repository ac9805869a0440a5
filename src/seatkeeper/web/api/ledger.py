"""The ledger: what was decided and done, by whom and why; one record; how the chain stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request

from seatkeeper.core.record import Kind, LedgerRecord
from seatkeeper.core.roles import Permission
from seatkeeper.errors import UsageError
from seatkeeper.store import LedgerQuery
from seatkeeper.web.api import shapes
from seatkeeper.web.api.cursors import opened, sealed
from seatkeeper.web.api.shapes import UNCHANGED, Cursor, Number, OfSite, Shape, When
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import sees_names
from seatkeeper.web.names import names_on, naming, note_names_seen, require_names
from seatkeeper.web.reach import READS, reaches, sites_asked
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.who import Visitor, desk_of

router = APIRouter(route_class=TaggedRoute, tags=["ledger"])


class RecordOut(Shape):
    r"""One record; `person` is `DIR\id` or a pseudonym, null for nobody and after an erasure.

    `person_ref` stands for the person in the chain, also when the name is gone.
    """

    seq: int
    at: datetime
    kind: Kind
    site: str
    plan_id: str
    run_id: str
    by: str
    os_account: str
    host: str
    why: str
    person: str | None
    person_ref: str
    policy_digest: str
    evidence: dict[str, Any]
    hash: str


class RecordsOut(Shape):
    """A part of the records that were asked for, newest first.

    `total` counts all of them, unless `more_than_total`: then there are more than were counted.
    """

    items: list[RecordOut]
    next: str | None
    total: int
    more_than_total: bool


class WholeRecordOut(RecordOut):
    """One record, and whether it is as it was written and continues the one before."""

    holds: bool


class CheckOut(Shape):
    """When the whole ledger was last verified, by whom, and what came of it."""

    at: datetime
    by: str
    is_whole: bool
    seq: int
    hash: str
    bad_seq: int | None
    error: str


class HeadOut(Shape):
    """The newest record: written down elsewhere, `head` proves a later cut.

    `continues`: the record that was newest at the last check is still there as it was.
    """

    seq: int
    hash: str
    head: str
    since_check: int
    continues: bool
    check: CheckOut | None


class _After(msgspec.Struct, tag="ledger", forbid_unknown_fields=True):
    """The last record of the page before."""

    seq: int


@router.get("/ledger", responses=UNCHANGED)
async def ledger(  # noqa: PLR0913, PLR0917 - each is a part of the address
    request: Request,
    visitor: READS,
    site: OfSite = None,
    kind: Kind | None = None,
    plan_id: Annotated[str | None, Query(max_length=200)] = None,
    run_id: Annotated[str | None, Query(max_length=200)] = None,
    by: Annotated[str | None, Query(max_length=200, description="Who acted.")] = None,
    person: Annotated[str, Query(description="`ref` of whom the records are about.")] = "",
    since: When | None = None,
    until: When | None = None,
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> RecordsOut:
    """List records, newest first; those of no site are for roles on every site."""
    desk, place = desk_of(request), opened(request, cursor, _After)
    query = LedgerQuery(
        sites=_sites(desk, visitor, site),
        kind=kind,
        plan_id=plan_id,
        run_id=run_id,
        by=by,
        person=_person(request, visitor, site, person),
        since=since,
        until=until,
        before_seq=None if place is None else place.seq,
    )
    found = await desk.store.ledger.search(query, limit)
    await _note(desk, visitor, site, found.records)
    return RecordsOut(
        items=[RecordOut(**_shown(request, visitor, one)) for one in found.records],
        next=None if found.older is None else sealed(request, _After(found.older)),
        total=found.total,
        more_than_total=found.more_than_total,
    )


@router.get("/ledger/head", responses=UNCHANGED)
async def head(request: Request, visitor: READS) -> HeadOut:
    """Tell how the chain stands."""
    del visitor  # every role may see whether anything was changed
    state = await desk_of(request).store.ledger.state()
    check = state.check
    return HeadOut(
        seq=state.head.seq,
        hash=state.head.hash,
        head=str(state.head),
        since_check=state.since_check,
        continues=state.continues,
        check=None
        if check is None
        else CheckOut(
            at=check.at,
            by=check.by,
            is_whole=check.is_whole,
            seq=check.head.seq,
            hash=check.head.hash,
            bad_seq=check.bad_seq,
            error=check.error,
        ),
    )


@router.get("/ledger/{seq}", responses=UNCHANGED)
async def record(request: Request, visitor: READS, seq: Number) -> WholeRecordOut:
    """Show one record, and whether it still is as it was written."""
    desk = desk_of(request)
    gone = NotFound("the ledger has no such record, or your role does not reach its site")
    try:
        found = await desk.store.ledger.record(seq)
    except UsageError:
        raise gone from None
    if not reaches(desk, visitor, found.site):
        raise gone
    await _note(desk, visitor, found.site, (found,))
    holds = await desk.store.ledger.holds(seq)
    return WholeRecordOut(**_shown(request, visitor, found), holds=holds)


def _sites(desk: Desk, visitor: Visitor, site: str | None) -> tuple[str, ...] | None:
    """Return of which sites records are shown, None for all, those of no site among them."""
    if site is None and visitor.identity.may(Permission.READ):
        return None
    return sites_asked(desk, visitor, site)


def _person(request: Request, visitor: Visitor, site: str | None, ref: str) -> str | None:
    """Return whom a reference means; raises NotAllowedHere for who may not see names.

    Else records of one person could be told from those of others, and so who it is.
    """
    if not ref:
        return None
    found = naming(request, visitor, sites_asked(desk_of(request), visitor, site))
    require_names(visitor, found)
    who = next(filter(None, (names.whom(ref) for names in found.by_site.values())), "")
    if not who:
        raise NotFound("nobody is known under this reference")
    return who


async def _note(
    desk: Desk, visitor: Visitor, site: str | None, records: tuple[LedgerRecord, ...]
) -> None:
    if any(one.person and sees_names(desk, visitor, one.site) for one in records):
        await note_names_seen(desk, visitor, site or "", "read the ledger through the API")


def _shown(request: Request, visitor: Visitor, record: LedgerRecord) -> dict[str, Any]:
    names = names_on(request, visitor, record.site)
    return {
        "seq": record.seq,
        "at": record.at,
        "kind": record.kind,
        "site": record.site,
        "plan_id": record.plan_id,
        "run_id": record.run_id,
        "by": record.by,
        "os_account": record.os_account,
        "host": record.host,
        "why": record.why,
        "person": names.text(record.person) if record.person else None,
        "person_ref": record.person_ref,
        "policy_digest": record.policy_digest,
        "evidence": record.evidence,
        "hash": record.hash,
    }
