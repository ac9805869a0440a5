from __future__ import annotations

from datetime import UTC, datetime, timedelta

from seatkeeper.core.expiry import expiry_warnings
from seatkeeper.core.policy import Exemption, ExemptionKind, Policy

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)


def ending(after: timedelta | None, match: str = "keep", owner: str = "") -> Exemption:
    expires = None if after is None else NOW + after
    return Exemption(kind=ExemptionKind.TAG, match=match, owner=owner, expires=expires)


def codes(*exemptions: Exemption) -> list[str]:
    return [n.code for n in expiry_warnings(Policy(exemptions=exemptions), NOW)]


def test_an_exemption_that_ends_later_or_never_is_not_mentioned() -> None:
    assert codes(ending(None), ending(timedelta(days=14, seconds=1))) == []


def test_an_exemption_is_announced_fourteen_days_before_its_end() -> None:
    assert codes(ending(timedelta(days=14))) == ["exemption_expires_soon"]


def test_an_exemption_is_over_at_the_moment_it_ends() -> None:
    assert codes(ending(timedelta(0))) == ["exemption_expired"]


def test_the_soonest_end_comes_first() -> None:
    policy = Policy(exemptions=(ending(timedelta(days=9), "late"), ending(-timedelta(1), "over")))

    first, second = expiry_warnings(policy, NOW)

    assert "tag over" in first.message
    assert "tag late" in second.message


def test_the_warning_says_who_answers_when_and_what_to_do() -> None:
    [notice] = expiry_warnings(Policy(exemptions=(ending(timedelta(hours=30), owner="HR"),)), NOW)

    assert notice.message == (
        "The exemption tag keep (HR) ends in 2 days, at 2026-06-11 18:00 UTC; from then on its"
        " users can lose their seats. Give it a later date if they still need it."
    )
