from __future__ import annotations

from datetime import timedelta

import pytest

from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import ActionOutcome, GrantOutcome, GrantResult, Outcome
from seatkeeper.core.record import Kind, LedgerRecord
from seatkeeper.errors import LeaseLost, NotAllowed, PlanStale
from seatkeeper.store import LedgerQuery, Store
from stored import (
    ANNA,
    ENGINE,
    JANE,
    NOW,
    a_plan,
    an_action,
    an_outcome,
    applied,
    applying,
    hold,
    later,
    some_actions,
)


async def records(store: Store, kind: Kind) -> list[LedgerRecord]:
    return await store.ledger.show(LedgerQuery(kind=kind))


async def test_an_intent_holds_what_is_needed_to_settle_it_later(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)

    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, later(1))

    (intent,) = await store.plans.unsettled("prod")
    assert (intent.plan_id, intent.run_id, intent.site) == (plan.plan_id, "run-1", "prod")
    assert (intent.user, intent.user_id) == (ANNA, plan.actions[0].user_id)
    assert intent.seat_last_used == plan.actions[0].seat_last_used
    assert (intent.at, intent.outcome, intent.license_type) == (
        later(1),
        None,
        LicenseType.PROFESSIONAL,
    )
    assert await store.plans.unsettled("test") == []


async def test_an_intent_needs_the_lease_and_leaves_nothing_without_it(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.leases.release(held)

    with pytest.raises(LeaseLost):
        await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)

    assert await store.plans.unsettled("prod") == []
    assert await records(store, Kind.RELEASE_INTENT) == []


async def test_a_seat_with_an_outcome_is_not_intended_again(store: Store) -> None:
    plan = a_plan(*some_actions(3))
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions[:1], NOW)
    refused = an_outcome(plan.actions[0], Outcome.REFUSED)
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [refused], NOW)

    with pytest.raises(PlanStale, match="1 of these 3 seats"):
        await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)

    assert await store.plans.unsettled("prod") == []


async def test_a_run_may_mean_a_seat_again_that_it_did_not_get_to(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions[:1], NOW)

    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, later(1))

    assert [i.at for i in await store.plans.unsettled("prod")] == [later(1)] * 2
    assert len(await records(store, Kind.RELEASE_INTENT)) == 3


async def test_a_seat_left_alone_is_not_intended_afterwards(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    result = an_outcome(plan.actions[0], Outcome.CHANGED)
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [result], NOW)

    with pytest.raises(PlanStale):
        await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)


async def test_no_intent_is_written_under_a_freeze(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.control.freeze(JANE, "audit", NOW)

    with pytest.raises(NotAllowed, match="frozen by Jane Doe"):
        await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, later(1))

    assert await store.plans.unsettled("prod") == []


async def test_a_run_that_was_closed_by_recovery_intends_nothing_more(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.plans.finish(plan.plan_id, "run-1", JANE, NOW, complete=False)

    with pytest.raises(PlanStale, match="partly_applied"):
        await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)


async def test_another_run_does_not_intend_for_a_plan(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)

    with pytest.raises(PlanStale, match="run-2"):
        await store.plans.intend(plan.plan_id, "run-2", ENGINE, held, plan.actions, NOW)


async def test_a_final_outcome_stays(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)
    released = an_outcome(plan.actions[0])

    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [released], NOW)
    refused = an_outcome(plan.actions[0], Outcome.REFUSED)
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [refused], NOW)

    assert await store.plans.outcomes(plan.plan_id) == [released]
    assert len(await records(store, Kind.RELEASE_OUTCOME)) == 1


async def test_unknown_waits_and_becomes_final_later(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)
    unknown = an_outcome(plan.actions[0], Outcome.UNKNOWN, "no answer")
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [unknown], NOW)
    assert [i.outcome for i in await store.plans.unsettled("prod")] == [Outcome.UNKNOWN]

    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [unknown], later(1))
    released = an_outcome(plan.actions[0])
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [released], later(2))

    assert await store.plans.unsettled("prod") == []
    assert await store.plans.outcomes(plan.plan_id) == [released]
    assert len(await records(store, Kind.RELEASE_OUTCOME)) == 1
    (settled,) = await records(store, Kind.RELEASE_SETTLED)
    assert settled.evidence["outcome"] == "released"


