"""What Butler tells of the server license, so that whoever listens to Butler can listen to us.

Source: the names are those of Butler 13 (`qlikSenseServerLicenseMonitor`). Unlike Butler we count
days below zero after the end, and tell no end that is not known.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from seatkeeper.core.channel import ButlerSends
from seatkeeper.core.outbox import OutboxEntry
from seatkeeper.core.summary import LicenseState, LicenseSummary, Summary

KIND = "butler"


class ButlerEventName(StrEnum):
    """The events, in Butler's words."""

    STATUS = "server license status"
    EXPIRED = "server license has expired alert"
    EXPIRING = "server license about to expire alert"


class ButlerEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event: `event`, `licenseExpired`, `expiryDateStr`, `daysUntilExpiry` in JSON."""

    event: ButlerEventName
    license_expired: bool
    expiry_date_str: str | None
    days_until_expiry: int | None


_DECODER = msgspec.json.Decoder(ButlerEvent)


def event_to_bytes(event: ButlerEvent) -> bytes:
    """Return the event as JSON, with Butler's names."""
    return msgspec.json.encode(event)


def event_from_bytes(body: bytes) -> ButlerEvent:
    """Read an event back; raises msgspec.ValidationError on anything else."""
    return _DECODER.decode(body)


def event_of(server_license: LicenseSummary, name: ButlerEventName) -> ButlerEvent:
    """Return an event on what is known of a license."""
    valid_to = server_license.valid_to
    return ButlerEvent(
        event=name,
        license_expired=server_license.state is LicenseState.EXPIRED,
        expiry_date_str=None if valid_to is None else valid_to.isoformat(),
        days_until_expiry=server_license.days_left,
    )


def events_of(
    server_license: LicenseSummary, threshold_days: int, sends: ButlerSends
) -> list[ButlerEvent]:
    """Return what is to be told of a license: its state, then that it has ended or ends soon."""
    names = [ButlerEventName.STATUS] if sends.status else []
    days = server_license.days_left
    if server_license.state is LicenseState.EXPIRED:
        names += [ButlerEventName.EXPIRED] if sends.alerts else []
    elif days is not None and days <= threshold_days:
        names += [ButlerEventName.EXPIRING] if sends.alerts else []
    return [event_of(server_license, name) for name in names]


def is_due(at: datetime, before: datetime | None, every: timedelta) -> bool:
    """Whether a period of `every` began since the last telling."""
    return before is None or at.timestamp() // every.total_seconds() > (
        before.timestamp() // every.total_seconds()
    )


def entries_of(summary: Summary, threshold_days: int, sends: ButlerSends) -> list[OutboxEntry]:
    """Return the events of a reading as entries of the outbox."""
    return [
        OutboxEntry(
            KIND,
            event_to_bytes(event),
            f"{summary.site} {event.event.value} {summary.at.isoformat()}",
            summary.at,
        )
        for event in events_of(summary.license, threshold_days, sends)
    ]
