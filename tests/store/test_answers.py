"""Answers that a program may ask for again: done once, on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest

from seatkeeper.store import Answer, Claim, Owner, Store, open_store
from seatkeeper.store.answers import KEPT
from stored import NOW, later

DONE = Answer(202, {"Location": "/api/v1/requests/7"}, b'{"id":7}')


async def test_a_new_key_is_ours_and_then_answers_alike(store: Store) -> None:
    first = await store.answers.claim("key", "same", NOW)
    await store.answers.keep("key", DONE)
    again = await store.answers.claim("key", "same", later(23))

    assert first.claim is Claim.OURS
    assert (again.claim, again.answer) == (Claim.DONE, DONE)


async def test_while_the_first_goes_on_the_second_is_told_so(store: Store) -> None:
    await store.answers.claim("key", "same", NOW)

    assert (await store.answers.claim("key", "same", NOW)).claim is Claim.RUNNING


@pytest.mark.parametrize("answered", [True, False])
async def test_a_key_is_for_one_request_alone(store: Store, *, answered: bool) -> None:
    await store.answers.claim("key", "this", NOW)
    if answered:
        await store.answers.keep("key", DONE)

    assert (await store.answers.claim("key", "that", NOW)).claim is Claim.OTHER


async def test_of_many_at_once_one_goes_on(store: Store) -> None:
    claims = [store.answers.claim("key", "same", NOW) for _ in range(8)]
    found = sorted(c.claim for c in await asyncio.gather(*claims))

    assert found == [Claim.OURS, *[Claim.RUNNING] * 7]


async def test_what_was_refused_leaves_the_key_free(store: Store) -> None:
    await store.answers.claim("key", "this", NOW)
    await store.answers.release("key")

    assert (await store.answers.claim("key", "that", NOW)).claim is Claim.OURS


async def test_what_broke_off_is_never_done_again(store: Store) -> None:
    await store.answers.claim("key", "same", NOW)
    await store.answers.break_off("key")
    await store.answers.release("key")

    assert (await store.answers.claim("key", "same", NOW)).claim is Claim.BROKEN_OFF


async def test_a_claim_of_a_process_that_died_has_broken_off(store: Store, url: str) -> None:
    gone = replace_pid(store.owner)
    other = open_store(url, owner=gone)
    try:
        await other.answers.claim("key", "same", NOW)
    finally:
        other.close()

    assert (await store.answers.claim("key", "same", NOW)).claim is Claim.BROKEN_OFF


async def test_an_answer_that_was_given_is_not_given_back(store: Store) -> None:
    await store.answers.claim("key", "same", NOW)
    await store.answers.keep("key", DONE)
    await store.answers.release("key")
    await store.answers.break_off("key")

    assert (await store.answers.claim("key", "same", NOW)).answer == DONE


@pytest.mark.parametrize("moment", [NOW + KEPT, NOW - KEPT - timedelta(seconds=1)])
async def test_after_a_day_a_key_is_forgotten_or_when_the_clock_was_ahead(
    store: Store, moment: datetime
) -> None:
    await store.answers.claim("key", "this", NOW)

    assert (await store.answers.claim("key", "that", moment)).claim is Claim.OURS


def replace_pid(owner: Owner) -> Owner:
    """Return a process of this machine that is no more."""
    return msgspec.structs.replace(owner, pid=2**22 - 1, instance="gone")
