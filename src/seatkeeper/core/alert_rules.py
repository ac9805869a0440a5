"""Every kind of alert rule, in the order in which people read of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from seatkeeper.core.alert_compliance import (
    AboveEntitlement,
    BothTypes,
    Churn,
    CountsDisagree,
    ExcessUsers,
    SeatsOfGoneUsers,
)
from seatkeeper.core.alert_facts import Windows
from seatkeeper.core.alert_health import (
    BlockedPlan,
    CertificateExpiring,
    ChannelFailing,
    CycleLate,
    OutboxGrowing,
    ReleaseFailures,
    SiteUnreachable,
    StaleData,
)
from seatkeeper.core.alert_license import LicenseExpiry, LicenseRefused, LicenseUnclear
from seatkeeper.core.alert_pools import (
    CapacityAhead,
    HighUtilization,
    LowAvailability,
    OverBudget,
    PoolEmptySoon,
)
from seatkeeper.core.alert_rule import About, Rule, RuleKind

KINDS: tuple[type[RuleKind], ...] = (
    LowAvailability,
    HighUtilization,
    PoolEmptySoon,
    CapacityAhead,
    OverBudget,
    ExcessUsers,
    BothTypes,
    SeatsOfGoneUsers,
    AboveEntitlement,
    Churn,
    CountsDisagree,
    LicenseExpiry,
    LicenseUnclear,
    LicenseRefused,
    ReleaseFailures,
    BlockedPlan,
    StaleData,
    CycleLate,
    SiteUnreachable,
    CertificateExpiring,
    OutboxGrowing,
    ChannelFailing,
)

ABOUT: dict[str, About] = {kind.about.name: kind.about for kind in KINDS}


def default_rules() -> tuple[Rule, ...]:
    """Return every rule as it is where the configuration says nothing."""
    return tuple(Rule.of(kind()) for kind in KINDS)


def windows_of(rules: Iterable[Rule]) -> Windows:
    """Return how far back these rules look."""
    windows = Windows()
    for rule in rules:
        match rule.kind:
            case PoolEmptySoon(trend_days=days):
                windows = replace(windows, trend_days=days)
            case ReleaseFailures(within=within):
                windows = replace(windows, failures=within)
            case Churn(within=within, more_than=times):
                windows = replace(windows, churn=within, churn_times=times)
    return windows
