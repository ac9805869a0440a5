"""`/settings`: what is configured, who is exempt, and how every connection goes; read only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper.core.findings import Checked, Finding, State, counts
from seatkeeper.core.health import judge_health
from seatkeeper.core.outbox import OutboxState, Waiting
from seatkeeper.core.plural import plural
from seatkeeper.core.policy import Exemption, ExemptionKind
from seatkeeper.core.roles import Permission
from seatkeeper.flow.ask import Asked, ask_check
from seatkeeper.store import CycleState, RequestKind
from seatkeeper.web.checked import checked_for
from seatkeeper.web.desk import Desk
from seatkeeper.web.forms import read_form
from seatkeeper.web.frame import chosen_site, frame_of, sees_names
from seatkeeper.web.reach import READS, RUNS, beat_of
from seatkeeper.web.render import page
from seatkeeper.web.who import Visitor, desk_of, require
from seatkeeper.wiring.telling import targets_of

router = APIRouter()

_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Connection:
    """One thing that Seatkeeper talks to: how it goes, and what is known of it."""

    name: str
    tone: str
    state: str
    says: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """One exemption of one site; `hidden`: it tells of people whom the visitor may not see."""

    site: str
    exemption: Exemption
    tone: str
    ends: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class CheckedView:
    """What a check found: what needs somebody, and what is as it should be."""

    checked: Checked

    @property
    def bad(self) -> tuple[Finding, ...]:
        """Failures, then warnings."""
        found = [f for f in self.checked.findings if f.state is not State.OK]
        return tuple(sorted(found, key=lambda f: f.state is not State.FAILED))

    @property
    def good(self) -> tuple[Finding, ...]:
        """What is in order."""
        return tuple(f for f in self.checked.findings if f.state is State.OK)

    @property
    def words(self) -> str:
        """The sum in a few words."""
        numbers = counts(self.checked.findings)
        said = [f"{numbers[s]} {s.value}" for s in (State.FAILED, State.WARNING) if numbers[s]]
        return ", ".join(said) or "all in order"


@router.get("/settings", response_class=HTMLResponse)
async def settings(
    request: Request,
    visitor: READS,
    site: str | None = None,
) -> Response:
    """Show the configuration as it is in force."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "settings", chosen_site(desk, visitor, site))
    about = frame.about
    whole = visitor.identity.may(Permission.ADMINISTER)
    everything = visitor.identity.may(Permission.READ)
    values = {
        "frame": frame,
        "connections": await _connections(desk, about, everything=everything),
        "degraded": judge_health(beat_of(desk, visitor), frame.now).degraded,
        "exemptions": [row for name in about for row in _exemptions(desk, visitor, name)],
        "policies": [(name, desk.sites[name].policy) for name in about],
        "configuration": request.app.state.written() if whole else None,
        "checked": await _checked(desk, visitor, about),
        "moving": bool(await _asked(desk, about)),
    }
    return page(request, "settings.html", values)


@router.post("/settings/check")
async def check(request: Request, visitor: RUNS) -> Response:
    """Ask for a check of a site, or of every site that the visitor may have checked."""
    desk, form = desk_of(request), await read_form(request)
    chosen = chosen_site(desk, visitor, form["site"])
    if chosen is not None:
        require(visitor, Permission.RUN, chosen)
    wanted = visitor.identity.sites(Permission.RUN, desk.names(visitor.identity))
    sites = wanted if chosen is None else (chosen,)
    under_way = await _asked(desk, sites)
    for site in sites:
        if site not in under_way:
            asked = Asked(desk.actor(visitor.identity), desk.now())
            await ask_check(site, desk.store.requests, asked)
    return RedirectResponse("/settings?" + urlencode({"site": chosen or "all"}), 303)


async def _checked(desk: Desk, visitor: Visitor, about: tuple[str, ...]) -> list[CheckedView]:
    """Return what was found of these sites, after what concerns every one."""
    found = await checked_for(desk, visitor)
    return [CheckedView(found[site]) for site in ("", *about) if site in found]


async def _asked(desk: Desk, sites: tuple[str, ...]) -> frozenset[str]:
    """Return the sites whose check is asked for and not done."""
    found = [one for site in sites for one in await desk.store.requests.open_of(site)]
    return frozenset(one.site for one in found if one.kind is RequestKind.CHECK)


def _exemptions(desk: Desk, visitor: Visitor, site: str) -> Iterator[ExemptionRow]:
    now, policy = desk.now(), desk.sites[site].policy
    clear = sees_names(desk, visitor, site)
    for exemption in policy.exemptions:
        tone, ends = _end_of(exemption, now)
        hidden = exemption.kind in _OF_PEOPLE and not clear
        yield ExemptionRow(site, exemption, tone, ends, hidden)


_OF_PEOPLE = frozenset({ExemptionKind.USER, ExemptionKind.PATTERN})
"""These say in so many letters who is protected; so may their owner and reason."""


def _end_of(exemption: Exemption, now: datetime) -> tuple[str, str]:
    if exemption.expires is None:
        return "", "never ends"
    days = (exemption.expires - now).days
    if exemption.expires <= now:
        return "bad", "has ended"
    return (
        "warn" if days <= 30 else "",
        f"ends in {plural(days, 'day')}" if days else "ends today",
    )


async def _connections(desk: Desk, sites: tuple[str, ...], *, everything: bool) -> list[Connection]:
    """Return the connections of these sites; receivers tell of every site."""
    states = await desk.store.cycles.states(sites, desk.now())
    facts = desk.store.describe()
    found = [_site(site, states.get((site, "monitor"))) for site in sites]
    database = _DATABASES.get(facts.dialect, facts.dialect)
    found.append(Connection("Store", "good", "answers", f"{database}, schema {facts.schema}"))
    if not everything:
        return found
    waiting = {one.target: one for one in await desk.store.outbox.waiting()}
    depth = await desk.store.outbox.depth()
    known = set(targets_of(desk.settings))
    for target in sorted(known | set(waiting) | {name for name, _ in depth}):
        aside = depth.get((target, OutboxState.SET_ASIDE), 0)
        found.append(_target(target, waiting.get(target), aside))
    return found


def _site(site: str, state: CycleState | None) -> Connection:
    name = f"Qlik Sense, {site}"
    if state is None:
        return Connection(name, "wait", "not read yet", "the first reading comes by itself")
    newest = state.newest
    if newest.error:
        times = f"{state.failures} times in a row" if state.failures > 1 else "once"
        says = f"failed {times}: {newest.error}"
        return Connection(name, "bad", "does not answer well", says, newest.at)
    says = f"{newest.requests} requests in {newest.seconds:.1f} s"
    tone = "warn" if newest.trouble else "good"
    return Connection(name, tone, "answers", newest.trouble or says, newest.at)


def _target(target: str, waiting: Waiting | None, aside: int) -> Connection:
    if waiting is not None and waiting.error:
        says = f"{waiting.rows} wait: {waiting.error}"
        return Connection(target, "bad", "is not reached", says, waiting.oldest)
    if aside:
        says = f"{aside} refused for good; `seatkeeper outbox show` lists them"
        return Connection(target, "warn", "refuses some", says)
    rows = 0 if waiting is None else waiting.rows
    return Connection(target, "good", "in step", f"{rows} wait" if rows else "nothing waits")
