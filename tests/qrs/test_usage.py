"""The second witness: what usage rows and token seats know, on sites that offer them or not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from qrs_rows import MakeClient, a_guid, a_user_id, a_user_ref
from qrs_stand_in import Asked, Script, StandIn, body, drop, jsons, nothing, text
from seatkeeper.core.model import (
    NAMED_LISTS,
    Allocation,
    Capacity,
    LicenseType,
    Overview,
    UsageList,
    UsageState,
    User,
    Witness,
)
from seatkeeper.qrs.reader import SiteReader

PRO_USAGE = "/license/professionalaccessusage/full"
ANALYZER_USAGE = "/license/analyzeraccessusage/full"
CAPACITY_USAGE = "/license/analyzertimeaccessusage/full"
TOKEN_SEATS = "/license/useraccesstype/full"
LOGIN_USAGE = "/license/loginaccessusage/full"

PLAIN = Overview(pools=())
EVERYTHING = Overview(pools=(), capacity=Capacity(True, 1, 1, 0), tokens_enabled=True)
USERS = {
    a_user_id(n): User(id=a_user_id(n), directory="Example", user_id=f"User{n}") for n in (1, 2)
}
SEATS = [
    Allocation(
        id=a_guid(n),
        license_type=LicenseType.PROFESSIONAL,
        user_id=a_user_id(n),
        holder=f"EXAMPLE\\user{n}",
        created=None,
        last_used=None,
    )
    for n in (1, 2, 3)
]
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def at(hour: int) -> str:
    return f"2026-02-01T{hour:02}:00:00.000Z"


def a_usage_row(seat: int, hour: int, kind: str = "professionalAccessType") -> dict[str, Any]:
    return {
        "id": a_guid(seat, "aaaaaaaa"),
        "latestActivity": at(hour),
        kind: {"id": a_guid(seat).upper(), "privileges": None},
    }


def a_user_usage(number: int, hour: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": a_guid(number, "bbbbbbbb"),
        "latestActivity": at(hour),
        "user": a_user_ref(number),
        **changes,
    }


async def ask(
    site: StandIn,
    a_client: MakeClient,
    overview: Overview = PLAIN,
    since: datetime | None = None,
) -> Witness:
    async with a_client(site) as client:
        return await SiteReader(client).witness(USERS, SEATS, overview, since)


async def test_usage_rows_are_mapped_to_people_through_their_seats(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on(PRO_USAGE, jsons([a_usage_row(1, 9), a_usage_row(1, 11), a_usage_row(1, 10)]))
    site.on(ANALYZER_USAGE, jsons([a_usage_row(3, 8, "analyzerAccessType"), a_usage_row(99, 8)]))

    witness = await ask(site, a_client)

    assert witness.state is UsageState.GIVEN
    assert witness.by_person == {
        "example\\user1": NOON.replace(hour=11),
        "example\\user3": NOON.replace(hour=8),
    }


async def test_capacity_and_tokens_are_asked_for_only_where_the_license_has_them(
    site: StandIn, a_client: MakeClient
) -> None:
    for path in (PRO_USAGE, ANALYZER_USAGE, CAPACITY_USAGE, TOKEN_SEATS, LOGIN_USAGE):
        site.on(path, jsons([]))

    await ask(site, a_client)
    assert len(site.asked) == 2
    await ask(site, a_client, EVERYTHING)

    assert {a.path.removeprefix("/qrs") for a in site.asked[2:]} == {
        PRO_USAGE,
        ANALYZER_USAGE,
        CAPACITY_USAGE,
        TOKEN_SEATS,
        LOGIN_USAGE,
    }


async def test_minutes_of_capacity_are_counted_in_units_of_six_on_the_day_they_began(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on(PRO_USAGE, jsons([]))
    site.on(ANALYZER_USAGE, jsons([]))
    site.on(TOKEN_SEATS, jsons([]))
    site.on(LOGIN_USAGE, jsons([]))
    never = "1753-01-01T00:00:00.000Z"
    rows = [
        a_user_usage(1, 7, useStartTime=at(6), useStopTime=at(7)),
        a_user_usage(1, 9, useStartTime=at(9), useStopTime=never),
        a_user_usage(2, 9, useStartTime=at(8), useStopTime=None),
        a_user_usage(2, 9, useStartTime="yesterday", useStopTime=at(9)),
        a_user_usage(7, 9),
    ]
    site.on(CAPACITY_USAGE, jsons(rows))

    witness = await ask(site, a_client, EVERYTHING)

    day = NOON.date()
    assert witness.minutes == {("example\\user1", day): 66, ("example\\user2", day): 60}
    assert witness.by_list[UsageList.CAPACITY]["example\\user7"] == NOON.replace(hour=9)


async def test_every_source_speaks_for_the_person(site: StandIn, a_client: MakeClient) -> None:
    site.on(PRO_USAGE, jsons([a_usage_row(1, 1)]))
    site.on(ANALYZER_USAGE, jsons([]))
    site.on(CAPACITY_USAGE, jsons([a_user_usage(1, 5), a_user_usage(7, 6)]))
    site.on(TOKEN_SEATS, jsons([{"id": a_guid(5), "lastUsed": at(9), "user": a_user_ref(2)}]))
    site.on(LOGIN_USAGE, jsons([a_user_usage(2, 8)]))

    witness = await ask(site, a_client, EVERYTHING)

    assert witness.by_person == {
        "example\\user1": NOON.replace(hour=5),
        "example\\user2": NOON.replace(hour=9),
        "example\\user7": NOON.replace(hour=6),
    }
    assert witness.by_list == {
        UsageList.PROFESSIONAL: {"example\\user1": NOON.replace(hour=1)},
        UsageList.CAPACITY: {
            "example\\user1": NOON.replace(hour=5),
            "example\\user7": NOON.replace(hour=6),
        },
        UsageList.TOKENS: {"example\\user2": NOON.replace(hour=9)},
        UsageList.LOGIN: {"example\\user2": NOON.replace(hour=8)},
    }


@pytest.mark.parametrize(
    "row",
    [
        a_user_usage(1, 5, user=None),
        a_user_usage(1, 5, user={"id": ""}),
        a_user_usage(1, 5, latestActivity=None),
        a_user_usage(1, 5, latestActivity="1753-01-01T00:00:00.000Z"),
        {"id": a_guid(1)},
    ],
)
async def test_rows_that_name_nobody_or_no_moment_tell_nothing(
    site: StandIn, a_client: MakeClient, row: dict[str, Any]
) -> None:
    site.on(PRO_USAGE, jsons([row]))
    site.on(ANALYZER_USAGE, jsons([]))

    witness = await ask(site, a_client)

    assert witness == Witness(
        {UsageList.PROFESSIONAL: UsageState.GIVEN, UsageList.ANALYZER: UsageState.EMPTY}, {}
    )


async def test_empty_lists_are_an_empty_witness(site: StandIn, a_client: MakeClient) -> None:
    site.on(PRO_USAGE, jsons([]))
    site.on(ANALYZER_USAGE, jsons([]))

    assert (await ask(site, a_client)).state is UsageState.EMPTY


@pytest.mark.parametrize(
    "no",
    [
        *[pytest.param(text(s, "no"), id=str(s)) for s in (400, 403, 404, 405, 501)],
        pytest.param(nothing(204), id="204"),
        pytest.param(body(200, b""), id="empty body"),
        pytest.param(jsons(None), id="null"),
    ],
)
async def test_a_clear_no_is_not_given_and_not_asked_again(
    site: StandIn, a_client: MakeClient, no: Script
) -> None:
    site.on(PRO_USAGE, no)
    site.on(ANALYZER_USAGE, no)

    witness = await ask(site, a_client)

    assert witness == Witness(dict.fromkeys(NAMED_LISTS, UsageState.NOT_GIVEN), {})
    assert len(site.asked) == 2


async def test_one_refused_and_one_empty_list_are_not_given(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on(PRO_USAGE, jsons([]))
    site.on(ANALYZER_USAGE, text(403))

    assert (await ask(site, a_client)).state is UsageState.NOT_GIVEN


async def test_one_refused_list_does_not_hide_the_rows_of_the_other(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on(PRO_USAGE, jsons([a_usage_row(1, 9)]))
    site.on(ANALYZER_USAGE, text(404))

    witness = await ask(site, a_client)

    assert witness.state is UsageState.GIVEN
    assert witness.which(UsageState.NOT_GIVEN) == {UsageList.ANALYZER}
    assert "example\\user1" in witness.by_person


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(text(503), id="503"),
        pytest.param(text(500), id="500"),
        pytest.param(drop(), id="dropped"),
        pytest.param(body(200, b'[{"id":'), id="cut off"),
        pytest.param(body(200, b"<html>", "text/html"), id="a web page"),
        pytest.param(text(302), id="a redirect"),
        pytest.param(jsons([a_user_usage(1, 1, latestActivity="lately")]), id="no date"),
    ],
)
async def test_no_clear_answer_is_unreadable_but_other_rows_still_count(
    site: StandIn, a_client: MakeClient, trouble: Script
) -> None:
    site.on(PRO_USAGE, jsons([a_usage_row(1, 9)]))
    site.on(ANALYZER_USAGE, trouble)

    witness = await ask(site, a_client)

    assert witness.state is UsageState.UNREADABLE
    assert witness.which(UsageState.UNREADABLE) == {UsageList.ANALYZER}
    assert witness.by_person == {"example\\user1": NOON.replace(hour=9)}


async def test_what_came_of_each_list_is_told_by_its_name(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on(PRO_USAGE, jsons([a_usage_row(1, 9)]))
    site.on(ANALYZER_USAGE, jsons([]))
    site.on(CAPACITY_USAGE, text(403))
    site.on(TOKEN_SEATS, text(500))
    site.on(LOGIN_USAGE, jsons([a_user_usage(2, 8)]))

    witness = await ask(site, a_client, EVERYTHING)

    assert witness.lists == {
        UsageList.PROFESSIONAL: UsageState.GIVEN,
        UsageList.ANALYZER: UsageState.EMPTY,
        UsageList.CAPACITY: UsageState.NOT_GIVEN,
        UsageList.TOKENS: UsageState.UNREADABLE,
        UsageList.LOGIN: UsageState.GIVEN,
    }


async def test_since_narrows_each_list_by_its_own_property(
    site: StandIn, a_client: MakeClient
) -> None:
    for path in (PRO_USAGE, ANALYZER_USAGE, CAPACITY_USAGE, TOKEN_SEATS, LOGIN_USAGE):
        site.on(path, jsons([]))

    await ask(site, a_client, EVERYTHING, NOON)

    assert site.filters(PRO_USAGE) == ["(latestActivity ge '2026-02-01T12:00:00.000Z')"]
    assert site.filters(TOKEN_SEATS) == ["(lastUsed ge '2026-02-01T12:00:00.000Z')"]
    assert site.filters(LOGIN_USAGE) == ["(latestActivity ge '2026-02-01T12:00:00.000Z')"]


async def test_a_site_that_refuses_the_filter_is_read_whole(
    site: StandIn, a_client: MakeClient
) -> None:
    async def no_filters(asked: Asked, writer: asyncio.StreamWriter) -> None:
        rows = jsons([a_usage_row(1, 9)])
        await (text(400, "Cannot parse") if asked.filter else rows)(asked, writer)

    site.on(PRO_USAGE, no_filters)
    site.on(ANALYZER_USAGE, jsons([]))

    witness = await ask(site, a_client, since=NOON)

    assert witness.state is UsageState.GIVEN
    assert witness.by_person == {"example\\user1": NOON.replace(hour=9)}
