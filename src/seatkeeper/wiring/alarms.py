"""What judges alerts, from the settings: rules, routes, certificates, how often a site is read."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from seatkeeper.core.alert_facts import Certificate
from seatkeeper.core.schedule import next_runs
from seatkeeper.errors import ConfigError
from seatkeeper.flow.alarm import Alarm, AlertChannel
from seatkeeper.settings import Settings, SiteSettings
from seatkeeper.store import Store
from seatkeeper.wiring.costing import Costs
from seatkeeper.wiring.telling import targets_of

_LOOKED_AHEAD = 8
"""Runs of a schedule of which the longest gap is taken."""


def alarm_of(settings: Settings, store: Store) -> Alarm:
    """Return what judges the sites of a configuration and leaves messages in the outbox."""
    alerts = settings.alerts
    sites = {site.name: site for site in settings.sites}

    def certificates(site: str) -> tuple[Certificate, ...]:
        return tuple(_certificates(sites[site])) if site in sites else ()

    def period(site: str, now: datetime) -> timedelta | None:
        return period_of(sites[site], now) if site in sites else None

    return Alarm(
        rules=alerts.to_rules(),
        channels=tuple(
            AlertChannel(one.name, forgets=one.kind.forgets)
            for one in alerts.channels
            if one.kind.takes_alerts
        ),
        alerts=store.alerts,
        runbooks=alerts.runbooks,
        period=period,
        certificates=certificates,
        spend=Costs(store, settings).spend,
        targets=frozenset(targets_of(settings)),
        routes=alerts.routes(),
    )


def _certificates(site: SiteSettings) -> Iterator[Certificate]:
    """Yield what the files hold; one that cannot be read makes the readings fail, which tells."""
    for role, path in (("client certificate", site.qrs.cert_file), ("authority", site.qrs.ca_file)):
        try:
            changed = path.stat().st_mtime_ns
            yield Certificate(f"{role} {path.name}", _ends(path, changed))
        except (OSError, ConfigError):
            continue


@functools.lru_cache(maxsize=1024)
def _ends(path: Path, _changed: int) -> datetime:
    """Return when a certificate ends; read again only when its file was changed."""
    from seatkeeper.qrs.certificates import describe  # noqa: PLC0415 - 8 MiB that few need

    return describe(path).not_after


def period_of(site: SiteSettings, now: datetime) -> timedelta:
    """Return the longest time between two readings that the schedule plans."""
    schedule = site.schedule
    if schedule.monitor.every is not None:
        return schedule.monitor.every
    runs = next_runs(schedule.monitor, None, now, site.zone, _LOOKED_AHEAD)
    return max(later - run for run, later in itertools.pairwise(runs))
