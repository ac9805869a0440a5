"""What `check` finds, in order: first what concerns every site, then site by site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from seatkeeper.config import Loaded
from seatkeeper.core.findings import Area, Finding, SiteFindings, failed, ok, warning
from seatkeeper.core.model import Snapshot
from seatkeeper.core.policy import Mode, Policy
from seatkeeper.core.schedule import next_runs
from seatkeeper.errors import IncompleteRead, QrsError, Refused, SeatkeeperError
from seatkeeper.flow.collect import collect
from seatkeeper.settings import SiteSettings
from seatkeeper.store import Holder, Store
from seatkeeper.wiring.check_files import certificate_findings
from seatkeeper.wiring.check_site import (
    clock_finding,
    exemption_findings,
    license_finding,
    rights_findings,
    sharing_findings,
)
from seatkeeper.wiring.readers import OpenSite


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that concerns sites; empty when it could not be opened."""

    last_runs: dict[tuple[str, str], datetime | None]
    holders: dict[str, Holder]
    license_numbers: dict[str, str]


NOTHING_KNOWN = Known({}, {}, {})


def configuration_findings(loaded: Loaded) -> Iterator[Finding]:
    """Say which file it is, and every warning that concerns no single site."""
    sites = loaded.settings.sites
    names = ", ".join(site.name for site in sites)
    yield ok(Area.CONFIGURATION, f"{loaded.path} is sound: {len(sites)} site(s), {names}")
    for text in loaded.warnings:
        if not text.startswith("sites["):
            yield _warned(Area.CONFIGURATION, text)


def _warned(area: Area, text: str) -> Finding:
    what, found, command = text.partition(" Run: ")
    return warning(area, what, f"run {command}" if found else "see the configuration reference")


async def store_findings(store: Store, now: datetime) -> list[Finding]:
    """Look whether the store can be read and written, and whether somebody froze releases."""
    facts = store.describe()
    head = await store.ledger.head()
    # Renewing nothing opens a writing transaction and changes nothing: a store that only reads
    # says so now, not at the first intent.
    await store.leases.renew([])
    findings = [
        ok(
            Area.STORE,
            f"{facts.dialect} {facts.place}, schema {facts.schema}, can be written; "
            f"{head.seq} ledger records",
        )
    ]
    if freeze := await store.control.frozen(now):
        until = f" until {freeze.until:%Y-%m-%d %H:%M} UTC" if freeze.until else ""
        findings.append(
            warning(
                Area.FREEZE,
                f"releases are frozen{until} by {freeze.by}: {freeze.reason}",
                "when the reason is gone: seatkeeper thaw --by NAME --reason TEXT",
            )
        )
    return findings


async def known_of(store: Store) -> Known:
    """Gather what the store knows of sites."""
    jobs = await store.leases.jobs()
    return Known(
        last_runs={(job.site, job.kind): job.last_run for job in jobs},
        holders={holder.site: holder for holder in await store.leases.holders()},
        license_numbers=await store.history.license_numbers(),
    )


async def check_site(
    opened: OpenSite,
    loaded: Loaded,
    general: Sequence[Finding],
    known: Known,
    now: datetime,
    *,
    large: int | None = None,
) -> SiteFindings:
    """Check one site: its files, the way to it, what it shows, and what is configured for it.

    A site with `large` users or more is not read whole.
    """
    settings, policy = opened.settings, opened.site.policy
    findings = list(_file_findings(settings, loaded, now))
    reached, snapshot = await _reach(opened, now, large)
    findings += reached
    if snapshot is not None:
        findings += rights_findings(snapshot, policy)
        findings.append(clock_finding(snapshot.skew, policy))
        findings.append(license_finding(snapshot.server_license, now))
        findings += exemption_findings(snapshot, policy, now)
    license_ = snapshot.server_license if snapshot else None
    numbers = dict(known.license_numbers)
    if license_ is not None and license_.number is not None:
        numbers[settings.name] = license_.number
    findings += sharing_findings(policy, license_, _same_number(settings.name, numbers))
    findings.append(mode_finding(policy))
    runs = runs_of(settings, known, now)
    findings += schedule_findings(settings, runs)
    findings.append(_lease(known.holders.get(settings.name)))
    return SiteFindings(settings.name, general, findings, runs)


