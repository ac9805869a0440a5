"""Plan and apply against a site that behaves in one particular way, and judge what was lost.

The judge looks into the simulated site itself and shares nothing with the rules of the product:
a seat was taken rightly when it was planned, and the person had left it alone for long enough.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2e_desk import policy
from e2e_site import EFFECTS
from seatkeeper.cli.applying import apply_one, undo_these
from seatkeeper.cli.running import new_run
from seatkeeper.cli.session import Session, open_session
from seatkeeper.config import load
from seatkeeper.core.outcome import GrantOutcome, GrantResult, Outcome
from seatkeeper.core.record import StoredPlan
from seatkeeper.core.request import WhatToUndo
from seatkeeper.errors import SeatkeeperError
from seatkeeper.flow.approve import Approval
from seatkeeper.flow.propose import propose, sharing
from seatkeeper.simulator.faults import FaultKind, Faults
from seatkeeper.simulator.moments import DAY
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.rows import Seat, SeatType
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.switches import Switches
from seatkeeper.wiring.clock import this_actor

SEATS = 4
IDLE = 30 * DAY
GONE = (Outcome.RELEASED, Outcome.ALREADY_GONE)


@dataclass
class Tried:
    """What one try came to."""

    plan: StoredPlan | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    error: str = ""
    lost: list[str] = field(default_factory=list)
    """The seats that somebody lost, in order."""
    given: list[GrantResult] = field(default_factory=list)
    """What became of giving them back."""

    @property
    def word(self) -> str:
        """What it came to: an error, a block, or the outcomes."""
        if self.error:
            return "error"
        if self.plan is not None and self.plan.plan.violations:
            return "blocked by " + ",".join(sorted({v.limit for v in self.plan.plan.violations}))
        counts = Counter(self.outcomes.values())
        return ", ".join(f"{n} {o.value}" for o, n in sorted(counts.items())) or "nothing planned"


@dataclass
class Foreign:
    """One site that behaves in its own way, with a configuration for it."""

    folder: Path
    simulator: Simulator
    timeout: str = "10s"
    before: dict[str, Seat] = field(default_factory=dict)
    active: str = ""
    """A seat that looks idle but for the usage rows."""

    def config(self) -> Path:
        """Write the configuration."""
        site = self.simulator.options.state_dir
        settings = {
            "sites": [
                {
                    "name": "prod",
                    "license_shared_with": [],
                    "policy": policy(limits={"max_per_run": SEATS}),
                    "qrs": {
                        "url": self.simulator.url,
                        "ca_file": str(site / "root.pem"),
                        "cert_file": str(site / "client.pem"),
                        "key_file": str(site / "client_key.pem"),
                        "user": "INTERNAL\\sa_api",
                        "timeout": self.timeout,
                    },
                }
            ],
            "store": {"url": f"sqlite:///{self.folder / 'store.db'}"},
        }
        path = self.folder / "seatkeeper.yaml"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return path

    def prepare(self) -> None:
        """Make the site interesting: somebody deleted, somebody back as only usage rows tell."""
        site = self.simulator.site
        idle = [seat for seat in self._seats() if self._is_idle(seat)]
        busy = [seat for seat in self._seats() if not self._is_idle(seat)]
        for seat in (idle[0], busy[0]):
            site.delete_user(site.records.users[seat.user])
        self.active = idle[1].id
        site.use(idle[1], site.clock.now(), usage_only=True)
        self.before = {seat.id: _copy(seat) for seat in self._seats()}

    def _seats(self) -> list[Seat]:
        kinds = (SeatType.ANALYZER, SeatType.PROFESSIONAL)
        seats = self.simulator.site.records.seats
        return [seat for kind in kinds for seat in seats[kind].values()]

    def _is_idle(self, seat: Seat) -> bool:
        now = self.simulator.site.clock.now()
        return max(seat.last_used, seat.activity) < now - IDLE and seat.created < now - IDLE

    def lost(self) -> list[str]:
        """Whose DELETE took effect, in the order of the requests."""
        return [
            entry.path.rpartition("/")[2]
            for entry in self.simulator.requests.select(method="DELETE")
            if any(effect in entry.outcome.split() for effect in EFFECTS)
        ]

    def judge(self, tried: Tried) -> list[str]:
        """List everything that is wrong about what was done; empty when it was right."""
        wrong = [f"{i} lost {n} times" for i, n in Counter(tried.lost).items() if n > 1]
        planned = {a.allocation_id for a in tried.plan.plan.actions} if tried.plan else set()
        for allocation in tried.lost:
            if allocation not in planned:
                wrong.append(f"{allocation} was not planned")
            if why := self._why_not(self.before[allocation]):
                wrong.append(f"{allocation}: {why}")
        if tried.given:
            return wrong + self._untrue_gifts(tried)
        return wrong + self._untrue(tried)

    def _why_not(self, seat: Seat) -> str:
        """Why a seat should have stayed."""
        site = self.simulator.site
        user = site.records.users.get(seat.user)
        if user is None:
            return "it is of a deleted user"
        if seat.quarantined or seat.excess:
            return "it is quarantined or in excess"
        if user.directory == "INTERNAL" or user.delete_prohibited or "RootAdmin" in user.roles:
            return "it is protected"
        if seat.id == self.active and self.simulator.options.faults.has(FaultKind.USAGE):
            return ""  # only the usage rows told, and the site kept them to itself
        others = [s for s in self.before.values() if s.user == seat.user]
        if not all(max(s.last_used, s.activity) < site.clock.now() - IDLE for s in others):
            return "the person was active"
        return "" if seat.created < site.clock.now() - IDLE else "it is new"

    def _untrue(self, tried: Tried) -> list[str]:
        """Outcomes that differ from the site; unknown is never untrue."""
        rows = {seat.id: seat for seat in self._seats()}
        wrong = []
        for allocation, outcome in tried.outcomes.items():
            row = rows.get(allocation)
            held = row is not None and not row.quarantined
            if outcome is not Outcome.UNKNOWN and held == (outcome in (*GONE, Outcome.QUARANTINED)):
                wrong.append(f"{allocation} is {'held' if held else 'gone'} and told {outcome}")
        return wrong

    def _untrue_gifts(self, tried: Tried) -> list[str]:
        """Seats told to be given back that nobody holds, and the other way round."""
        wrong = []
        for result in tried.given:
            person = self.before[result.allocation_id].user
            kind = SeatType(result.license_type.value)
            held = self.simulator.site.records.seats_held(kind, person)
            live = sum(not seat.quarantined for seat in held)
            good = result.outcome in (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)
            if live != int(good):
                wrong.append(f"{result.allocation_id}: {live} seats held and told {result.outcome}")
        return wrong


def _copy(seat: Seat) -> Seat:
    return Seat(**{name: getattr(seat, name) for name in seat.__struct_fields__})


async def a_try(
    folder: Path,
    *,
    switches: Sequence[str] = (),
    faults: Sequence[str] = (),
    later: Sequence[str] = (),
    patience: str = "10s",
    give_back: bool = False,
) -> tuple[Foreign, Tried]:
    """Plan and apply on a fresh site; `later` faults strike from after the plan on."""
    options = SimOptions(
        state_dir=folder / "site",
        users=160,
        seed=9,
        switches=Switches.parse(switches),
        faults=Faults.parse(faults),
    )
    async with Simulator(options) as simulator:
        foreign = Foreign(folder, simulator, patience)
        foreign.prepare()
        tried = Tried()
        loaded = load(foreign.config(), os.environ)
        async with open_session(loaded) as session:
            try:
                await _plan_and_apply(session, simulator, tried, later)
                if give_back and tried.plan and any(o.took_effect for o in tried.outcomes.values()):
                    plan_id, run = tried.plan.plan.plan_id, new_run(session.clock)
                    what = WhatToUndo(plan=plan_id, reason="a test")
                    tried.given = await undo_these(session, run, what, None)
            except SeatkeeperError as error:
                tried.error = f"{type(error).__name__}: {error}"
        tried.lost = foreign.lost()
        return foreign, tried


async def _plan_and_apply(
    session: Session, simulator: Simulator, tried: Tried, later: Sequence[str]
) -> None:
    run = new_run(session.clock)
    site = session.one("prod").site
    partners = await sharing(site, session.sites, session.records)
    stored = await propose(site, partners, session.records, run, session.clock.now())
    tried.plan = stored
    if stored.plan.violations or not stored.plan.actions:
        return
    if later:
        simulator.set_faults(Faults.parse(later))
    approval = Approval(this_actor("Jane Doe"))
    result = await apply_one(session, stored.plan.plan_id, approval, new_run(session.clock))
    tried.outcomes = {one.allocation_id: one.outcome for one in result.outcomes}