async def test_what_a_later_reading_cannot_tell_is_unknown_and_not_called_settled(
    store: Store,
) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)

    unknown = an_outcome(outcome=Outcome.UNKNOWN)
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [unknown], later(0.1), later=True)

    assert [i.outcome for i in await store.plans.unsettled("prod")] == [Outcome.UNKNOWN]
    assert await records(store, Kind.RELEASE_SETTLED) == []
    assert len(await records(store, Kind.RELEASE_OUTCOME)) == 1


async def test_an_intent_left_by_a_crash_is_settled_later_and_said_so(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)

    result = an_outcome(plan.actions[0])
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [result], later(1), later=True)

    assert await records(store, Kind.RELEASE_OUTCOME) == []
    assert len(await records(store, Kind.RELEASE_SETTLED)) == 1


@pytest.mark.parametrize("outcome", [Outcome.CHANGED, Outcome.ALREADY_GONE, Outcome.NOT_ATTEMPTED])
async def test_a_seat_never_touched_has_an_outcome_and_a_record(
    store: Store, outcome: Outcome
) -> None:
    plan = a_plan()
    await applying(store, plan)
    result = an_outcome(plan.actions[0], outcome, "because")

    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [result], NOW)

    assert await store.plans.outcomes(plan.plan_id) == [result]
    assert await store.plans.unsettled("prod") == []
    (record,) = await records(store, Kind.RELEASE_OUTCOME)
    assert (record.person, record.evidence["outcome"]) == (ANNA, outcome.value)


async def test_the_person_named_in_a_detail_does_not_get_into_the_chain(store: Store) -> None:
    plan = a_plan(an_action(r"EXAMPLE\anna.berg"))
    await applying(store, plan)
    detail = r"409: example\Anna.Berg (anna.berg) has a session"
    result = an_outcome(plan.actions[0], Outcome.REFUSED, detail)

    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [result], NOW)

    (record,) = await records(store, Kind.RELEASE_OUTCOME)
    assert record.evidence["detail"] == "409: the user (the user) has a session"
    assert (await store.plans.outcomes(plan.plan_id))[0].detail == detail


async def test_a_thousand_seats_are_written_in_one_batch(store: Store) -> None:
    plan = a_plan(*some_actions(1000))

    await applied(store, plan)

    assert len(await store.plans.outcomes(plan.plan_id)) == 1000
    assert (await store.ledger.verify()).persons == 1000


async def test_what_took_effect_is_found_by_plan_and_by_person_in_any_case(store: Store) -> None:
    plan = a_plan(an_action(), *some_actions(4))
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)
    became = (
        Outcome.RELEASED,
        Outcome.QUARANTINED,
        Outcome.UNKNOWN,
        Outcome.REFUSED,
        Outcome.CHANGED,
    )
    results = [an_outcome(a, o) for a, o in zip(plan.actions, became, strict=True)]
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, results, NOW)

    of_plan = await store.plans.released(plan_id=plan.plan_id)
    of_anna = await store.plans.released(user=r"example\ANNA.Berg")

    assert {r.outcome for r in of_plan} == set(became[:3])
    (seat,) = of_anna
    assert (seat.user, seat.user_id, seat.site) == (ANNA, plan.actions[0].user_id, "prod")
    assert seat.given_back is None


