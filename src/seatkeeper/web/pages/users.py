"""`/users`: who holds a seat, and one person's whole story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper.core.idle_bands import IdleBands
from seatkeeper.core.model import LicenseType
from seatkeeper.core.roster import Flag, RosterQuery, RosterSort, View
from seatkeeper.core.story import story_of
from seatkeeper.web.csv_text import BEGINNING, csv_row
from seatkeeper.web.desk import Desk
from seatkeeper.web.exports import exported
from seatkeeper.web.forms import read_form
from seatkeeper.web.frame import chosen_site, frame_of
from seatkeeper.web.names import (
    Naming,
    names_on,
    naming,
    note_names_seen,
    require_names,
)
from seatkeeper.web.reach import READS
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.render import page
from seatkeeper.web.sealed import Purpose, Seal
from seatkeeper.web.views.person import person_view
from seatkeeper.web.views.roster import band_views, idle_days, year_of, year_views
from seatkeeper.web.who import desk_of

router = APIRouter()

IDLE_CHOICES = (7, 14, 30, 60, 90, 180, 365)

ROWS = 50

EXPORTED = 500
"""Rows that an export reads at a time."""


class Asked:
    """What the address asks for, read with care: what makes no sense is left out."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is a part of the address
        self,
        request: Request,
        type_: Annotated[str, Query(alias="type")] = "",
        view: str = "all",
        department: str = "",
        idle: str = "",
        below: str = "",
        sort: str = "idle",
        q: str = "",
        cursor: str = "",
    ) -> None:
        seal: Seal = request.app.state.seal
        self.text = seal.open(q, Purpose.USERS)
        self.sealed = q if self.text else ""
        self.license_type = LicenseType(type_) if type_ in set(LicenseType) else None
        self.view = View(view) if view in set(View) else View.ALL
        self.department = department[:500]
        self.idle = _days(idle)
        self.below = _days(below)
        if self.below is not None and self.below <= (self.idle or 0):
            self.below = None
        self.descending = sort.startswith("-")
        named = sort.removeprefix("-")
        self.sort = RosterSort(named) if named in set(RosterSort) else RosterSort.IDLE
        if sort == "idle":
            self.descending = True  # the longest idle first is what people look for
        self.cursor = cursor

    def query(self, sites: tuple[str, ...], names: Naming) -> RosterQuery:
        """Return the query; whoever sees no names cannot look for one either."""
        by_name = self.sort is RosterSort.USER and not names.clear
        return RosterQuery(
            sites=sites,
            license_type=self.license_type,
            department=self.department or None,
            view=self.view,
            text=self.text if names.clear else "",
            idle=None if self.idle is None else timedelta(days=self.idle),
            idle_below=None if self.below is None else timedelta(days=self.below),
            sort=RosterSort.IDLE if by_name else self.sort,
            descending=self.descending,
            limit=ROWS,
            cursor=self.cursor,
        )

    def address(self, site: str | None, **changes: str) -> str:
        """Return the address of the same list with something else about it."""
        parts = {
            "site": site or "all",
            "type": self.license_type.value if self.license_type else "",
            "view": "" if self.view is View.ALL else self.view.value,
            "department": self.department,
            "idle": "" if self.idle is None else str(self.idle),
            "below": "" if self.below is None else str(self.below),
            "sort": ("-" if self.descending and self.sort is not RosterSort.IDLE else "")
            + self.sort.value,
            "q": self.sealed,
            **changes,
        }
        return "/users?" + urlencode({k: v for k, v in parts.items() if v})


