"""Accounts, sessions, tokens and links on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from seatkeeper.core.lockout import FREE_TRIES_ANYWHERE
from seatkeeper.core.record import Kind
from seatkeeper.core.roles import Grant, Identity, Role, SignIn
from seatkeeper.errors import UsageError
from seatkeeper.store import Store
from seatkeeper.store.access_tables import (
    ACCOUNT,
    API_TOKEN,
    SIGN_IN_LINK,
    WEB_SESSION,
    account_key,
)
from seatkeeper.store.passwords import MOST_WAITING, _of_nobody, hash_password, is_password
from seatkeeper.store.strangers import Strangers
from stored import JANE, NOW, later

PASSWORD = "correct horse battery staple"
OTHER = "another good one of these"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
VIEWER, ADMIN = Grant(Role.VIEWER), Grant(Role.ADMIN, frozenset({"prod"}))


async def add(store: Store, name: str = "Ingrid Berg", grant: Grant = VIEWER) -> None:
    await store.accounts.add(name, PASSWORD, [grant], JANE, NOW)


def rows(store: Store, table: Any) -> list[Any]:
    """Everything that stands in a table."""
    with store._db.reading() as conn:
        return list(conn.execute(table.select()))


async def session_of(store: Store, name: str = "Ingrid Berg") -> str:
    who = Identity(name, SignIn.ACCOUNT, (VIEWER,))
    return await store.sessions.begin(who, 12 * HOUR, NOW)


async def test_many_tries_at_once_gain_no_more_than_five_looks_at_the_password(
    store: Store,
) -> None:
    await add(store)
    tries = [store.accounts.sign_in("Ingrid Berg", f"guess number {n}", NOW) for n in range(24)]
    tried = await asyncio.gather(*tries)
    right = await store.accounts.sign_in("Ingrid Berg", PASSWORD, NOW)

    assert not any(t.identity for t in tried)
    assert sum(t.locked_until is None for t in tried) == 4
    assert (right.identity, right.locked_until) == (None, later(minutes=0.5))
    (account,) = await store.accounts.all()
    assert account.failures == 5


async def test_a_right_password_after_the_wait_forgets_the_wrong_ones(store: Store) -> None:
    await add(store)
    for _ in range(5):
        await store.accounts.sign_in("Ingrid Berg", "wrong and wrong", NOW)
    opened = await store.accounts.sign_in("INGRID BERG ", PASSWORD, later(minutes=1))

    assert opened.identity == Identity("Ingrid Berg", SignIn.ACCOUNT, (VIEWER,))
    (account,) = await store.accounts.all()
    assert (account.failures, account.signed_in_at) == (0, later(minutes=1))


async def test_a_name_without_an_account_waits_as_one_with_an_account(store: Store) -> None:
    await add(store)

    async def answers(name: str) -> list[Any]:
        moments = [NOW] * 7 + [later(minutes=1)] * 2 + [later(30)] * 2
        return [(await store.accounts.sign_in(name, "wrong and wrong", at)) for at in moments]

    assert await answers("Nobody Known") == await answers("Ingrid Berg")


def test_a_flood_of_names_does_not_fill_the_memory() -> None:
    strangers = Strangers(most=3)
    for name in "abcd":
        strangers.count_try(name, NOW)

    assert strangers.count_try("d", NOW) == (1, None)
    assert strangers.count_try("a", NOW) == (0, None)


async def test_a_kept_password_is_argon2id_above_the_least_that_is_advised(store: Store) -> None:
    await add(store)
    ((kept,),) = [(row.password,) for row in rows(store, ACCOUNT)]

    kind, version, costs, salt, _ = kept.removeprefix("$").split("$")
    cost = {k: int(v) for k, v in (part.split("=") for part in costs.split(","))}
    assert (kind, version) == ("argon2id", "v=19")
    assert cost["m"] >= 19 * 1024
    assert cost["t"] >= 2
    assert len(salt) >= 22  # 128 bits
    assert PASSWORD not in kept


def test_a_name_without_an_account_costs_the_same_hash() -> None:
    of_nobody, of_somebody = _of_nobody(), hash_password(PASSWORD)

    assert of_nobody.split("$")[:4] == of_somebody.split("$")[:4]
    assert not is_password("", PASSWORD)


async def test_the_same_password_is_kept_differently_for_each(store: Store) -> None:
    await add(store)
    await add(store, "Olaf Berg")

    assert len({row.password for row in rows(store, ACCOUNT)}) == 2


async def test_another_password_ends_the_sessions_of_that_account_alone(store: Store) -> None:
    await add(store)
    await add(store, "Olaf Berg")
    mine, his = await session_of(store), await session_of(store, "Olaf Berg")
    await store.accounts.change("ingrid berg", JANE, NOW, password=OTHER)

    assert await store.sessions.find(mine, HOUR, NOW) is None
    assert await store.sessions.find(his, HOUR, NOW) is not None
    assert (await store.accounts.sign_in("Ingrid Berg", PASSWORD, NOW)).identity is None
    assert (await store.accounts.sign_in("Ingrid Berg", OTHER, NOW)).identity is not None


async def test_other_roles_end_the_sessions_too(store: Store) -> None:
    await add(store)
    secret = await session_of(store)
    await store.accounts.change("Ingrid Berg", JANE, NOW, grants=[ADMIN])

    assert await store.sessions.find(secret, HOUR, NOW) is None


async def test_a_session_has_the_roles_of_its_account_and_not_those_it_began_with(
    store: Store,
) -> None:
    await add(store, grant=ADMIN)
    secret = await session_of(store)  # it says viewer
    found = await store.sessions.find(secret, HOUR, NOW)

    assert found is not None
    assert found.identity.grants == (ADMIN,)


async def test_a_removed_account_is_signed_out(store: Store) -> None:
    await add(store)
    secret = await session_of(store)
    await store.accounts.remove("Ingrid Berg", JANE, NOW)
    await add(store)

    assert await store.sessions.find(secret, HOUR, NOW) is None


async def test_a_session_ends_unused_and_at_its_longest(store: Store) -> None:
    await add(store)
    secret = await session_of(store)

    assert await store.sessions.find(secret, HOUR, later(minutes=59)) is not None
    assert await store.sessions.find(secret, HOUR, later(minutes=59 + 60)) is None
    assert await store.sessions.find(secret, 24 * HOUR, later(12)) is None


async def test_a_token_ends_is_revoked_and_is_never_taken_for_another(store: Store) -> None:
    secret = await store.tokens.make("nightly", [ADMIN], 90 * DAY, JANE, NOW)
    found = await store.tokens.find(secret, NOW + 89 * DAY)

    assert found is not None
    assert found.identity.name == "Jane Doe (token nightly)"
    assert found.grants == (ADMIN,)
    assert await store.tokens.find(secret, NOW + 90 * DAY) is None
    assert await store.tokens.find(secret[:-1], NOW) is None
    await store.tokens.revoke("nightly", JANE, NOW)
    assert await store.tokens.find(secret, NOW) is None


@pytest.mark.parametrize("length", [timedelta(0), -DAY, 367 * DAY])
async def test_a_token_for_no_time_or_for_ever_is_refused(store: Store, length: timedelta) -> None:
    with pytest.raises(UsageError, match="at most 366d"):
        await store.tokens.make("nightly", [VIEWER], length, JANE, NOW)


async def test_a_link_opened_by_many_at_once_opens_for_one(store: Store) -> None:
    secret = await store.sessions.make_link([ADMIN], DAY, NOW)
    used = await asyncio.gather(*(store.sessions.use_link(secret, JANE, NOW) for _ in range(8)))

    assert [grants for grants in used if grants] == [(ADMIN,)]


async def test_a_new_link_ends_the_one_before(store: Store) -> None:
    first = await store.sessions.make_link([ADMIN], DAY, NOW)
    await store.sessions.make_link([ADMIN], DAY, NOW)

    assert not await store.sessions.link_works(first, NOW)


async def test_no_secret_stands_in_the_store(store: Store) -> None:
    await add(store)
    secrets = [
        await session_of(store),
        await store.tokens.make("nightly", [VIEWER], DAY, JANE, NOW),
        await store.sessions.make_link([ADMIN], DAY, NOW),
        PASSWORD,
    ]
    kept = str([rows(store, t) for t in (ACCOUNT, WEB_SESSION, API_TOKEN, SIGN_IN_LINK)])

    assert [secret for secret in secrets if secret in kept] == []


async def test_every_change_stands_in_the_ledger_with_its_person(store: Store) -> None:
    await add(store)
    await store.accounts.change("Ingrid Berg", JANE, NOW, password=OTHER)
    await store.accounts.remove("Ingrid Berg", JANE, NOW)
    await store.tokens.make("nightly", [VIEWER], DAY, JANE, NOW)
    await store.tokens.revoke("nightly", JANE, NOW)

    records = [record async for page in store.ledger.pages() for record in page]
    assert [r.kind for r in records] == [
        Kind.ACCOUNT_ADDED,
        Kind.ACCOUNT_CHANGED,
        Kind.ACCOUNT_REMOVED,
        Kind.TOKEN_MADE,
        Kind.TOKEN_REVOKED,
    ]
    assert {r.by for r in records} == {"Jane Doe"}
    assert OTHER not in str(records)


async def test_what_is_refused_leaves_no_record(store: Store) -> None:
    await add(store)
    for refused in (
        store.accounts.add("INGRID berg", PASSWORD, [VIEWER], JANE, NOW),
        store.accounts.add("Olaf Berg", "short", [VIEWER], JANE, NOW),
        store.accounts.add("Olaf Berg", PASSWORD, [], JANE, NOW),
        store.accounts.change("Nobody Known", JANE, NOW, password=OTHER),
        store.accounts.remove("Nobody Known", JANE, NOW),
        store.tokens.revoke("nothing", JANE, NOW),
    ):
        with pytest.raises(UsageError):
            await refused

    records = [record async for page in store.ledger.pages() for record in page]
    assert len(records) == 1


async def test_who_is_removed_leaves_no_token_that_works(store: Store) -> None:
    await add(store, "Jane Doe", ADMIN)
    mine = await store.tokens.make("mine", [ADMIN], 90 * DAY, JANE, NOW)
    other = await store.tokens.make("other", [ADMIN], 90 * DAY, replace(JANE, by="Tom"), NOW)

    await store.accounts.remove("jane doe", JANE, NOW)
    records = await store.ledger.show()

    assert await store.tokens.find(mine, NOW) is None
    assert await store.tokens.find(other, NOW) is not None
    assert (records[-1].kind, records[-1].evidence["token"]) == (Kind.TOKEN_REVOKED, "mine")


async def test_a_token_may_no_more_than_the_account_of_its_owner_may_now(store: Store) -> None:
    await add(store, "Jane Doe", ADMIN)
    both = [Grant(Role.ADMIN), Grant(Role.OPERATOR, frozenset({"prod", "test"}))]
    secret = await store.tokens.make("nightly", both, 90 * DAY, JANE, NOW)
    before = await store.tokens.find(secret, NOW)

    await store.accounts.change("Jane Doe", JANE, NOW, grants=[VIEWER])
    after = await store.tokens.find(secret, NOW)

    assert before is not None
    assert after is not None
    assert set(before.grants) == {ADMIN, Grant(Role.OPERATOR, frozenset({"prod"}))}
    assert {grant.role for grant in after.grants} == {Role.VIEWER}


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "letmein12345",
        "qwertyuiop12",
        "123456789012",
        "passwordpassword",
        "Bergmann12345",
    ],
)
async def test_a_password_that_is_soon_guessed_is_no_password(store: Store, password: str) -> None:
    with pytest.raises(UsageError, match="among those that are tried first"):
        await store.accounts.add("Ingrid Bergmann", password, [Grant(Role.VIEWER)], JANE, NOW)

    assert await store.accounts.all() == []


async def test_a_very_long_password_is_judged_at_once_and_good(store: Store) -> None:
    password = "lorry magnet " * 9 + "and more"
    await store.accounts.add("Ingrid Berg", password, [Grant(Role.VIEWER)], JANE, NOW)

    assert (await store.accounts.sign_in("Ingrid Berg", password, NOW)).identity is not None


async def test_sessions_are_seen_by_their_owner_alone_until_they_end(store: Store) -> None:
    who = Identity("Ingrid Berg", SignIn.ACCOUNT, (Grant(Role.VIEWER),))
    other = Identity("Ingrid Berg", SignIn.OIDC, (Grant(Role.VIEWER),))
    first = await store.sessions.begin(who, 12 * HOUR, NOW, "10.0.0.7")
    await store.sessions.begin(other, 12 * HOUR, NOW, "10.0.0.8")
    second = await store.sessions.begin(who, 12 * HOUR, later(minutes=20))
    both = await store.sessions.own(who, first, HOUR, later(minutes=20))
    late = await store.sessions.own(who, second, HOUR, later(minutes=70))

    assert [(s.address, s.is_this) for s in both] == [("", False), ("10.0.0.7", True)]
    assert [s.is_this for s in late] == [True]
    assert first not in str(both)


async def test_who_guesses_at_one_address_keeps_nobody_out_at_another(store: Store) -> None:
    await add(store)
    for _ in range(9):
        await store.accounts.sign_in("Ingrid Berg", "wrong and wrong", NOW, "192.0.2.1")
    there = await store.accounts.sign_in("Ingrid Berg", PASSWORD, NOW, "192.0.2.1")
    here = await store.accounts.sign_in("Ingrid Berg", PASSWORD, NOW, "192.0.2.2")

    assert (there.identity, there.locked_until is None) == (None, False)
    assert here.identity is not None


@pytest.mark.parametrize("name", ["Ingrid Berg", "Nobody Known"])
async def test_who_guesses_from_many_addresses_waits_in_the_end(store: Store, name: str) -> None:
    await add(store)
    _count_as_failed(store, FREE_TRIES_ANYWHERE - 2, name)
    tries = [
        await store.accounts.sign_in(name, "wrong and wrong", NOW, f"192.0.2.{n}") for n in range(3)
    ]

    assert [tried.locked_until for tried in tries] == [None, later(minutes=0.5), later(minutes=0.5)]


def _count_as_failed(store: Store, number: int, name: str) -> None:
    """Count so many wrong passwords without the time that it takes to look at each."""
    with store._db.writing() as conn:
        conn.execute(ACCOUNT.update().values(failures=number, failed_at=NOW))
    for _ in range(number):
        store.accounts._strangers.count_try(account_key(name), NOW)


async def test_a_flood_of_sign_ins_is_turned_away_and_not_counted(store: Store) -> None:
    await add(store)
    tries = [
        store.accounts.sign_in("Ingrid Berg", "wrong and wrong", NOW, f"192.0.2.{n}")
        for n in range(40)
    ]
    tried = await asyncio.gather(*tries)
    (account,) = await store.accounts.all()

    assert sum(one.is_busy for one in tried) == 40 - MOST_WAITING
    assert account.failures == MOST_WAITING
