"""Which sites somebody reaches: what lies beyond is not there, and cannot be told from nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends

from seatkeeper.core.health import Heartbeat
from seatkeeper.core.roles import Permission
from seatkeeper.web.desk import Desk
from seatkeeper.web.who import Visitor, needs, no_such_site

READS = Annotated[Visitor, Depends(needs(Permission.READ))]
RUNS = Annotated[Visitor, Depends(needs(Permission.RUN))]
SILENCES = Annotated[Visitor, Depends(needs(Permission.SILENCE))]
DECIDES = Annotated[Visitor, Depends(needs(Permission.DECIDE))]
UNDOES = Annotated[Visitor, Depends(needs(Permission.UNDO))]


def site_named(desk: Desk, visitor: Visitor, name: str) -> str:
    """Return the site of that name (any case) as it is configured; raises NotFound."""
    wanted = name.casefold()
    found = next((s for s in desk.names(visitor.identity) if s.casefold() == wanted), None)
    if found is None:
        raise no_such_site()
    return found


def sites_asked(desk: Desk, visitor: Visitor, site: str | None) -> tuple[str, ...]:
    """Return the site that is asked for, else all that the visitor reaches; raises NotFound."""
    return desk.names(visitor.identity) if site is None else (site_named(desk, visitor, site),)


def beat_of(desk: Desk, visitor: Visitor) -> Heartbeat:
    """Return what the engine knows of itself, without the jobs of sites out of reach."""
    beat, names = desk.beat(), desk.names(visitor.identity)
    mine = {key: job for key, job in beat.jobs.items() if job.site in names}
    return replace(beat, jobs=mine)


def reaches(desk: Desk, visitor: Visitor, site: str) -> bool:
    """Whether something of that site may be shown; of no site: to whoever sees every site."""
    if not site:
        return visitor.identity.may(Permission.READ)
    return site in desk.names(visitor.identity)
