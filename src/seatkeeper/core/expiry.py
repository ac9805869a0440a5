"""Exemptions that have ended or are about to end, said before somebody loses a seat by it."""

from __future__ import annotations

from datetime import datetime, timedelta

from seatkeeper.core.plan import Notice
from seatkeeper.core.policy import Exemption, Policy

WARN_AHEAD = timedelta(days=14)


def expiry_warnings(policy: Policy, now: datetime) -> tuple[Notice, ...]:
    """Return a warning for each exemption that has ended or ends within 14 days, soonest first."""
    ending = [
        (e.expires, e.text, e)
        for e in policy.exemptions
        if e.expires is not None and e.expires <= now + WARN_AHEAD
    ]
    ending.sort(key=lambda one: one[:2])  # two may differ in nothing but their owner
    return tuple(_notice(exemption, end, now) for end, _, exemption in ending)


def _notice(exemption: Exemption, end: datetime, now: datetime) -> Notice:
    who = f" ({exemption.owner})" if exemption.owner else ""
    when = f"{end:%Y-%m-%d %H:%M} UTC"
    if end <= now:
        return Notice(
            code="exemption_expired",
            message=f"The exemption {exemption.text}{who} ended at {when} and protects nobody any"
            " more. Give it a later date or take it out.",
        )
    days = -((now - end) // timedelta(days=1))
    left = "1 day" if days == 1 else f"{days} days"
    return Notice(
        code="exemption_expires_soon",
        message=f"The exemption {exemption.text}{who} ends in {left}, at {when}; from then on"
        " its users can lose their seats. Give it a later date if they still need it.",
    )
