from __future__ import annotations

from builders import a_user, an_exemption, days_ago
from seatkeeper.core.exemptions import carriers
from seatkeeper.core.policy import ExemptionKind
from seatkeeper.core.reach import reach_of
from worlds import world_of


def test_reach_is_what_each_exemption_protects_alone() -> None:
    for seed in range(300):
        world = world_of(seed)
        users = list(world.snapshot.users.values())

        for exemption, found in reach_of(world.policy.exemptions, users):
            alone = sorted(u.id for u in carriers(exemption, users))
            assert sorted(u.id for u in found) == alone, (seed, exemption)


def test_an_expired_exemption_reaches_as_before() -> None:
    user = a_user(tags=("Keep",))
    ended = an_exemption(ExemptionKind.TAG, "KEEP", expires=days_ago(9))

    assert reach_of([ended], [user]) == [(ended, [user])]


def test_a_user_who_carries_a_text_twice_is_counted_once() -> None:
    user = a_user(groups=("Sales", "sales"))

    assert reach_of([an_exemption(ExemptionKind.GROUP, "sales")], [user])[0][1] == [user]
