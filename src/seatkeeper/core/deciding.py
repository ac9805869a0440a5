"""Which rule gave a verdict, named as people find it: a key of the configuration, or a fact.

Every verdict has exactly one; none is "other".
"""

from __future__ import annotations

from dataclasses import dataclass

from seatkeeper.core.durations import format_duration
from seatkeeper.core.model import Allocation
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule, Policy
from seatkeeper.core.rules import Reason, Verdict

MARKS = ("inactive", "blocked", "removed_externally")

KEYS = {
    ExemptionKind.USER: "users",
    ExemptionKind.USER_DIRECTORY: "user_directories",
    ExemptionKind.TAG: "tags",
    ExemptionKind.CUSTOM_PROPERTY: "custom_properties",
    ExemptionKind.GROUP: "groups",
    ExemptionKind.PATTERN: "patterns",
}
"""Where exemptions of each kind stand in `policy.never_release`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that decided: `key` names it to programs, `words` to people."""

    key: str
    words: str


def deciding_rule(verdict: Verdict, seat: Allocation, policy: Policy) -> Rule:
    """Name the rule behind a verdict that this policy gave on this seat."""
    if verdict.reason is Reason.EXEMPT:
        return _protecting(verdict)
    if verdict.reason in _FACTS:
        return Rule(*_FACTS[verdict.reason])
    if verdict.reason is Reason.UNCLEAR:
        return Rule("doubt", f"doubt keeps a seat: {verdict.note}")
    part = f"policy.{seat.license_type.value}"
    if verdict.reason is Reason.TYPE_DISABLED:
        return Rule(f"{part}.enabled", f"{part}.enabled is false")
    if verdict.reason is Reason.NEW_SEAT:
        grace = format_duration(policy.new_seat_grace)
        return Rule("policy.new_seat_grace", f"policy.new_seat_grace is {grace}")
    if verdict.reason is Reason.NEVER_USED:
        grace = format_duration(policy.new_seat_grace)
        return Rule(
            "policy.new_seat_grace",
            f"never used, and older than policy.new_seat_grace, {grace}",
        )
    after = format_duration(policy.of(seat.license_type).release_after)
    return Rule(f"{part}.release_after", f"{part}.release_after is {after}")


_FACTS = {
    Reason.QUARANTINED: ("quarantine", "a seat in quarantine is released already"),
    Reason.EXCESS: ("excess", "a seat above what the license grants is never released"),
    Reason.DELETED_USER: ("deleted_user", "a seat whose user was deleted is never released"),
}


def _protecting(verdict: Verdict) -> Rule:
    if verdict.exemption is not None:
        key = f"policy.never_release.{KEYS[verdict.exemption.kind]}"
        return Rule(key, f"{key} has {exemption_words(verdict.exemption)}")
    mark, _, rule = verdict.note.partition(": ")
    if mark in MARKS and rule in set(MarkRule):
        key = f"policy.never_release.{mark}"
        return Rule(key, f"{key} is {rule}")
    return Rule("policy.built_in_protection", f"policy.built_in_protection: {verdict.note}")


def exemption_words(exemption: Exemption) -> str:
    """Write an exemption with its owner, reason and end, as far as it says them."""
    what = f"{exemption.match}={exemption.value}" if exemption.value else exemption.match
    more = [
        f"owner {exemption.owner}" if exemption.owner else "",
        exemption.reason,
        f"until {exemption.expires:%Y-%m-%d %H:%M} UTC" if exemption.expires else "",
    ]
    said = ", ".join(filter(None, more))
    return f"'{what}' ({said})" if said else f"'{what}'"
