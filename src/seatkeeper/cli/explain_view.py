r"""Why one person's seats stay or go, as people and programs see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.render import day, line, lines, moment
from seatkeeper.core.deciding import MARKS
from seatkeeper.core.durations import format_duration
from seatkeeper.core.explain import Explanation, SeatExplained
from seatkeeper.core.model import User
from seatkeeper.core.plan import Plan

if TYPE_CHECKING:
    from rich.console import RenderableType

WORDS_IN_PLAN = {
    "action": "released by this plan",
    "deferred": "waits for a later run",
    "no": "not in it",
}


def place_in(plan: Plan | None, allocation_id: str) -> str:
    """Say where a seat stands in a plan: `action`, `deferred` or `no`."""
    if plan is None:
        return "no"
    if any(a.allocation_id == allocation_id for a in plan.actions):
        return "action"
    return "deferred" if any(a.allocation_id == allocation_id for a in plan.deferred) else "no"


@dataclass(frozen=True, slots=True)
class PersonOnSite:
    """One person on one site; `notes` are what could not be looked at."""

    site: str
    now: datetime
    explanation: Explanation
    plan: Plan | None
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether anybody is called so."""
        return bool(self.explanation.person.users or self.explanation.person.seats)

    def site_data(self) -> dict[str, Any]:
        """Return what concerns the person."""
        return {
            "site": self.site,
            "users": [_user_data(user) for user in self.explanation.person.users],
            "exemptions": [
                {
                    "exemption": found.exemption.text,
                    "kind": found.exemption.kind,
                    "owner": found.exemption.owner,
                    "reason": found.exemption.reason,
                    "expires": found.exemption.expires,
                    "protects": found.protects,
                }
                for found in self.explanation.exemptions
            ],
            "newest_plan": self.plan.plan_id if self.plan else None,
            "notes": list(self.notes),
        }

    def seats_data(self) -> list[dict[str, Any]]:
        """Return every seat."""
        return [self._seat_data(seat) for seat in self.explanation.seats]

    def _seat_data(self, one: SeatExplained) -> dict[str, Any]:
        seat, verdict = one.seat, one.verdict
        return {
            "site": self.site,
            "allocation_id": seat.id,
            "license_type": seat.license_type,
            "user": seat.holder,
            "verdict": "release" if verdict.releases else "keep",
            "reason": verdict.reason,
            "words": verdict.reason.words,
            "rule": one.rule.key,
            "rule_words": one.rule.words,
            "note": verdict.note,
            "created": seat.created,
            "last_used": seat.last_used,
            "last_activity": verdict.last_activity,
            "idle_days": _days(one.idle if one.idle is not None else one.age),
            "release_after": format_duration(one.release_after),
            "new_seat_grace": format_duration(one.new_seat_grace),
            "quarantined": seat.quarantined,
            "quarantine_end": seat.quarantine_end,
            "excess": seat.excess,
            "activity": [{"source": a.source, "at": a.at} for a in one.activity],
            "may_go_from": one.outlook.goes_on,
            "changes": list(one.outlook.changes),
            "in_plan": place_in(self.plan, seat.id),
        }

    def drawing(self) -> Iterator[RenderableType]:
        """Return who it is, what protects, and every seat."""
        yield lines("", f"site {self.site}", style="bold")
        for user in self.explanation.person.users:
            yield line(_user_words(user))
        for note in self.notes:
            yield line(f"note: {note}", style="yellow")
        for found in self.explanation.exemptions:
            state = "protects" if found.protects else "ended, protects no more"
            yield line(
                f"exemption: {found.exemption.text} ({state}){_end(found.exemption.expires)}"
            )
        if not self.explanation.seats:
            yield line("holds no seat here")
        for seat in self.explanation.seats:
            yield from self._seat(seat)

    def _seat(self, one: SeatExplained) -> Iterator[RenderableType]:
        seat, verdict = one.seat, one.verdict
        goes = verdict.releases
        yield lines(
            "",
            f"{seat.license_type.value} seat {seat.id}: "
            f"{'RELEASE' if goes else 'KEEP'}, {verdict.reason.value}: {verdict.reason.words}",
            style="bold yellow" if goes else "bold green",
        )
        yield line(f"  decided by   {one.rule.words}")
        yield line(f"  granted      {day(seat.created, none='not known')}{_for(one.age)}")
        for activity in one.activity:
            yield line(
                f"  active       {moment(activity.at, none='nothing known')}  {activity.source}"
            )
        yield line(f"  idle         {_idle(one)}")
        for change in one.outlook.changes:
            yield line(f"  what if      {change}")
        yield line(f"  newest plan  {self._plan_words(seat.id)}")

    def _plan_words(self, allocation_id: str) -> str:
        if self.plan is None:
            return "none yet"
        return f"{self.plan.plan_id}: {WORDS_IN_PLAN[place_in(self.plan, allocation_id)]}"


@dataclass(frozen=True, slots=True)
class PersonView:
    r"""One person on every site that was asked; `near` are spellings when nobody was found."""

    user: str
    sites: Sequence[PersonOnSite]
    near: Sequence[str] = ()

    @property
    def found(self) -> bool:
        """Whether any site knows the person."""
        return any(site.found for site in self.sites)

    def data(self) -> Any:
        """Return the JSON contract of `explain`."""
        known = [site for site in self.sites if site.found]
        return {
            "user": self.user,
            "found": self.found,
            "near": list(self.near),
            "sites": [site.site_data() for site in known],
            "seats": [seat for site in known for seat in site.seats_data()],
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return every site that knows the person."""
        return [piece for site in self.sites if site.found for piece in site.drawing()]


def _user_data(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "user": user.label,
        "name": user.name,
        **{mark: getattr(user, mark) for mark in MARKS},
        "delete_prohibited": user.delete_prohibited,
        "roles": user.roles,
        "tags": user.tags,
        "groups": user.groups,
        "custom_properties": user.properties,
    }


def _user_words(user: User) -> str:
    marks = [mark.replace("_", " ") for mark in MARKS if getattr(user, mark)]
    carried = [
        f"{name} {', '.join(values)}"
        for name, values in (
            ("roles", user.roles),
            ("tags", user.tags),
            ("groups", user.groups),
            ("custom properties", [f"{n}={v}" for n, v in user.properties or ()]),
        )
        if values
    ]
    name = f" ({user.name})" if user.name else ""
    return "; ".join([f"{user.label}{name}", *marks, *carried])


def _idle(one: SeatExplained) -> str:
    after = f"may go after {format_duration(one.release_after)}"
    grace = f"grace for new seats {format_duration(one.new_seat_grace)}"
    since = "never active" if one.idle is None else f"{_days(one.idle)} days"
    return f"{since} ({after}, {grace})"


def _days(length: timedelta | None) -> int | None:
    return None if length is None else length // timedelta(days=1)


def _for(age: timedelta | None) -> str:
    return "" if age is None else f", counts as {_days(age)} days"


def _end(expires: datetime | None) -> str:
    return f", {'until' if expires else ''} {moment(expires)} UTC" if expires else ""
