"""How Seatkeeper itself is: the engine, the readings of each site, what waits to be told."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request

from seatkeeper import __version__
from seatkeeper.core.health import judge_health
from seatkeeper.core.outbox import OutboxState
from seatkeeper.core.roles import Permission
from seatkeeper.store import CycleState
from seatkeeper.web.api.shapes import UNCHANGED, Shape
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.reach import READS, beat_of
from seatkeeper.web.who import desk_of

router = APIRouter(route_class=TaggedRoute, tags=["health"])


class CycleOut(Shape):
    """How the newest cycle of a site went, and since when it fails."""

    site: str
    kind: str
    at: datetime
    seconds: float
    requests: int
    error: str
    trouble: str
    last_success: datetime | None
    failures: int


class TargetOut(Shape):
    """What waits to be told to one receiver, and what it refused for good."""

    target: str
    waiting: int
    set_aside: int
    error: str


class HealthOut(Shape):
    """`ready`: the daemon can do its work; `degraded` says what is wrong even so."""

    version: str
    ready: bool
    degraded: list[str]
    started: datetime
    last_look: datetime | None
    store: str
    schema_version: str
    cycles: list[CycleOut]
    targets: list[TargetOut]


@router.get("/health", responses=UNCHANGED)
async def health(request: Request, visitor: READS) -> HealthOut:
    """Tell how Seatkeeper is; receivers are shown to those whose role is on every site."""
    desk = desk_of(request)
    names, beat = desk.names(visitor.identity), beat_of(desk, visitor)
    judged = judge_health(beat, desk.now())
    states = await desk.store.cycles.states(names, desk.now())
    facts = desk.store.describe()
    everything = visitor.identity.may(Permission.READ)
    return HealthOut(
        version=__version__,
        ready=judged.ready,
        degraded=list(judged.degraded),
        started=beat.started,
        last_look=beat.last_look,
        store=facts.dialect,
        schema_version=facts.schema,
        cycles=[_cycle(site, kind, state) for (site, kind), state in sorted(states.items())],
        targets=await _targets(desk) if everything else [],
    )


def _cycle(site: str, kind: str, state: CycleState) -> CycleOut:
    newest = state.newest
    return CycleOut(
        site=site,
        kind=kind,
        at=newest.at,
        seconds=newest.seconds,
        requests=newest.requests,
        error=newest.error,
        trouble=newest.trouble,
        last_success=state.last_success,
        failures=state.failures,
    )


async def _targets(desk: Desk) -> list[TargetOut]:
    waiting = {one.target: one for one in await desk.store.outbox.waiting()}
    depth = await desk.store.outbox.depth()
    return [
        TargetOut(
            target=target,
            waiting=waiting[target].rows if target in waiting else 0,
            set_aside=depth.get((target, OutboxState.SET_ASIDE), 0),
            error=waiting[target].error if target in waiting else "",
        )
        for target in sorted({*waiting, *(name for name, _ in depth)})
    ]
