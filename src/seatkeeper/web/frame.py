"""What stands around every page: the sites, the mode, the age of the data, who is signed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlencode

from fastapi import Request

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Alert, AlertState
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import Freeze, PlanLine
from seatkeeper.core.roles import Permission
from seatkeeper.core.summary import Summary
from seatkeeper.settings import Privacy, SiteSettings
from seatkeeper.web.desk import Desk
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.who import Visitor, desk_of, no_such_site
from seatkeeper.wiring.alarms import period_of

STALE = timedelta(hours=6)
"""Data are old after three of the pauses between two readings, and never before this."""

PAGES = (
    ("overview", "/", "Overview"),
    ("users", "/users", "Users"),
    ("plans", "/plans", "Plans"),
    ("ledger", "/ledger", "Ledger"),
    ("alerts", "/alerts", "Alerts"),
    ("cost", "/cost", "Cost"),
    ("settings", "/settings", "Settings"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of one page.

    `site` is the one that the page is about, None for all; `sites` are those the visitor may see.
    `read_at` is the oldest of their newest readings, None before the first; `unread` are those
    never read; `is_stale`: some of the data are too old to be taken for the present. `summaries`
    and `alerts` are those of every site.
    """

    visitor: Visitor
    now: datetime
    zone: tzinfo
    sites: tuple[str, ...]
    site: str | None
    here: str
    mode: str
    four_eyes: bool
    read_at: datetime | None
    unread: tuple[str, ...]
    is_stale: bool
    waiting: tuple[PlanLine, ...]
    firing: int
    freeze: Freeze | None
    summaries: Mapping[str, Summary]
    alerts: Sequence[Alert]

    @property
    def about(self) -> tuple[str, ...]:
        """The sites that the page is about."""
        return self.sites if self.site is None else (self.site,)

    @property
    def alert_sites(self) -> tuple[str, ...]:
        """Whose alerts are shown; those of no site, about all of them, to roles on every site."""
        return ("", *self.about) if self.visitor.identity.may(Permission.READ) else self.about

    @property
    def csrf(self) -> str:
        """The word that every form carries."""
        return self.visitor.csrf

    @property
    def name(self) -> str:
        """Who is signed in."""
        return self.visitor.identity.name

    @property
    def role(self) -> str:
        """What they are on this site, or at most anywhere."""
        identity = self.visitor.identity
        role = identity.role if self.site is None else identity.role_on(self.site)
        return role.value if role is not None else ""

    @property
    def pages(self) -> tuple[tuple[str, str, str], ...]:
        """The pages of the navigation."""
        return PAGES

    def may(self, permission: str) -> bool:
        """Whether the visitor may do something here."""
        identity, wanted = self.visitor.identity, Permission(permission)
        if self.site is None:
            return identity.may_somewhere(wanted)
        return identity.may(wanted, self.site)

    def link(self, path: str) -> str:
        """Return the address of a page for the same site."""
        return self.at(path, self.site or "all")

    def at(self, path: str, site: str) -> str:
        """Return the address of a page for a site: names of sites may hold any sign."""
        return f"{path}?{urlencode({'site': site})}"

    @property
    def path(self) -> str:
        """Where the list stands that the page belongs to; a page of no list stands by itself."""
        return next((path for key, path, _ in PAGES if key == self.here), f"/{self.here}")


def chosen_site(desk: Desk, visitor: Visitor, wanted: str | None) -> str | None:
    """Return the site a page is about: the one asked for, else the first; None is all of them.

    Raises NotFound for one that is not there, or not for this visitor.
    """
    sites = desk.names(visitor.identity)
    if not sites:
        raise NotFound("you have no role on any site of this configuration")
    if wanted is None or wanted == "":
        return sites[0]
    if wanted == "all":
        return sites[0] if len(sites) == 1 else None
    found = next((s for s in sites if s.casefold() == wanted.casefold()), None)
    if found is None:
        raise no_such_site()
    return found


async def frame_of(request: Request, visitor: Visitor, here: str, site: str | None) -> Frame:
    """Gather the frame of a page about `site`, None for all that the visitor may see."""
    desk = desk_of(request)
    now = desk.now()
    sites = desk.names(visitor.identity)
    about = sites if site is None else (site,)
    summaries = await desk.store.summaries.all()
    read = [summaries[name].at for name in about if name in summaries]
    alerts = await desk.store.alerts.all()
    of_sites = ("", *about) if visitor.identity.may(Permission.READ) else about
    settings = [desk.settings.site(name) for name in about]
    return Frame(
        visitor=visitor,
        now=now,
        zone=zone_of(settings[0]),
        sites=sites,
        site=site,
        here=here,
        mode=", ".join(sorted({desk.sites[name].policy.mode.value for name in about})),
        four_eyes=four_eyes(desk),
        read_at=min(read, default=None),
        unread=tuple(name for name in about if name not in summaries),
        is_stale=any(is_stale(desk, name, summaries.get(name)) for name in about),
        waiting=await _waiting(desk, about, now),
        firing=sum(_calls(alert) and alert.key.site in of_sites for alert in alerts),
        freeze=await desk.store.control.frozen(now),
        summaries=summaries,
        alerts=alerts,
    )


def _calls(alert: Alert) -> bool:
    """Whether an alert calls for somebody: news alone are no number beside a page's name."""
    return alert.state is AlertState.FIRING and alert.severity is not Severity.INFO


def is_stale(desk: Desk, site: str, summary: Summary | None) -> bool:
    """Whether what is known of a site is too old to be taken for the present."""
    settings = desk.settings.site(site)
    if summary is None or settings is None:
        return True
    usual = 3 * period_of(settings, desk.now())
    return desk.now() - summary.at > max(STALE, usual)


def zone_of(settings: SiteSettings | None) -> tzinfo:
    """Return the time zone in which the site's people live."""
    if settings is None:
        raise NotFound("the site is not in the configuration any more")
    return settings.zone


def four_eyes(desk: Desk) -> bool:
    """Whether two people are needed for a release."""
    return desk.settings.approval.four_eyes


def sees_names(desk: Desk, visitor: Visitor, site: str) -> bool:
    """Whether clear names are shown to this visitor."""
    if desk.settings.privacy is Privacy.CLEAR:
        return True
    return visitor.identity.may(Permission.NAMES, site)


async def _waiting(desk: Desk, sites: tuple[str, ...], now: datetime) -> tuple[PlanLine, ...]:
    """Return the plans that somebody has to decide on: in mode observe there is none."""
    deciding = [site for site in sites if desk.sites[site].policy.mode is not Mode.OBSERVE]
    newest = [await desk.store.plans.lines(now, site=site, limit=5) for site in deciding]
    return tuple(line for lines in newest for line in lines if line.waits)
