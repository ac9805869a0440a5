from __future__ import annotations

from datetime import timedelta

import pytest

from seatkeeper.core.plan import Limit
from seatkeeper.core.record import Kind, Override
from seatkeeper.errors import UsageError
from seatkeeper.store import Store
from seatkeeper.store.control import note_override
from seatkeeper.store.recording import recording
from stored import JANE, NOW, a_freeze, an_override, later


async def kinds(store: Store) -> list[Kind]:
    return [r.kind for r in await store.ledger.show()]


async def pass_limit(store: Store, override: Override) -> None:
    """Keep an override, as the step that approves a plan does."""
    with recording(store.control._db) as record:
        note_override(record, override, JANE)


async def test_nothing_is_frozen_at_first(store: Store) -> None:
    assert await store.control.frozen(NOW) is None


async def test_a_freeze_holds_until_it_is_thawed(store: Store) -> None:
    await store.control.freeze(JANE, "audit", NOW)

    assert await store.control.frozen(later(1000)) == a_freeze()
    assert await store.control.thaw(JANE, "audit over", later(1)) == a_freeze()

    assert await store.control.frozen(later(1)) is None
    assert await kinds(store) == [Kind.FROZEN, Kind.THAWED]


async def test_a_freeze_with_an_end_ends_by_itself(store: Store) -> None:
    await store.control.freeze(JANE, "audit", NOW, later(2))

    assert await store.control.frozen(later(1)) == a_freeze(until=later(2))
    assert await store.control.frozen(later(2)) is None
    with pytest.raises(UsageError, match="nothing is frozen"):
        await store.control.thaw(JANE, "over", later(3))


async def test_a_shorter_freeze_takes_no_time_off_the_one_that_holds(store: Store) -> None:
    await store.control.freeze(JANE, "audit", NOW, later(9))

    with pytest.raises(UsageError, match="thaw"):
        await store.control.freeze(JANE, "lunch", NOW, later(8))
    await store.control.freeze(JANE, "longer audit", NOW)
    with pytest.raises(UsageError, match="until a thaw"):
        await store.control.freeze(JANE, "lunch", NOW, later(99))

    assert (await store.control.frozen(later(1000))) is not None


async def test_a_newer_freeze_replaces_the_older(store: Store) -> None:
    await store.control.freeze(JANE, "audit", NOW, later(2))
    await store.control.freeze(JANE, "longer audit", later(1))

    frozen = await store.control.frozen(later(3))

    assert frozen is not None
    assert frozen.reason == "longer audit"


async def test_thawing_what_is_not_frozen_is_a_usage_error_without_a_record(store: Store) -> None:
    with pytest.raises(UsageError, match="nothing is frozen"):
        await store.control.thaw(JANE, "why not", NOW)

    assert await kinds(store) == []


async def test_a_freeze_that_is_over_already_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="over already"):
        await store.control.freeze(JANE, "audit", NOW, NOW)


async def test_an_override_holds_for_its_site_and_policy_until_it_ends(store: Store) -> None:
    override = an_override()
    await pass_limit(store, override)

    async def found(site: str, policy: str, after: timedelta) -> list[Override]:
        return await store.control.overrides(site, policy, NOW + after)

    assert await found("prod", "policy-1", timedelta(days=29)) == [override]
    assert await found("prod", "policy-1", timedelta(days=30)) == []
    assert await found("prod", "policy-2", timedelta()) == []
    assert await found("test", "policy-1", timedelta()) == []


async def test_an_override_for_one_plan_holds_for_no_other(store: Store) -> None:
    override = an_override(plan_id="plan-7")
    await pass_limit(store, override)

    of_plan = await store.control.overrides("prod", "policy-1", NOW, "plan-7")
    of_other = await store.control.overrides("prod", "policy-1", NOW, "plan-8")
    in_general = await store.control.overrides("prod", "policy-1", NOW)

    assert (of_plan, of_other, in_general) == ([override], [], [])


async def test_an_override_is_in_the_ledger_with_limit_end_and_reason(store: Store) -> None:
    await pass_limit(store, an_override(Limit.GROWN))

    (record,) = await store.ledger.show()

    assert (record.kind, record.why, record.by) == (
        Kind.LIMIT_OVERRIDDEN,
        "looked at it",
        "Jane Doe",
    )
    assert record.evidence["limit"] == "grown"
    assert record.evidence["until"].startswith("2026-12-02")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"limit": Limit.PAUSE}, "cannot be overridden"),
        ({"until": NOW + timedelta(days=91)}, "90 days at most"),
        ({"until": NOW}, "for some time"),
    ],
)
async def test_an_impossible_override_is_refused(
    store: Store, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        await pass_limit(store, an_override(**changes))

    assert await store.ledger.show() == []
