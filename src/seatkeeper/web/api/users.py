r"""Users: seats with their verdicts, in pages; one person's whole story.

No name stands in an address: whom somebody looks for comes in the body of a POST, and people are
named in paths by a reference that the API gives (`ref`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType
from seatkeeper.core.roles import Permission
from seatkeeper.core.roster import Flag, RosterQuery, RosterRow, RosterSort, View
from seatkeeper.core.rules import Reason
from seatkeeper.core.story import PersonRecord, StoryKind, StoryLine, story_of
from seatkeeper.web.api.cursors import BadCursor, opened, sealed
from seatkeeper.web.api.shapes import MOST, UNCHANGED, Cursor, Limit, Shape, SiteInPath
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.names import Names, names_on, note_names_seen
from seatkeeper.web.reach import READS, site_named
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.views.roster import idle_days
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter(route_class=TaggedRoute, tags=["users"])

_FLAGS = tuple((flag, (flag.name or "").lower()) for flag in Flag)


class ExemptOut(Shape):
    """Who protects a seat, why, and until when; without owner and reason where names are hidden."""

    owner: str
    reason: str
    until: datetime | None


class SeatOut(Shape):
    r"""One seat as it was last read: holder, last use, and what the rules say.

    `user` is `DIR\id`, or a pseudonym where privacy hides names; `ref` names the person in paths.
    `idle_days` counts from the person's latest activity anywhere, days of pauses left out. `plan`
    is the one that waits and would release the seat.
    """

    site: str
    seat: str
    license_type: LicenseType
    user: str
    name: str | None
    ref: str
    department: str
    created: datetime | None
    last_used: datetime | None
    idle_days: int | None
    verdict: str = Field(examples=["keep", "release"])
    reason: Reason
    since: datetime
    marks: list[str] = Field(examples=[["idle", "blocked"]])
    exempt: ExemptOut | None
    plan: str | None


class SeatsOut(Shape):
    """A part of the seats that were asked for; `total` counts all of them, `views` every view."""

    items: list[SeatOut]
    next: str | None
    total: int
    views: dict[View, int]
    read_at: datetime | None


class StoryOut(Shape):
    """One thing that happened to somebody's seat."""

    at: datetime
    kind: StoryKind
    title: str
    words: str
    license_type: LicenseType | None
    plan_id: str


class PersonOut(Shape):
    """All that is kept of one person on one site, newest first."""

    site: str
    user: str
    name: str | None
    ref: str
    first_seen: datetime | None
    seats: list[SeatOut]
    uses: dict[MeasuredType, datetime | None]
    active_days: dict[MeasuredType, list[date]]
    story: list[StoryOut]
    ledger_records: int


class _Kept(msgspec.Struct, tag="seats", forbid_unknown_fields=True):
    """What a list of seats goes on with: where, and what was asked for."""

    site: str
    at: str
    sort: str
    descending: bool