def _days(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 4 else None


@router.get("/users", response_class=HTMLResponse)
async def users(
    request: Request,
    visitor: READS,
    asked: Annotated[Asked, Depends()],
    site: str | None = None,
) -> Response:
    """Show a page of seats."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "users", chosen_site(desk, visitor, site))
    names = naming(request, visitor, frame.about)
    query = asked.query(frame.about, names)
    found = await desk.store.roster.page(query, frame.now)
    bands = await _bands(desk, query, frame.now)
    years = await desk.store.roster.active_years(found.rows, frame.now)
    if names.some_clear and found.rows:
        await note_names_seen(desk, visitor, frame.site or "", "looked at the list of users")
    values = {
        "frame": frame,
        "found": found,
        "asked": asked,
        "names": names,
        "views": [v for v in View if found.counts[v] or v in (View.ALL, View.IDLE, asked.view)],
        "departments": await desk.store.roster.departments(frame.about),
        "idle_choices": IDLE_CHOICES,
        "histogram": bands,
        "bands": () if bands is None else band_views(bands, asked.idle, asked.below),
        "year_of": partial(year_of, year_views(years, frame.now)),
        "idle_days": partial(idle_days, desk),
        "Flag": Flag,
    }
    return page(request, "users.html", values)


async def _bands(desk: Desk, query: RosterQuery, now: datetime) -> IdleBands | None:
    """Return the seats by idle time; None for whoever looks for one person by name."""
    return None if query.words else await desk.store.roster.bands(query, now)


@router.post("/users/search")
async def search(request: Request, visitor: READS) -> Response:
    """Take what somebody looks for out of a form, and lead to an address that does not hold it."""
    desk, form = desk_of(request), await read_form(request)
    site = chosen_site(desk, visitor, form["site"])
    text = " ".join(form["text"].split())[:200]
    names = naming(request, visitor, desk.names(visitor.identity) if site is None else (site,))
    if text:
        require_names(visitor, names)
    seal: Seal = request.app.state.seal
    kept = ("type", "view", "department", "idle", "below", "sort")
    parts = {"site": site or "all", **{name: form[name] for name in kept}}
    parts["q"] = seal.close(text, Purpose.USERS)
    return RedirectResponse("/users?" + urlencode({k: v for k, v in parts.items() if v}), 303)


@router.get("/users.csv")
async def export(
    request: Request,
    visitor: READS,
    asked: Annotated[Asked, Depends()],
    site: str | None = None,
) -> Response:
    """Send the whole list as CSV."""
    desk = desk_of(request)
    chosen, reached = chosen_site(desk, visitor, site), desk.names(visitor.identity)
    about = reached if chosen is None else (chosen,)
    names = naming(request, visitor, about)
    if names.some_clear:
        await note_names_seen(desk, visitor, chosen or "", "exported the list of users")
    query = replace(asked.query(about, names), limit=EXPORTED, cursor="")
    rows = _rows(desk, query, names)
    return exported(request, visitor, rows, "users.csv", "text/csv; charset=utf-8")


HEAD = (
    "site",
    "user",
    "name",
    "license_type",
    "department",
    "last_used",
    "idle_days",
    "created",
    "verdict",
    "reason",
)


async def _rows(desk: Desk, query: RosterQuery, names: Naming) -> AsyncIterator[str]:
    yield BEGINNING + csv_row(HEAD)
    now = desk.now()
    while True:
        found = await desk.store.roster.page(query, now)
        for row in found.rows:
            who = names.of(row.site)
            yield csv_row(
                (
                    row.site,
                    who.text(row.user),
                    row.name if who.clear else "",
                    row.license_type.value,
                    row.department,
                    "" if row.last_used is None else row.last_used.isoformat(),
                    idle_days(desk, row),
                    "" if row.created is None else row.created.isoformat(),
                    "release" if row.releases else "keep",
                    row.reason.value,
                )
            )
        if found.next is None:
            return
        query = replace(query, cursor=found.next)


@router.get("/users/{site}/{sealed}", response_class=HTMLResponse)
async def user(request: Request, site: str, sealed: str, visitor: READS) -> Response:
    """Show one person: seats, verdict, the year, the whole story."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "users", chosen_site(desk, visitor, site))
    names = names_on(request, visitor, frame.site or "")
    who = names.whom(sealed)
    record = await desk.store.roster.person(frame.site or "", who, frame.now) if who else None
    if record is None:
        raise NotFound("nothing is known of this person here; perhaps everything was erased")
    if names.clear:
        await note_names_seen(desk, visitor, frame.site or "", "opened the page of a person", who)
    values = {
        "frame": frame,
        "names": names,
        "record": record,
        "other_sites": [s for s in record.other_sites if s in frame.sites],
        "story": story_of(record, frame.zone),
        "idle_days": partial(idle_days, desk),
        "view": person_view(record, desk.sites[record.site].policy, frame, clear=names.clear),
        "Flag": Flag,
    }
    return page(request, "user.html", values)
