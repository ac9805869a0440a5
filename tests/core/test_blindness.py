r"""Design rule 17: an exemption that matches nobody is said aloud, with the nearest spelling."""

from __future__ import annotations

from collections.abc import Iterable
from time import process_time

import pytest

from builders import NOW, a_policy, a_user, an_exemption, days_ago
from seatkeeper.core.blindness import blind_exemptions
from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind

KIND = ExemptionKind
ANNA = a_user(
    r"Example\Anna.Berg",
    tags=("License Do Not Release",),
    properties=(("LicenseManage", "Do-Not-Release"),),
    groups=("BI-Admins",),
)
UNTOLD = a_user(r"OTHER\bo", tags=None, properties=None, groups=None)


def blind(*exemptions: Exemption, users: Iterable[User] = (ANNA, UNTOLD)) -> list[str]:
    """Return what is said of exemptions that match none of the users."""
    found = blind_exemptions(a_policy(*exemptions), {u.id: u for u in users}, NOW)
    return [sentence for _, sentence in found]


@pytest.mark.parametrize(
    "exemption",
    [
        an_exemption(KIND.USER, r" EXAMPLE\ANNA.BERG "),
        an_exemption(KIND.USER_DIRECTORY, " eXAMPLE "),
        an_exemption(KIND.TAG, " license do not release "),
        an_exemption(KIND.CUSTOM_PROPERTY, " LICENSEMANAGE ", " do-not-release "),
        an_exemption(KIND.GROUP, " bi-admins "),
        an_exemption(KIND.PATTERN, r"example\a*"),
    ],
    ids=lambda e: e.kind.value,
)
def test_an_exemption_that_matches_somebody_in_any_case_is_not_blind(exemption: Exemption) -> None:
    assert blind(exemption) == []


@pytest.mark.parametrize(
    ("exemption", "sentence"),
    [
        (an_exemption(KIND.USER, r"EXAMPLE\zoe"), r"user EXAMPLE\zoe"),
        (an_exemption(KIND.USER_DIRECTORY, "NOWHERE"), "user directory NOWHERE"),
        (an_exemption(KIND.TAG, "nothing"), "tag nothing"),
        (an_exemption(KIND.CUSTOM_PROPERTY, "Foo", "Bar"), "custom property Foo=Bar"),
        (an_exemption(KIND.GROUP, "nobody"), "group nobody"),
        (an_exemption(KIND.PATTERN, r"NOWHERE\*"), r"pattern NOWHERE\*"),
    ],
    ids=lambda e: e.kind.value if isinstance(e, Exemption) else "",
)
def test_an_exemption_that_matches_nobody_is_named(exemption: Exemption, sentence: str) -> None:
    assert blind(exemption) == [f"no user matches the exemption by {sentence}"]


@pytest.mark.parametrize(
    ("exemption", "hint"),
    [
        (an_exemption(KIND.USER, r"EXAMPLE\ana.berg"), r"Example\Anna.Berg"),
        (an_exemption(KIND.USER, r"EXAMPLE\anna.bergg"), r"Example\Anna.Berg"),
        (an_exemption(KIND.USER, r"EXAMPLE\anan.berg"), r"Example\Anna.Berg"),
        (an_exemption(KIND.USER, r"EXAMPLE\anna-berg"), r"Example\Anna.Berg"),
        (an_exemption(KIND.USER, r"RXAMPLE\anna.berg"), r"Example\Anna.Berg"),
        (an_exemption(KIND.USER_DIRECTORY, "EXAMPEL"), "Example"),
        (an_exemption(KIND.TAG, "Licence Do Not Release"), "License Do Not Release"),
        (an_exemption(KIND.TAG, "Licence Don't Release"), "License Do Not Release"),
        (
            an_exemption(KIND.CUSTOM_PROPERTY, "LicenceManage", "do-not-release"),
            "LicenseManage=Do-Not-Release",
        ),
        (an_exemption(KIND.GROUP, "bi_admins"), "BI-Admins"),
        (an_exemption(KIND.PATTERN, r"EXAMPL\anna.berg"), r"Example\Anna.Berg"),
    ],
    ids=lambda e: e.match if isinstance(e, Exemption) else "",
)
def test_the_nearest_spelling_is_offered(exemption: Exemption, hint: str) -> None:
    (sentence,) = blind(exemption)

    assert sentence.endswith(f"; did you mean {hint}?")


def test_name_and_value_of_a_property_must_be_carried_together() -> None:
    user = a_user(properties=(("License", "take"), ("Team", "keep")))

    assert len(blind(an_exemption(KIND.CUSTOM_PROPERTY, "License", "keep"), users=[user])) == 1


def test_users_who_tell_nothing_carry_nothing() -> None:
    assert len(blind(an_exemption(KIND.TAG, "License Do Not Release"), users=[UNTOLD])) == 1


def test_an_expired_exemption_and_one_that_may_be_empty_are_not_blind() -> None:
    expired = an_exemption(KIND.TAG, "nothing", expires=NOW)
    accepted = an_exemption(KIND.TAG, "nothing", allow_empty=True)
    ending = an_exemption(KIND.TAG, "nothing", expires=days_ago(-1))

    assert blind(expired) == []
    assert blind(accepted) == []
    assert len(blind(ending)) == 1


def test_a_site_without_users_makes_every_exemption_blind() -> None:
    assert len(blind(an_exemption(KIND.USER_DIRECTORY, "EXAMPLE"), users=[])) == 1


def test_the_order_of_users_does_not_change_the_spelling_offered() -> None:
    users = [a_user(r"X\a", tags=("KEEP",)), a_user(r"X\b", tags=("Keep",))]
    exemption = an_exemption(KIND.TAG, "kep")

    assert blind(exemption, users=users) == blind(exemption, users=users[::-1])
    assert blind(exemption, users=users)[0].endswith("did you mean KEEP?")


def test_a_near_spelling_is_found_quickly_among_many_users() -> None:
    users = [a_user(rf"EXAMPLE\first.last{n}") for n in range(20_000)]
    wrong = an_exemption(KIND.USER, r"EXAMPLE\fist.last19999")
    hopeless = an_exemption(KIND.USER, r"EXAMPLE\something")
    began = process_time()

    sentences = blind(wrong, hopeless, users=users)

    assert sentences[0].endswith(r"did you mean EXAMPLE\first.last19999?")
    assert process_time() - began < 5
