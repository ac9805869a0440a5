from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from seatkeeper.core.record import Kind
from seatkeeper.errors import UsageError
from seatkeeper.store import Owner, Request, RequestKind, RequestState, Store
from seatkeeper.store.requests import Requests
from stored import ANNA, JANE, NOW, later


async def ask(store: Store, **payload: str) -> Request:
    return await store.requests.ask(RequestKind.UNDO, "prod", payload, JANE, NOW)


async def test_a_request_waits_with_who_asked_for_what(store: Store) -> None:
    asked = await ask(store, plan="plan-1")

    (request,) = await store.requests.waiting(RequestKind.UNDO)

    assert request == asked
    assert (request.kind, request.site, request.actor) == (RequestKind.UNDO, "prod", JANE)
    assert request.payload == {"plan": "plan-1"}
    assert (request.state, request.asked_at) == (RequestState.QUEUED, NOW)


async def test_requests_wait_in_the_order_they_were_asked(store: Store) -> None:
    asked = [(await ask(store)).id for _ in range(3)]

    assert [r.id for r in await store.requests.waiting(RequestKind.UNDO)] == asked
    assert [r.id for r in await store.requests.recent(2)] == asked[:0:-1]


async def test_a_request_is_taken_once(store: Store) -> None:
    asked = await ask(store)

    taken = await asyncio.gather(*(store.requests.take(asked.id, later(1)) for _ in range(6)))

    assert sum(taken) == 1
    assert await store.requests.waiting(RequestKind.UNDO) == []
    assert (await store.requests.get(asked.id)).taken_at == later(1)


async def test_the_result_of_a_request_is_kept(store: Store) -> None:
    asked, failing = await ask(store), await ask(store)
    for request in (asked, failing):
        await store.requests.take(request.id, NOW)

    assert await store.requests.finish(asked.id, {"restored": 3}, later(1))
    assert await store.requests.finish(failing.id, {"error": "no free seat"}, later(1), ok=False)

    done, failed = [await store.requests.get(r.id) for r in (asked, failing)]
    assert (done.state, done.result, done.ended_at) == (
        RequestState.DONE,
        {"restored": 3},
        later(1),
    )
    assert (failed.state, failed.result) == (RequestState.FAILED, {"error": "no free seat"})
    assert done.state.is_over
    assert failed.state.is_over


async def test_a_request_ends_once_and_only_when_it_was_taken(store: Store) -> None:
    asked = await ask(store)

    assert not await store.requests.finish(asked.id, {}, NOW)
    await store.requests.take(asked.id, NOW)
    assert await store.requests.finish(asked.id, {}, NOW)
    assert not await store.requests.finish(asked.id, {}, NOW, ok=False)


async def test_a_request_whose_taker_is_dead_fails_and_is_not_done_again(store: Store) -> None:
    me = store.owner
    dead = Owner(
        host=me.host, pid=me.pid, started=me.started - 1, boot=me.boot, command="x", instance="d"
    )
    asked, mine = await ask(store), await ask(store)
    await Requests(store.requests._db, dead).take(asked.id, NOW)
    await store.requests.take(mine.id, NOW)

    assert await store.requests.fail_abandoned(before=NOW, now=later(1)) == 1

    assert (await store.requests.get(asked.id)).state is RequestState.FAILED
    assert (await store.requests.get(mine.id)).state is RequestState.TAKEN
    assert await store.requests.waiting(RequestKind.UNDO) == []


async def test_a_request_taken_too_long_ago_fails(store: Store) -> None:
    asked = await ask(store)
    await store.requests.take(asked.id, NOW)

    assert await store.requests.fail_abandoned(before=later(1), now=later(2)) == 1
    assert "see the ledger" in str((await store.requests.get(asked.id)).result)


async def test_an_unknown_request_is_a_usage_error(store: Store) -> None:
    with pytest.raises(UsageError, match="no request 7"):
        await store.requests.get(7)


async def test_the_ledger_names_who_asked_for_what_and_why_at_once(store: Store) -> None:
    await store.requests.ask(RequestKind.RUN, "prod", {}, JANE, NOW)
    asked = await ask(store, plan="plan-1", user=ANNA, seat="seat-7", reason="she called")

    run, undo = await store.ledger.show()

    assert (run.kind, run.site, run.by, run.at) == (Kind.RUN_ASKED, "prod", "Jane Doe", NOW)
    assert (undo.kind, undo.plan_id, undo.person) == (Kind.UNDO_ASKED, "plan-1", ANNA)
    assert (undo.by, undo.why) == ("Jane Doe", "she called")
    assert undo.evidence == {"request": asked.id, "allocation_id": "seat-7"}
    await store.ledger.verify()


async def test_what_is_open_on_a_site_is_told_until_it_ends(store: Store) -> None:
    one, two = await ask(store), await ask(store)
    await store.requests.ask(RequestKind.RUN, "test", {}, JANE, NOW)
    await store.requests.take(one.id, NOW)
    while_taken = [r.id for r in await store.requests.open_of("prod")]
    await store.requests.finish(one.id, {}, NOW)

    assert while_taken == [one.id, two.id]
    assert [r.id for r in await store.requests.open_of("prod")] == [two.id]


async def test_a_run_that_is_queued_already_is_not_queued_again(store: Store) -> None:
    first = await store.requests.ask(RequestKind.RUN, "prod", {}, JANE, NOW)
    tom = replace(JANE, by="Tom")
    again, elsewhere = [
        await store.requests.ask(RequestKind.RUN, site, {}, tom, later(1))
        for site in ("prod", "test")
    ]
    await store.requests.take(first.id, later(2))
    next_one = await store.requests.ask(RequestKind.RUN, "prod", {}, tom, later(3))

    assert again == first
    assert len({first.id, elsewhere.id, next_one.id}) == 3
    assert [r.kind for r in await store.ledger.show()] == [Kind.RUN_ASKED] * 3


async def test_a_hundred_runs_hide_no_seat_that_is_asked_back(store: Store) -> None:
    for number in range(101):
        await store.requests.ask(RequestKind.RUN, f"site-{number}", {}, JANE, NOW)
    asked = await ask(store, plan="plan-1")

    assert await store.requests.waiting(RequestKind.UNDO) == [asked]


async def test_who_answers_for_a_token_is_kept_with_the_request(store: Store) -> None:
    token = replace(JANE, by="Jane Doe (token ci)", person="Jane Doe", via="token")
    asked = await store.requests.ask(RequestKind.RUN, "prod", {}, token, NOW)
    (record,) = await store.ledger.show()

    assert (await store.requests.get(asked.id)).actor.answers == "Jane Doe"
    assert (record.by, record.evidence["signed_in"]) == ("Jane Doe (token ci)", "token")