def _file_findings(settings: SiteSettings, loaded: Loaded, now: datetime) -> Iterator[Finding]:
    yield from certificate_findings(settings.qrs, now)
    place = f"sites[{[s.name for s in loaded.settings.sites].index(settings.name)}]"
    for text in loaded.warnings:
        if text.startswith(place):
            yield _warned(Area.CERTIFICATES, text)


async def _reach(
    opened: OpenSite, now: datetime, large: int | None
) -> tuple[list[Finding], Snapshot | None]:
    """Connect, then read everything once: only that proves that a plan could be made."""
    url, who = opened.settings.qrs.url, opened.settings.qrs.user
    try:
        await opened.site.reader.overview()
        users = 0 if large is None else await opened.site.reader.count_users()
    except Refused as error:
        cure = f"check that {who} exists on the site and may read its license and users"
        answers = ok(Area.CONNECTION, f"{url} answers, the certificates are accepted")
        return [answers, failed(Area.RIGHTS, f"{who} is refused: {error}", cure)], None
    except QrsError as error:
        cure = "correct sites[].qrs or the way to the site, then check again"
        return [failed(Area.CONNECTION, str(error), cure)], None
    found = [ok(Area.CONNECTION, f"{url} answers as {who} over verified TLS")]
    if large is not None and users >= large:
        too_many = f"{users} users: read whole by each monitoring cycle, and by `seatkeeper check`"
        return [*found, ok(Area.RIGHTS, too_many)], None
    try:
        return found, await collect(opened.site.name, opened.site.reader, now)
    except (QrsError, IncompleteRead) as error:
        cure = f"check what {who} may read, and the site's health"
        found.append(failed(Area.RIGHTS, f"the site cannot be read whole: {error}", cure))
        return found, None


def _same_number(site: str, numbers: dict[str, str]) -> list[str]:
    own = numbers.get(site)
    return (
        [] if own is None else [n for n, number in numbers.items() if number == own and n != site]
    )


def mode_finding(policy: Policy) -> Finding:
    """Say how far Seatkeeper may go, and who looked at the agreement."""
    seen = policy.agreement
    looked = f"the agreement was looked at by {seen.by} on {seen.on}" if seen else ""
    if policy.mode is Mode.OBSERVE:
        more = f"; {looked}" if looked else "; nobody looked at the Qlik agreement yet"
        return ok(Area.MODE, f"observe: nothing is ever released{more}")
    does = {
        Mode.APPROVE: "a person approves each plan",
        Mode.AUTO: "plans that break no limit are released by themselves",
    }
    return ok(Area.MODE, f"{policy.mode.value}: {does[policy.mode]}; {looked}")


def runs_of(settings: SiteSettings, known: Known, now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Return the next five runs (UTC) of each job of a site."""
    jobs = {"monitor": settings.schedule.monitor, "release": settings.schedule.release}
    return {
        kind: next_runs(schedule, known.last_runs.get((settings.name, kind)), now, settings.zone)
        for kind, schedule in jobs.items()
    }


def schedule_findings(
    settings: SiteSettings, runs: dict[str, tuple[datetime, ...]]
) -> Iterator[Finding]:
    """Show the next runs as the clocks of the site's time zone will."""
    texts = {"monitor": settings.schedule.monitor, "release": settings.schedule.release}
    for kind, times in runs.items():
        shown = ", ".join(in_zone(at, settings.zone) for at in times)
        yield ok(
            Area.SCHEDULE,
            f"{kind} ({texts[kind].text}), {settings.zone.key}: {shown}",
        )


def in_zone(at: datetime, zone: tzinfo) -> str:
    """Write a moment as people of that time zone read it."""
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def _lease(holder: Holder | None) -> Finding:
    return ok(Area.LEASE, f"held by {holder.words}" if holder else "nobody holds the site now")


def store_failed(shown: str, error: SeatkeeperError) -> Finding:
    """Report a store that cannot be used; `shown` is its address without secrets."""
    cure = f"check store.url ({shown}), that the database runs and its rights"
    return failed(Area.STORE, str(error), cure)
