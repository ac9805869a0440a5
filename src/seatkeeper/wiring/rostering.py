"""The roster from settings and store: kept at every reading, for the pages of users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatkeeper.core.judged import Judged
from seatkeeper.core.policy import Policy
from seatkeeper.core.roster import lines_of
from seatkeeper.flow.ports import Observed
from seatkeeper.settings import Settings
from seatkeeper.store import Store


@dataclass(frozen=True, slots=True)
class RosterKeeper:
    """Keeps the lines of every reading; `attribute` is what names the department of a user."""

    policies: Mapping[str, Policy]
    attribute: str
    store: Store
    step: str = "roster"

    async def follow(self, observed: Observed) -> None:
        """Keep what pages show of each seat."""
        site, snapshot = observed.summary.site, observed.snapshot
        policy = self.policies[site]
        judged = Judged(snapshot, observed.facts, policy, observed.now, observed.verdicts)
        await self.store.roster.keep(site, snapshot.taken_at, lines_of(judged, self.attribute))


def roster_keeper(settings: Settings, store: Store) -> RosterKeeper:
    """Return what keeps the roster of each configured site."""
    policies = {one.name: one.to_policy() for one in settings.sites}
    return RosterKeeper(policies, settings.cost.attribute or "", store)
