"""Sites: mode, age of the data, license of the server, what waits and what fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fastapi import APIRouter, Request

from seatkeeper.core.alerts import Alert, AlertState
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import Freeze
from seatkeeper.core.roles import Permission, Role, SignIn
from seatkeeper.core.summary import LicenseState, Summary, aged
from seatkeeper.web.api.cursors import part
from seatkeeper.web.api.shapes import UNCHANGED, Cursor, Limit, Page, Shape, SiteInPath
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import is_stale, zone_of
from seatkeeper.web.reach import READS, site_named
from seatkeeper.web.who import desk_of

router = APIRouter(route_class=TaggedRoute, tags=["sites"])


class MeOut(Shape):
    """Who asks, and on which sites they may do what."""

    name: str
    via: SignIn
    role: Role | None
    sites: dict[str, list[Permission]]


class LicenseOut(Shape):
    """The license of the server of a site."""

    state: LicenseState
    valid_to: date | None
    days_left: int | None


class FreezeOut(Shape):
    """A stop of every release on every site."""

    by: str
    reason: str
    at: datetime
    until: datetime | None


class SiteOut(Shape):
    """One site; `is_stale`: the data are too old to be taken for the present."""

    name: str
    mode: Mode
    zone: str
    read_at: datetime | None
    is_stale: bool
    license: LicenseOut | None
    waiting_plan: str | None
    firing: int
    freeze: FreezeOut | None


@router.get("/me", responses=UNCHANGED)
async def me(request: Request, visitor: READS) -> MeOut:
    """Tell who asks, and what they may do where."""
    who, desk = visitor.identity, desk_of(request)
    sites = {s: [p for p in Permission if who.may(p, s)] for s in desk.names(who)}
    return MeOut(name=who.name, via=who.via, role=who.role, sites=sites)


@router.get("/sites", responses=UNCHANGED)
async def sites(
    request: Request, visitor: READS, cursor: Cursor = "", limit: Limit = 50
) -> Page[SiteOut]:
    """List the sites that the role reaches."""
    desk = desk_of(request)
    names, after = part(request, "sites", desk.names(visitor.identity), cursor, limit)
    return Page(items=await _sites(desk, names), next=after)


@router.get("/sites/{site}", responses=UNCHANGED)
async def site(request: Request, visitor: READS, site: SiteInPath) -> SiteOut:
    """Show one site."""
    desk = desk_of(request)
    return (await _sites(desk, [site_named(desk, visitor, site)]))[0]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all sites."""

    summaries: dict[str, Summary]
    alerts: list[Alert]
    freeze: Freeze | None


async def _sites(desk: Desk, names: Sequence[str]) -> list[SiteOut]:
    known = _Known(
        dict(await desk.store.summaries.all()),
        [a for a in await desk.store.alerts.all() if a.state is AlertState.FIRING],
        await desk.store.control.frozen(desk.now()),
    )
    return [await _site(desk, name, known) for name in names]


async def _site(desk: Desk, name: str, known: _Known) -> SiteOut:
    now, summary = desk.now(), known.summaries.get(name)
    lines = await desk.store.plans.lines(now, site=name, limit=1)
    license_ = None if summary is None else aged(summary, now).license
    return SiteOut(
        name=name,
        mode=desk.sites[name].policy.mode,
        zone=str(zone_of(desk.settings.site(name))),
        read_at=None if summary is None else summary.at,
        is_stale=is_stale(desk, name, summary),
        license=None if license_ is None else LicenseOut.model_validate(license_),
        waiting_plan=lines[0].plan_id if lines and lines[0].waits else None,
        firing=sum(alert.key.site == name for alert in known.alerts),
        freeze=None if known.freeze is None else FreezeOut.model_validate(known.freeze),
    )
