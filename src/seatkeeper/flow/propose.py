"""Judge a snapshot, make the plan, hold it against the limits, record it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from seatkeeper.core.draft import draft_plan, seal
from seatkeeper.core.facts import Elsewhere, Facts, Sources, activity_of
from seatkeeper.core.guard import Checked, check
from seatkeeper.core.judged import Judged
from seatkeeper.core.model import ServerLicense, Snapshot
from seatkeeper.core.plan import Plan, PlanStatus, named
from seatkeeper.core.policy import Mode, SharedKind
from seatkeeper.core.record import StoredPlan, line_of
from seatkeeper.core.summarise import Beside, summarise, summarise_plan
from seatkeeper.core.summary import Summary
from seatkeeper.core.wholeness import Reading
from seatkeeper.errors import IncompleteRead, QrsError
from seatkeeper.flow.collect import collect
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.steps import Steps
from seatkeeper.flow.stopping import until_stopped


async def propose(
    site: Site,
    partners: Sequence[Site],
    records: Records,
    run: Run,
    now: datetime,
    *,
    count: bool = False,
) -> StoredPlan:
    """Read the site, and those that share its license, and record what could be released.

    In mode `auto` a plan without a violation counts as approved, unless somebody asked the engine
    for it; an empty one needs no approval, and none that would wait to be applied. With `count`
    the summary of the reading is kept too, as a monitoring cycle does. Raises Interrupted on
    request.
    """
    plan, counted = await _read_and_decide(site, partners, records, run, now, count=count)
    by_mode = site.policy.mode is Mode.AUTO and not run.by_request
    approve = by_mode and bool(plan.actions) and not plan.violations
    await records.plans.record(plan, run.actor, run.run_id, approve=approve)
    stored = StoredPlan(plan, PlanStatus.APPROVED if approve else plan.first_status)
    if counted is not None:
        summary = msgspec.structs.replace(counted, plan=summarise_plan(line_of(stored)))
        steps = Steps(site.name, run.run_id)
        await steps.attempt("keeping the summary", lambda: records.summaries.keep(summary))
    return stored


async def _read_and_decide(
    site: Site,
    partners: Sequence[Site],
    records: Records,
    run: Run,
    now: datetime,
    *,
    count: bool,
) -> tuple[Plan, Summary | None]:
    """Make the plan; a function of its own so that the snapshot is gone before it is recorded."""
    run.progress("reading the site", 0, 0)
    began, sent = run.clock.now(), site.reader.requests
    snapshot = await until_stopped(collect(site.name, site.reader, now), run.stop)
    beside = Beside.since(began, run.clock.now(), site.reader.requests - sent)
    elsewhere = {partner.name: await _activity(partner, records, run, now) for partner in partners}
    run.progress("deciding", 0, 0)
    await records.history.observe(snapshot)
    snapshot = snapshot.for_rules()
    facts = Facts(Sources.of(snapshot, *(p.activity for p in elsewhere.values())), site.policy, now)
    plan = await _decide(site, snapshot, facts, elsewhere, records, now)
    if run.asked_by:
        plan = named(msgspec.structs.replace(plan, asked_by=run.asked_by), now)

    if not count:
        return plan, None

    async def counted() -> Summary:
        return summarise(Judged.of(snapshot, facts, site.policy, now), beside)

    # Numbers that cannot be counted must not keep a plan from being made.
    return plan, await Steps(site.name, run.run_id).attempt("counting", counted)


@dataclass(frozen=True, slots=True)
class _Partner:
    """What is kept of a site that shares the license when its snapshot is gone."""

    activity: Elsewhere
    reading: Reading


async def _activity(partner: Site, records: Records, run: Run, now: datetime) -> _Partner:
    """Read a partner; the limits ask of it to be as whole as the planned site itself."""
    baseline = await records.history.baseline(partner.name, partner.policy.digest, now)
    try:
        snapshot = await until_stopped(collect(partner.name, partner.reader, now), run.stop)
    except (QrsError, IncompleteRead) as error:
        raise IncompleteRead(
            f"site {partner.name} shares the license and could not be read whole ({error}); "
            "nothing is planned, for somebody active there could lose a seat"
        ) from error
    reading = Reading.of(snapshot, baseline.usage_lists, now, is_partner=True)
    return _Partner(activity_of(snapshot), reading)


async def _decide(
    site: Site,
    snapshot: Snapshot,
    facts: Facts,
    elsewhere: Mapping[str, _Partner],
    records: Records,
    now: datetime,
) -> Plan:
    policy = site.policy
    baseline = await records.history.baseline(site.name, policy.digest, now)
    overrides = await records.control.overrides(site.name, policy.digest, now)
    draft = draft_plan(snapshot, facts, policy, now, released_last_day=baseline.released_last_day)
    readings = tuple(p.reading for p in elsewhere.values())
    findings = check(Checked(draft, snapshot, policy, baseline, now, readings), overrides)
    shared_with = tuple(sorted(elsewhere))
    return seal(draft, replace(findings, shared_with=shared_with), snapshot, policy, now)


async def sharing(site: Site, sites: Sequence[Site], records: Records) -> list[Site]:
    """Find the configured sites that share this one's license.

    Named in `license_shared_with` (by either side), or with the same license number when last
    read. A site never read before is asked for its number now, unless `license_shared_with` says
    who shares: a site that cannot be reached must not keep the others from working then.
    """
    others = [s for s in sites if s.name != site.name]
    if not others:
        return []
    numbers = await records.history.license_numbers()
    told = site.policy.shared.kind in (SharedKind.NOBODY, SharedKind.SITES)
    own = numbers.get(site.name) or _number_of(await site.reader.server_license())
    found = []
    for other in others:
        if site.policy.shared.names(other.name) or other.policy.shared.names(site.name):
            found.append(other)
        elif own is not None:
            number = numbers.get(other.name) or (None if told else await _number(other))
            if number == own:
                found.append(other)
    return found


async def _number(site: Site) -> str | None:
    try:
        license_ = await site.reader.server_license()
    except QrsError as error:
        raise IncompleteRead(
            f"whether site {site.name} shares the license cannot be told ({error}); "
            "nothing is planned"
        ) from error
    return _number_of(license_)


def _number_of(license_: ServerLicense | None) -> str | None:
    return license_.number if license_ else None