class SearchIn(Shape):
    """Whom to look for, and which seats."""

    text: Annotated[
        str, Field(min_length=1, max_length=200, description="Parts of ids and display names.")
    ]
    type: LicenseType | None = None
    view: View = View.ALL
    department: Annotated[str | None, Field(max_length=500)] = None
    idle_days: Annotated[int | None, Field(ge=0, le=9999)] = None
    sort: RosterSort = RosterSort.USER
    descending: bool = False
    cursor: Annotated[str, Field(max_length=4000)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


@router.get("/sites/{site}/users", responses=UNCHANGED)
async def users(  # noqa: PLR0913, PLR0917 - each is a part of the address
    request: Request,
    visitor: READS,
    site: SiteInPath,
    type: LicenseType | None = None,  # noqa: A002 - the word of the address
    view: View = View.ALL,
    department: Annotated[str | None, Query(max_length=500)] = None,
    idle_days: Annotated[int | None, Query(ge=0, le=9999)] = None,
    sort: RosterSort = RosterSort.IDLE,
    descending: bool = True,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> SeatsOut:
    """List seats, those idle longest first unless told otherwise."""
    query = RosterQuery(
        sites=(site_named(desk_of(request), visitor, site),),
        license_type=type,
        view=view,
        department=department,
        idle=None if idle_days is None else timedelta(days=idle_days),
        sort=sort,
        descending=descending,
        limit=limit,
    )
    return await _page(request, visitor, query, cursor)


@router.post("/sites/{site}/users/search")
async def search(request: Request, visitor: READS, site: SiteInPath, wanted: SearchIn) -> SeatsOut:
    """Look for people by name; a POST, so that no name stands in an address."""
    name = site_named(desk_of(request), visitor, site)
    if not names_on(request, visitor, name).clear:
        require(visitor, Permission.NAMES, name)
    query = RosterQuery(
        sites=(name,),
        license_type=wanted.type,
        view=wanted.view,
        department=wanted.department,
        text=wanted.text,
        idle=None if wanted.idle_days is None else timedelta(days=wanted.idle_days),
        sort=wanted.sort,
        descending=wanted.descending,
        limit=wanted.limit,
    )
    return await _page(request, visitor, query, wanted.cursor)


@router.get("/sites/{site}/users/{ref}", responses=UNCHANGED)
async def user(
    request: Request,
    visitor: READS,
    site: SiteInPath,
    ref: Annotated[str, Path(description="`ref` of a seat that the API has shown.")],
) -> PersonOut:
    """Show one person: seats, verdicts, days of use, the whole story."""
    desk = desk_of(request)
    name = site_named(desk, visitor, site)
    names = names_on(request, visitor, name)
    who = names.whom(ref)
    record = await desk.store.roster.person(name, who, desk.now()) if who else None
    if record is None:
        raise NotFound("nothing is known of this person here; perhaps everything was erased")
    if names.clear:
        await note_names_seen(desk, visitor, name, "read a person through the API", who)
    return _person(record, names, desk)


async def _page(request: Request, visitor: Visitor, query: RosterQuery, cursor: str) -> SeatsOut:
    desk, site = desk_of(request), query.sites[0]
    names = names_on(request, visitor, site)
    if query.sort is RosterSort.USER and not names.clear:
        require(visitor, Permission.NAMES, site)  # an order by names tells them
    kept = opened(request, cursor, _Kept)
    if kept is not None:
        if (kept.site, kept.sort, kept.descending) != (site, query.sort, query.descending):
            raise BadCursor
        query = replace(query, cursor=kept.at)
    found = await desk.store.roster.page(query, desk.now())
    if names.clear and found.rows:
        await note_names_seen(desk, visitor, site, "listed users through the API")
    after = None
    if found.next is not None:
        after = sealed(request, _Kept(site, found.next, query.sort.value, query.descending))
    return SeatsOut(
        items=[_seat(row, names, desk) for row in found.rows],
        next=after,
        total=found.total,
        views=dict(found.counts),
        read_at=found.read_at.get(site),
    )


def _seat(row: RosterRow, names: Names, desk: Desk) -> SeatOut:
    exempt = ExemptOut(
        owner=row.exempt_owner if names.clear else "",
        reason=row.exempt_reason if names.clear else "",
        until=row.exempt_until,
    )
    return SeatOut(
        site=row.site,
        seat=row.allocation_id,
        license_type=row.license_type,
        user=names.text(row.user),
        name=row.name if names.clear else None,
        ref=names.ref(row.user),
        department=row.department,
        created=row.created,
        last_used=row.last_used,
        idle_days=idle_days(desk, row),
        verdict="release" if row.releases else "keep",
        reason=row.reason,
        since=row.since,
        marks=[word for flag, word in _FLAGS if row.has(flag)],
        exempt=exempt if row.reason is Reason.EXEMPT else None,
        plan=row.plan_id or None,
    )


def _person(record: PersonRecord, names: Names, desk: Desk) -> PersonOut:
    return PersonOut(
        site=record.site,
        user=names.text(record.user),
        name=record.name if names.clear else None,
        ref=names.ref(record.user),
        first_seen=record.first_seen,
        seats=[_seat(row, names, desk) for row in record.rows],
        uses=dict(record.uses),
        active_days={kind: list(days) for kind, days in record.active_days.items()},
        story=[_line(line, record, names) for line in story_of(record)],
        ledger_records=record.ledger_records,
    )


def _line(line: StoryLine, record: PersonRecord, names: Names) -> StoryOut:
    told = StoryOut.model_validate(line)
    return told.model_copy(update={"words": names.about(line.words, record.user, record.name)})
