"""Rules on the license of the server: it ends, it is not accepted, nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from seatkeeper.core.alert_facts import Known
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rule import About, Needs, Reading, Status, Unit, Value, counted, setting
from seatkeeper.core.summary import LicenseState, LicenseSummary

_REFUSED = {
    LicenseState.DENYLISTED: "the license of the server is on the deny list",
    LicenseState.INVALID: "the license of the server is invalid",
    LicenseState.NONE: "no license is installed",
}


@dataclass(frozen=True, slots=True)
class LicenseExpiry:
    """The license of the server ends soon, or has ended."""

    about: ClassVar[About] = About(
        name="license_expiry",
        title="Server license expires",
        means="the license of the server ends within 90, 60, 30, 7 days, each told once, or has"
        " ended; critical at the last of these steps",
        todo="Renew the license with Qlik and install it in the QMC before its last day.",
        needs=Needs.READING,
        repeat=timedelta(days=7),
    )
    days: tuple[int, ...] = setting(
        (90, 60, 30, 7),
        Unit.DAYS_LIST,
        "Told when so many days, or fewer, are left; longest first.",
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the days left; where nobody can tell them, what was said of it goes on."""
        license_ = _license(known)
        if license_ is None:
            return
        left = license_.days_left
        step = self._step(license_)
        values: dict[str, Value] = {} if left is None else {"days_left": left}
        if license_.valid_to is not None:
            values["valid_to"] = license_.valid_to.isoformat()
        yield Reading(
            "",
            Status.of(bad=step > 0, fine=license_.days_left is not None),
            _says(license_),
            values,
            step=max(step, 1),
            severity=Severity.CRITICAL if step >= len(self.days) else None,
        )

    def _step(self, license_: LicenseSummary) -> int:
        """Return how many thresholds are reached, one more when it has ended."""
        if license_.state is LicenseState.EXPIRED:
            return len(self.days) + 1
        left = license_.days_left
        return 0 if left is None else sum(left <= limit for limit in self.days)


def _says(license_: LicenseSummary) -> str:
    last = "" if license_.valid_to is None else f"; its last day is {license_.valid_to}"
    if license_.state is LicenseState.EXPIRED:
        return f"the license of the server has expired{last}"
    if license_.days_left is None:
        return "how long the license of the server runs cannot be told now"
    left = counted(license_.days_left, "day")
    return f"the license of the server ends in {left}{last}"


@dataclass(frozen=True, slots=True)
class LicenseUnclear:
    """How long the license runs cannot be told."""

    about: ClassVar[About] = About(
        name="license_unclear",
        title="Server license cannot be read",
        means="for a day the site did not say in a readable way how long its license runs",
        todo="Look at the license in the QMC, and note its last day elsewhere.",
        needs=Needs.READING,
        severity=Severity.INFO,
        hold=timedelta(hours=24),
        repeat=timedelta(days=90),
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge whether the end can be told."""
        license_ = _license(known)
        if license_ is not None:
            unclear = license_.state is LicenseState.CANNOT_TELL
            said = "cannot be told" if unclear else "can be told"
            yield Reading(
                "",
                Status.BAD if unclear else Status.FINE,
                f"how long the license of the server runs {said}",
                {"state": license_.state.value},
            )


@dataclass(frozen=True, slots=True)
class LicenseRefused:
    """The license of the server is denylisted, invalid or missing."""

    about: ClassVar[About] = About(
        name="license_refused",
        title="Server license not accepted",
        means="the license of the server is on the deny list, invalid, or not there",
        todo="Open the license page of the QMC and install the license again.",
        needs=Needs.READING,
        severity=Severity.CRITICAL,
        repeat=timedelta(hours=12),
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the state of the license."""
        license_ = _license(known)
        if license_ is None:
            return
        unclear = license_.state is LicenseState.CANNOT_TELL and not license_.accepted
        fine = "whether the license of the server is accepted cannot be told now"
        fine = fine if unclear else "the license of the server is accepted"
        yield Reading(
            "",
            Status.of(bad=license_.state in _REFUSED, fine=not unclear),
            _REFUSED.get(license_.state, fine),
            {"state": license_.state.value},
        )


def _license(known: Known) -> LicenseSummary | None:
    return known.summary.license if known.summary else None
