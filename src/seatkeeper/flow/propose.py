"""Judge a snapshot, make the plan, hold it against the limits, record it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from seatkeeper.core.draft import draft_plan, seal
from seatkeeper.core.facts import Facts, Sources, activity_of
from seatkeeper.core.guard import Checked, check
from seatkeeper.core.model import Snapshot
from seatkeeper.core.plan import Plan
from seatkeeper.core.policy import Mode, SharedKind
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import IncompleteRead, QrsError
from seatkeeper.flow.collect import collect
from seatkeeper.flow.context import Records, Run, Site


async def propose(
    site: Site, partners: Sequence[Site], records: Records, run: Run, now: datetime
) -> tuple[StoredPlan, Snapshot]:
    """Read the site, and those that share its license, and record what could be released.

    In mode `auto` a plan without a violation is recorded as approved.
    """
    run.progress("reading the site", 0, 0)
    snapshot = await collect(site.name, site.reader, now)
    elsewhere = [await _activity(partner, now) for partner in partners]
    run.progress("deciding", 0, 0)
    await records.history.observe(snapshot)
    plan = await _decide(site, snapshot, elsewhere, records, now)
    approve = site.policy.mode is Mode.AUTO and not plan.violations
    await records.plans.record(plan, run.actor, run.run_id, approve=approve)
    return await records.plans.load(plan.plan_id, now), snapshot


async def _activity(partner: Site, now: datetime) -> dict[str, datetime]:
    try:
        return activity_of(await collect(partner.name, partner.reader, now))
    except (QrsError, IncompleteRead) as error:
        raise IncompleteRead(
            f"site {partner.name} shares the license and could not be read whole ({error}); "
            "nothing is planned, for somebody active there could lose a seat"
        ) from error


async def _decide(
    site: Site,
    snapshot: Snapshot,
    elsewhere: Sequence[dict[str, datetime]],
    records: Records,
    now: datetime,
) -> Plan:
    policy = site.policy
    baseline = await records.history.baseline(site.name, policy.digest, now)
    overrides = await records.control.overrides(site.name, policy.digest, now)
    facts = Facts(Sources.of(snapshot, *elsewhere), policy, now)
    draft = draft_plan(snapshot, facts, policy, now, released_last_day=baseline.released_last_day)
    findings = check(Checked(draft, snapshot, policy, baseline, now), overrides)
    return seal(draft, findings, snapshot, policy, now)


async def sharing(site: Site, sites: Sequence[Site], records: Records) -> list[Site]:
    """Find the configured sites that share this one's license.

    Named in `license_shared_with` (by either side), or with the same license number when last
    read; sites never read before are asked for their number now.
    """
    numbers = await records.history.license_numbers()
    others = [s for s in sites if s.name != site.name]
    own = numbers.get(site.name) or (await _number(site) if others else None)
    found = []
    for other in others:
        named = _names(site, other) or _names(other, site)
        if named or (own is not None and own == (numbers.get(other.name) or await _number(other))):
            found.append(other)
    return found


def _names(site: Site, other: Site) -> bool:
    shared = site.policy.shared
    return shared.kind is SharedKind.SITES and other.name in shared.sites


async def _number(site: Site) -> str | None:
    try:
        license_ = await site.reader.server_license()
    except QrsError as error:
        raise IncompleteRead(
            f"whether site {site.name} shares the license cannot be told ({error}); "
            "nothing is planned"
        ) from error
    return license_.number if license_ else None