async def test_a_seat_given_back_says_so(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    (seat,) = await store.plans.released(plan_id=plan.plan_id)
    held = await hold(store, kind="undo")

    await store.plans.intend_grants("run-2", JANE, held, [seat], "on holiday only", later(1))
    (between,) = await store.plans.released(plan_id=plan.plan_id)
    (left_open,) = await store.plans.open_returns("prod")
    result = GrantResult(
        allocation_id=seat.allocation_id,
        user=seat.user,
        license_type=seat.license_type,
        outcome=GrantOutcome.RESTORED,
        new_allocation_id="seat-2",
    )
    await store.plans.settle_grants("run-2", JANE, "prod", [result], later(1))

    assert between.given_back is GrantOutcome.UNKNOWN
    assert (left_open.run_id, left_open.at, left_open.outcome) == ("run-2", later(1), None)
    assert (left_open.seat.user, left_open.seat.user_id) == (seat.user, seat.user_id)
    assert await store.plans.open_returns("prod") == []
    assert await store.plans.open_returns("test") == []
    (after,) = await store.plans.released(plan_id=plan.plan_id)
    assert after.given_back is GrantOutcome.RESTORED
    (intent,) = await records(store, Kind.GRANT_INTENT)
    assert (intent.why, intent.person, intent.plan_id) == ("on holiday only", ANNA, plan.plan_id)
    (outcome,) = await records(store, Kind.GRANT_OUTCOME)
    assert outcome.evidence["new_allocation_id"] == "seat-2"
    assert outcome.plan_id == plan.plan_id


async def test_a_seat_that_was_never_attempted_to_give_back_is_recorded(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    result = GrantResult(
        allocation_id=plan.actions[0].allocation_id,
        user=ANNA,
        license_type=LicenseType.PROFESSIONAL,
        outcome=GrantOutcome.NO_FREE_SEAT,
    )

    await store.plans.settle_grants("run-2", JANE, "prod", [result], later(1))

    (seat,) = await store.plans.released(plan_id=plan.plan_id)
    assert seat.given_back is GrantOutcome.NO_FREE_SEAT
    assert len(await records(store, Kind.GRANT_OUTCOME)) == 1


async def test_restored_stays_restored_when_asked_again(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    for run, outcome in enumerate((GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)):
        result = GrantResult(
            allocation_id=plan.actions[0].allocation_id,
            user=ANNA,
            license_type=LicenseType.PROFESSIONAL,
            outcome=outcome,
        )
        await store.plans.settle_grants(f"undo-{run}", JANE, "prod", [result], later(run))

    (seat,) = await store.plans.released(plan_id=plan.plan_id)
    assert seat.given_back is GrantOutcome.RESTORED


async def test_giving_back_needs_the_lease(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    seats = await store.plans.released(plan_id=plan.plan_id)
    held = await hold(store, kind="undo")
    await store.leases.release(held)

    with pytest.raises(LeaseLost):
        await store.plans.intend_grants("run-2", JANE, held, seats, "why", NOW)

    assert await records(store, Kind.GRANT_INTENT) == []


async def test_giving_back_works_under_a_freeze(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    await store.control.freeze(JANE, "audit", NOW)
    seats = await store.plans.released(plan_id=plan.plan_id)

    held = await hold(store, kind="undo")
    await store.plans.intend_grants("run-2", JANE, held, seats, "why", NOW)

    assert len(await records(store, Kind.GRANT_INTENT)) == 1


async def test_releases_of_the_last_day_count_what_took_effect_or_may_have(store: Store) -> None:
    became = [*Outcome, None]
    actions = some_actions(len(became))
    plan = a_plan(*actions)
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, actions, NOW)
    results: list[ActionOutcome] = [
        an_outcome(a, o) for a, o in zip(actions, became, strict=True) if o is not None
    ]
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, results, NOW)

    day = timedelta(days=1)
    counts = [
        (await store.history.baseline(site, "any", NOW + after)).released_last_day
        for site, after in (("prod", timedelta(0)), ("prod", day), ("test", timedelta(0)))
    ]

    assert counts == [4, 0, 0]  # released, quarantined, unknown, and no outcome yet


async def test_a_seat_left_alone_does_not_count_for_the_day(store: Store) -> None:
    plan = a_plan()
    await applying(store, plan)
    result = an_outcome(plan.actions[0], Outcome.UNKNOWN)
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [result], NOW)

    assert (await store.history.baseline("prod", "any", NOW)).released_last_day == 0
