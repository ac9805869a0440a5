r"""Butler's exclusion options as a truth table, with Butler's meaning (design rules 6 and 7).

The table is written from Butler's documented behaviour: a user, directory, tag or custom property
that is listed is never released; `yes` protects users who have a mark, `no` users who have it
not, `ignore` looks away. Ours differs in one point on purpose: letters match in any case.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from builders import a_policy, a_snapshot, a_user, an_allocation, an_exemption, verdict_on
from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule
from seatkeeper.core.rules import Reason

LISTED = {
    "user": an_exemption(ExemptionKind.USER, r"CORP\anna"),
    "user_directory": an_exemption(ExemptionKind.USER_DIRECTORY, "CORP"),
    "tag": an_exemption(ExemptionKind.TAG, "Keep"),
    "custom_property": an_exemption(ExemptionKind.CUSTOM_PROPERTY, "License", "Keep"),
}
SHOUTED = {
    "user": an_exemption(ExemptionKind.USER, r"corp\ANNA"),
    "user_directory": an_exemption(ExemptionKind.USER_DIRECTORY, "Corp"),
    "tag": an_exemption(ExemptionKind.TAG, "KEEP"),
    "custom_property": an_exemption(ExemptionKind.CUSTOM_PROPERTY, "LICENSE", "keep"),
}
LISTS = tuple(LISTED)
MARKS = ("inactive", "blocked", "removed_externally")

PROTECTS = {
    (MarkRule.YES, True): True,
    (MarkRule.YES, False): False,
    (MarkRule.NO, True): False,
    (MarkRule.NO, False): True,
    (MarkRule.IGNORE, True): False,
    (MarkRule.IGNORE, False): False,
}
"""Butler's meaning of one option for one mark."""


def is_kept(user: User, *exemptions: Exemption, **rules: Any) -> bool:
    """Judge a seat that would go if nothing protected its user."""
    seat = an_allocation(user.label, user_id=user.id)
    verdict = verdict_on(
        seat, replace(a_policy(*exemptions), **rules), among=a_snapshot([seat], [user])
    )
    assert verdict.reason in (Reason.EXEMPT, Reason.NEVER_USED)
    return verdict.reason is Reason.EXEMPT


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(("rule", "marked"), list(PROTECTS))
def test_one_mark_and_one_option(mark: str, rule: MarkRule, *, marked: bool) -> None:
    user = a_user(r"CORP\anna", **{mark: marked})

    assert is_kept(user, **{mark: rule}) is PROTECTS[rule, marked]


def test_all_marks_and_all_options_together() -> None:
    """8 combinations of marks times 27 of options: one that protects is enough."""
    for marked in product((False, True), repeat=3):
        user = a_user(r"CORP\anna", **dict(zip(MARKS, marked, strict=True)))
        for rules in product(MarkRule, repeat=3):
            expected = any(PROTECTS[pair] for pair in zip(rules, marked, strict=True))

            assert is_kept(user, **dict(zip(MARKS, rules, strict=True))) is expected


def carrier(*, user: bool, user_directory: bool, tag: bool, custom_property: bool) -> User:
    """Return somebody who is in just these lists."""
    name = ("CORP\\" if user_directory else "OTHER\\") + ("anna" if user else "bo")
    return a_user(
        name,
        tags=("Keep", "x") if tag else ("x",),
        properties=(("License", "Keep"),) if custom_property else (("License", "Take"),),
    )


@pytest.mark.parametrize("exemptions", [LISTED, SHOUTED], ids=["same case", "other case"])
@pytest.mark.parametrize("used", list(product((False, True), repeat=4)))
def test_all_lists_and_all_carriers(
    used: tuple[bool, ...], exemptions: dict[str, Exemption]
) -> None:
    """16 combinations of lists that are in use, times 16 of what the user is or carries."""
    in_use = [name for name, on in zip(LISTS, used, strict=True) if on]
    for carries in product((False, True), repeat=4):
        has = dict(zip(LISTS, carries, strict=True))
        user = carrier(**has)
        full_name = has["user"] and has["user_directory"]
        expected = any(full_name if name == "user" else has[name] for name in in_use)

        assert is_kept(user, *(exemptions[name] for name in in_use)) is expected


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("rule", "marked"), list(PROTECTS))
def test_a_list_and_a_mark_protect_each_on_its_own(
    name: str, rule: MarkRule, *, marked: bool
) -> None:
    everything = dict.fromkeys(LISTS, True)
    listed = changed_mark(carrier(**everything), marked=marked)
    unlisted = changed_mark(carrier(**dict.fromkeys(LISTS, False)), marked=marked)

    assert is_kept(listed, LISTED[name], blocked=rule)
    assert is_kept(unlisted, LISTED[name], blocked=rule) is PROTECTS[rule, marked]


def changed_mark(user: User, *, marked: bool) -> User:
    """Return the user blocked or not."""
    return a_user(
        user.label, id=user.id, tags=user.tags, properties=user.properties, blocked=marked
    )


@pytest.mark.parametrize("name", LISTS)
def test_letters_match_in_any_case(name: str) -> None:
    """Butler compares with `===`: its defect 7."""
    user = a_user(r"cOrP\aNNa", tags=("kEEP",), properties=(("lICENSE", "kEEP"),))

    assert is_kept(user, LISTED[name])
    assert is_kept(user, SHOUTED[name])
