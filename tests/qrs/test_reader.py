"""Reading a site: whole lists, parts by filter, and sites that take no filters."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from qrs_rows import MakeClient, a_guid, a_seat_row, a_user_id, a_user_ref, a_user_row
from qrs_stand_in import Asked, Script, StandIn, body, filtered, jsons, text
from seatkeeper.core.model import LicenseType
from seatkeeper.errors import Garbled, Refused, Unreachable
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.reader import SiteReader

PRO, ANALYZER = LicenseType.PROFESSIONAL, LicenseType.ANALYZER
PRO_LIST = "/license/professionalaccesstype/full"
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SINCE = datetime(2026, 2, 1, 12, tzinfo=UTC)


@pytest.fixture
def reader(client: QrsClient) -> SiteReader:
    return SiteReader(client)


def by_id(path: str = "id") -> Callable[[str], Callable[[Any], bool]]:
    """Understand `(id eq … or id eq …)`."""

    def keep(filter_: str) -> Callable[[Any], bool]:
        wanted = set(GUID.findall(filter_))
        if path == "user.id":
            return lambda row: row["user"]["id"] in wanted
        return lambda row: row["id"] in wanted

    return keep


async def test_users_are_keyed_by_id(site: StandIn, reader: SiteReader) -> None:
    site.on("/user/full", jsons([a_user_row(n) for n in range(3)]))

    users = await reader.users()

    assert list(users) == [a_user_id(n) for n in range(3)]
    assert users[a_user_id(2)].label == "EXAMPLE\\user2"


async def test_a_large_list_arrives_whole_and_in_order(site: StandIn, reader: SiteReader) -> None:
    rows = [a_user_row(n, name="},{" * (n % 7), tags=[{"name": '"}],[{'}]) for n in range(6000)]
    site.on("/user/full", jsons(rows))

    users = await reader.users()

    assert list(users) == [row["id"] for row in rows]
    assert users[a_user_id(5)].name == "},{" * 5
    assert users[a_user_id(5)].tags == ('"}],[{',)


async def test_seats_of_a_type_are_read_whole(site: StandIn, reader: SiteReader) -> None:
    site.on(PRO_LIST, jsons([a_seat_row(n) for n in range(3)]))

    seats = await reader.allocations(PRO)

    assert [s.id for s in seats] == [a_guid(n) for n in range(3)]
    assert {s.license_type for s in seats} == {PRO}


async def test_counts_are_read_wrapped_or_bare(site: StandIn, reader: SiteReader) -> None:
    site.on("/user/count", jsons({"value": 42}))
    site.on("/license/analyzeraccesstype/count", jsons(7))

    assert await reader.count_users() == 42
    assert await reader.count_allocations(ANALYZER) == 7


async def test_a_site_without_a_license_has_none(site: StandIn, reader: SiteReader) -> None:
    site.on("/license", jsons(None))

    assert await reader.server_license() is None


async def test_the_version_is_read(site: StandIn, reader: SiteReader) -> None:
    site.on("/about", jsons({"buildVersion": "30.4.0.0", "nodeType": 1}))

    assert await reader.build_version() == "30.4.0.0"


async def test_a_duplicate_seat_is_an_error_that_names_list_and_position(
    site: StandIn, reader: SiteReader
) -> None:
    site.on(PRO_LIST, jsons([a_seat_row(1), a_seat_row(2), a_seat_row(1)]))

    with pytest.raises(Garbled, match=rf"professional seats: row 2: .*{a_guid(1)}.* twice"):
        await reader.allocations(PRO)


async def test_a_row_of_the_wrong_shape_is_an_error_that_names_its_position(
    site: StandIn, reader: SiteReader
) -> None:
    rows = [a_user_row(n) for n in range(4000)] + [a_user_row(4000, userId=7)]
    site.on("/user/full", jsons(rows))

    with pytest.raises(Garbled, match=r"users: .*\$\[4000\]\.userId"):
        await reader.users()


async def test_seats_are_read_again_by_id(site: StandIn, reader: SiteReader) -> None:
    site.on(PRO_LIST, filtered([a_seat_row(n) for n in range(200)], by_id()))

    seats = await reader.allocations_by_id(PRO, [a_guid(5), a_guid(150).upper(), a_guid(999)])

    assert sorted(s.id for s in seats) == [a_guid(5), a_guid(150)]
    assert len(site.asked) == 1


async def test_many_ids_are_packed_into_urls_below_two_kilobytes(
    site: StandIn, a_client: MakeClient
) -> None:
    rows = [a_seat_row(n) for n in range(250)]
    site.on(PRO_LIST, filtered(rows, by_id()))

    async with a_client(site, concurrency=4) as client:
        seats = await SiteReader(client).allocations_by_id(PRO, [a_guid(n) for n in range(250)])

    assert {s.id for s in seats} == {row["id"] for row in rows}
    longest = max(len(site.url) - len("/qrs") + len(asked.target) for asked in site.asked)
    assert 1900 < longest < 2000
    assert len(site.asked) <= 8
    assert site.most_in_flight <= 4


async def test_no_ids_means_no_request(site: StandIn, reader: SiteReader) -> None:
    assert await reader.allocations_by_id(PRO, []) == []
    assert await reader.allocations_of_users(PRO, []) == []
    assert await reader.users_by_id([]) == {}
    assert site.asked == []


async def test_rows_that_were_not_asked_for_are_dropped(site: StandIn, reader: SiteReader) -> None:
    site.on(PRO_LIST, jsons([a_seat_row(n) for n in range(9)]))
    site.on("/user/full", jsons([a_user_row(n) for n in range(9)]))

    assert [s.id for s in await reader.allocations_by_id(PRO, [a_guid(4)])] == [a_guid(4)]
    assert list(await reader.users_by_id([a_user_id(4)])) == [a_user_id(4)]
    seats = await reader.allocations_of_users(PRO, [a_user_id(4)])
    assert [s.user_id for s in seats] == [a_user_id(4)]


async def test_a_site_that_ignores_filters_gives_each_seat_once(
    site: StandIn, reader: SiteReader
) -> None:
    site.on(PRO_LIST, jsons([a_seat_row(n) for n in range(100)]))

    seats = await reader.allocations_by_id(PRO, [a_guid(n) for n in range(100)])

    assert len(seats) == 100
    assert len(site.asked) > 1


async def test_seats_of_users_are_asked_for_by_the_users_id(
    site: StandIn, reader: SiteReader
) -> None:
    rows = [a_seat_row(n, user=a_user_ref(n % 10)) for n in range(40)]
    site.on(PRO_LIST, filtered(rows, by_id("user.id")))

    seats = await reader.allocations_of_users(PRO, [a_user_id(3)])

    assert [s.id for s in seats] == [a_guid(n) for n in (3, 13, 23, 33)]
    assert site.filters(PRO_LIST) == [f"(user.id eq {a_user_id(3)})"]


def refuses_filters(rows: list[dict[str, Any]], status: int) -> Script:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        refused = text(status, "Cannot parse the expression")
        await (refused if asked.filter else jsons(rows))(asked, writer)

    return script


@pytest.mark.parametrize("status", [400, 414, 500, 501])
async def test_a_site_that_refuses_nested_filters_is_read_whole_and_remembered(
    site: StandIn, reader: SiteReader, status: int
) -> None:
    site.on(PRO_LIST, refuses_filters([a_seat_row(n) for n in range(50)], status))

    for _ in range(2):
        seats = await reader.allocations_of_users(PRO, [a_user_id(7)])
        assert [s.id for s in seats] == [a_guid(7)]

    whole = [f for f in site.filters(PRO_LIST) if not f]
    assert len(whole) == 2
    assert len(site.asked) <= 2 + 3


async def test_a_filter_is_not_blamed_for_a_sick_site(site: StandIn, reader: SiteReader) -> None:
    site.on(PRO_LIST, text(500))
    with pytest.raises(Unreachable):
        await reader.allocations_by_id(PRO, [a_guid(7)])

    site.on(PRO_LIST, filtered([a_seat_row(n) for n in range(50)], by_id()))
    assert len(await reader.allocations_by_id(PRO, [a_guid(7)])) == 1

    assert site.filters(PRO_LIST)[-1] == f"(id eq {a_guid(7)})"


async def test_a_refusal_for_another_reason_stays_one(site: StandIn, reader: SiteReader) -> None:
    site.on(PRO_LIST, text(403, "no rights"))

    with pytest.raises(Refused):
        await reader.allocations_of_users(PRO, [a_user_id(n) for n in range(200)])


async def test_recently_used_seats_are_asked_for_with_an_iso_date(
    site: StandIn, reader: SiteReader
) -> None:
    site.on(PRO_LIST, jsons([a_seat_row(1)]))

    seats = await reader.active_since(PRO, SINCE)

    assert [s.id for s in seats] == [a_guid(1)]
    assert site.filters(PRO_LIST) == ["(lastUsed ge '2026-02-01T12:00:00.000Z')"]


async def test_recent_use_is_sorted_out_here_too(site: StandIn, reader: SiteReader) -> None:
    rows = [
        a_seat_row(1, lastUsed="2026-02-01T12:00:00.000Z"),
        a_seat_row(2, lastUsed="2026-02-01T11:59:59.999Z"),
        a_seat_row(3, lastUsed="1753-01-01T00:00:00.000Z"),
        a_seat_row(4, lastUsed="the other day"),
    ]
    site.on(PRO_LIST, refuses_filters(rows, 400))

    seats = await reader.active_since(PRO, SINCE)

    assert [s.id for s in seats] == [a_guid(1), a_guid(4)]


async def test_an_id_that_is_none_is_never_put_into_a_filter(
    site: StandIn, reader: SiteReader
) -> None:
    with pytest.raises(Garbled, match="no id"):
        await reader.allocations_by_id(PRO, ["x) or (1 eq 1"])

    assert site.asked == []


async def test_one_part_that_stays_silent_fails_the_whole_reading(
    site: StandIn, reader: SiteReader
) -> None:
    site.on(PRO_LIST, jsons([a_seat_row(1)]), text(503))

    with pytest.raises(Unreachable):
        await reader.allocations_by_id(PRO, [a_guid(n) for n in range(100)])


async def test_an_overview_that_is_no_json_is_garbled(site: StandIn, reader: SiteReader) -> None:
    site.on("/license/accesstypeoverview", body(200, b'{"professionalAccess": {'))

    with pytest.raises(Garbled, match="access type overview: cut off"):
        await reader.overview()
