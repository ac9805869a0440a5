"""What earlier readings said and what people decided, in memory."""

from __future__ import annotations

from datetime import datetime

from fake_records import DAY, Part
from seatkeeper.core.model import Snapshot, UsageState
from seatkeeper.core.record import Baseline, CycleSample, Freeze, Override
from seatkeeper.core.summary import Summary


class FakeHistory(Part):
    """What earlier readings said."""

    async def observe(self, snapshot: Snapshot) -> None:
        """Remember a reading."""
        self._begin("observe")
        self.store.snapshots[snapshot.site] = snapshot
        given = self.store.usage_given.get(snapshot.site, frozenset())
        self.store.usage_given[snapshot.site] = given | snapshot.witness.which(UsageState.GIVEN)

    async def baseline(self, site: str, policy_digest: str, now: datetime) -> Baseline:  # noqa: ARG002 - one policy
        """Return what the limits compare with."""
        self._begin("baseline")
        results = self.store.results
        counted = sum(
            1
            for key, intent in self.store.intents.items()
            if intent.site == site
            and intent.at > now - DAY
            and (key not in results or results[key].outcome.took_effect)
        )
        others = sum(1 for s, at in self.store.released_by_others if s == site and at > now - DAY)
        return Baseline(
            first_seen=now if site in self.store.snapshots else None,
            released_last_day=counted + others,
            usage_lists=self.store.usage_given.get(site, frozenset()),
        )

    async def license_numbers(self) -> dict[str, str]:
        """Return the last known license number of each site."""
        self._begin("license_numbers")
        licenses = {n: s.server_license for n, s in self.store.snapshots.items()}
        return {n: lic.number for n, lic in licenses.items() if lic and lic.number}


class FakeSummaries(Part):
    """The newest summary of each site."""

    async def keep(self, summary: Summary) -> None:
        """Keep a summary."""
        self._begin("keep")
        self.store.summaries[summary.site] = summary


class FakeCycles(Part):
    """How each cycle went."""

    async def add(self, sample: CycleSample) -> None:
        """Keep how a cycle went."""
        self._begin("add")
        self.store.cycles.append(sample)


class FakeControl(Part):
    """What people have said about releasing."""

    async def frozen(self, now: datetime) -> Freeze | None:
        """Return the freeze that holds now."""
        self._begin("frozen")
        freeze = self.store.freeze
        return None if freeze is None or (freeze.until and freeze.until <= now) else freeze

    async def overrides(
        self, site: str, policy_digest: str, now: datetime, plan_id: str | None = None
    ) -> list[Override]:
        """Return overrides that hold for this site and policy, or for this very plan."""
        self._begin("overrides")
        return [
            o
            for o in self.store.overrides
            if o.site == site
            and o.until > now
            and (
                (o.plan_id is None and o.policy_digest == policy_digest)
                or (plan_id is not None and o.plan_id == plan_id)
            )
        ]
