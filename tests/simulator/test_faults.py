from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from seatkeeper.simulator.faults import Fault, FaultKind, Faults, duration_ms, share
from seatkeeper.simulator.moments import DAY, iso
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.rows import Seat
from seatkeeper.simulator.serve import Simulator
from simulator.world import ANALYZER, SERVICE, XRFKEY, QrsClient, client_for

PATH = "/qrs/license/analyzeraccesstype"
GONE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with Simulator(SimOptions(tmp_path, users=60)) as made:
        yield made


@pytest_asyncio.fixture
async def client(simulator: Simulator) -> AsyncIterator[QrsClient]:
    async with client_for(simulator) as made:
        yield made


def spoil(simulator: Simulator, *texts: str) -> None:
    simulator.set_faults(Faults.parse(texts))


def idle_seats(simulator: Simulator) -> list[Seat]:
    long_ago = simulator.site.clock.now() - 8 * DAY
    seats = simulator.site.records.seats[ANALYZER].values()
    return [seat for seat in seats if seat.last_used < long_ago and not seat.quarantined]


async def posted(client: QrsClient) -> tuple[int, object]:
    return await client.ask("POST", "/qrs/tag", {"name": "fresh"})


def made_tags(simulator: Simulator) -> int:
    tags = simulator.site.records.documents["tag"].values()
    return sum(tag["name"] == "fresh" for tag in tags)


async def head(client: QrsClient) -> aiohttp.ClientResponse:
    headers = {"X-Qlik-Xrfkey": XRFKEY, "X-Qlik-User": SERVICE}
    address = f"{client.root}/qrs/about?xrfkey={XRFKEY}"
    async with client.session.get(address, headers=headers) as response:
        await response.read()
        return response


async def test_latency_delays_every_answer(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "latency=150")
    loop = asyncio.get_running_loop()
    start = loop.time()

    await asyncio.gather(*(client.ask("GET", "/qrs/about") for _ in range(5)))

    assert loop.time() - start > 0.14


async def test_a_slow_body_trickles(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "slow=1000:path=/about")
    loop = asyncio.get_running_loop()
    start = loop.time()

    status, about = await client.ask("GET", "/qrs/about")

    assert (status, about["schemaPath"]) == (200, "About")
    assert loop.time() - start > 0.1


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
async def test_a_hanging_request_never_answers(
    simulator: Simulator, client: QrsClient, when: str, made: int
) -> None:
    spoil(simulator, f"hang={when}:method=POST")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await posted(client)

    assert made_tags(simulator) == made
    assert [entry.status for entry in simulator.requests] == [0]


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
async def test_a_dropped_connection_gives_no_answer(
    simulator: Simulator, client: QrsClient, when: str, made: int
) -> None:
    spoil(simulator, f"drop={when}")

    with pytest.raises(GONE):
        await posted(client)

    assert made_tags(simulator) == made


async def test_a_lost_answer_was_carried_out(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "lost:every=2")

    status, _ = await posted(client)
    with pytest.raises(GONE):
        await posted(client)

    assert status == 201
    assert made_tags(simulator) == 2


async def test_refusals_are_not_lost(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "lost")

    assert (await client.ask("POST", "/qrs/tag", {}))[0] == 400
    assert (await client.ask("GET", "/qrs/tag"))[0] == 200


async def test_every_third_delete_fails_and_does_nothing(
    simulator: Simulator, client: QrsClient
) -> None:
    spoil(simulator, "status=503:every=3:method=DELETE")
    seats = idle_seats(simulator)[:3]

    answers = [await client.ask("DELETE", f"{PATH}/{seat.id}") for seat in seats]

    assert [status for status, _ in answers] == [204, 204, 503]
    assert seats[2].id in simulator.site.records.seats[ANALYZER]
    assert (await client.ask("GET", "/qrs/about"))[0] == 200


async def test_too_many_requests_say_when_to_come_back(
    simulator: Simulator, client: QrsClient
) -> None:
    spoil(simulator, "status=429:first=1")

    response = await head(client)

    assert (response.status, response.headers["Retry-After"]) == (429, "1")
    assert (await head(client)).status == 200


async def test_one_id_can_be_refused(simulator: Simulator, client: QrsClient) -> None:
    first, second = idle_seats(simulator)[:2]
    spoil(simulator, f"status=403:method=DELETE:id={first.id}")

    assert (await client.ask("DELETE", f"{PATH}/{first.id}"))[0] == 403
    assert (await client.ask("DELETE", f"{PATH}/{second.id}"))[0] == 204


async def test_some_requests_pass_before_a_fault(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "status=500:after=2")

    assert [(await client.ask("GET", "/qrs/about"))[0] for _ in range(4)] == [200, 200, 500, 500]


async def test_a_login_page_comes_with_200(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "html")

    status, text = await posted(client)

    assert status == 200
    assert str(text).startswith("<!DOCTYPE html>")
    assert made_tags(simulator) == 0


async def test_a_body_can_be_cut_off(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "cut")

    with pytest.raises(aiohttp.ClientPayloadError):
        await client.ask("GET", "/qrs/user/full")


async def test_a_body_can_be_cut_off_unnoticed(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "cut_silently")

    with pytest.raises(json.JSONDecodeError):
        await client.ask("GET", "/qrs/user/full")


async def test_a_body_can_be_no_json(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "not_json:path=/user")

    with pytest.raises(json.JSONDecodeError):
        await client.ask("GET", "/qrs/user")


async def test_a_delete_can_do_nothing(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "ignore_delete")
    [seat, *_] = idle_seats(simulator)

    assert (await client.ask("DELETE", f"{PATH}/{seat.id}"))[0] == 204
    assert (await client.ask("GET", f"{PATH}/{seat.id}"))[0] == 200


async def test_a_filter_can_be_ignored(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "ignore_filter")

    _, users = await client.ask("GET", "/qrs/user", filter="userId eq 'sa_api'")

    assert len(users) == len(simulator.site.records.users)


@pytest.mark.parametrize(("value", "status"), [("403", 403), ("404", 404), ("empty", 200)])
async def test_usage_can_be_missing(
    simulator: Simulator, client: QrsClient, value: str, status: int
) -> None:
    spoil(simulator, f"usage={value}")

    answer = await client.ask("GET", "/qrs/license/analyzeraccessusage/full")

    assert answer[0] == status
    assert status != 200 or answer[1] == []
    assert len((await client.ask("GET", f"{PATH}/full"))[1]) > 0


async def test_usage_can_hang(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "usage=hang")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.ask("GET", "/qrs/license/professionalaccessusage/full")
    assert (await client.ask("GET", "/qrs/about"))[0] == 200


async def test_activity_can_be_stale(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "stale=5d")
    latest = iso(simulator.site.clock.now() - 5 * DAY)

    _, seats = await client.ask("GET", f"{PATH}/full")
    _, usage = await client.ask("GET", "/qrs/license/analyzeraccessusage/full")
    fresh = await client.ask("GET", f"{PATH}/count", filter=f"lastUsed gt '{latest}'")

    assert max(seat["lastUsed"] for seat in seats) <= latest
    assert max(row["latestActivity"] for row in usage) <= latest
    assert fresh == (200, {"value": 0})
    spoil(simulator)
    assert max(seat["lastUsed"] for seat in (await client.ask("GET", f"{PATH}/full"))[1]) > latest


async def test_a_directory_accident_marks_and_heals(
    simulator: Simulator, client: QrsClient
) -> None:
    text = "removedExternally eq true and inactive eq true"
    before = await client.ask("GET", "/qrs/user", filter=text)

    spoil(simulator, "accident=40%")
    _, during = await client.ask("GET", "/qrs/user", filter=text)
    spoil(simulator)
    after = await client.ask("GET", "/qrs/user", filter=text)

    everybody = len(simulator.site.records.users)
    assert 0.2 * everybody < len(during) < 0.7 * everybody
    assert before == after


@pytest.mark.parametrize(("text", "minutes"), [("skew=10m", 10), ("skew=-1h", -60)])
async def test_the_date_header_can_be_wrong(
    simulator: Simulator, client: QrsClient, text: str, minutes: int
) -> None:
    right = parsedate_to_datetime((await head(client)).headers["Date"])
    spoil(simulator, text)

    wrong = parsedate_to_datetime((await head(client)).headers["Date"])

    assert abs(wrong - right - timedelta(minutes=minutes)) < timedelta(seconds=10)


async def test_the_date_header_can_be_missing(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "no_date")

    response = await head(client)

    assert response.status == 200
    assert "Date" not in response.headers
    assert (await client.ask("DELETE", "/qrs/tag/unknown"))[0] == 404


async def test_faults_add_up(simulator: Simulator, client: QrsClient) -> None:
    spoil(simulator, "latency=1", "status=500:path=/about", "lost:method=POST")

    assert (await client.ask("GET", "/qrs/about"))[0] == 500
    with pytest.raises(GONE):
        await posted(client)

    first, second = simulator.requests
    assert (first.outcome, second.outcome) == ("latency,status", "latency,lost created")


# Texts


def test_a_fault_is_read_from_its_text() -> None:
    fault = Fault.parse("status=500:every=7:method=delete:path=AccessType:first=3:after=1")

    assert fault == Fault(
        FaultKind.STATUS, "500", every=7, first=3, after=1, method="DELETE", path="accesstype"
    )
    assert Fault.parse("hang").value == "before"
    assert Fault.parse("no-date").kind is FaultKind.NO_DATE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("flood", "'flood' is not known; known: latency, slow"),
        ("latency=soon", "whole number"),
        ("status=200", "from 400 to 599"),
        ("slow=0", "at least one byte"),
        ("hang=sometimes", "possible: before, after"),
        ("stale=long", "not a duration"),
        ("accident=130%", "not a share"),
        ("accident=half", "not a share"),
        ("drop:every=0", "counts of requests"),
        ("drop:each=2", "is no qualifier"),
        ("drop:method=", "is no qualifier"),
        ("stale=5d:every=2", "takes no qualifier"),
    ],
)
def test_a_fault_that_cannot_be_meant_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Faults.parse([text])


def test_durations_and_shares() -> None:
    assert duration_ms("1.5h") == 90 * 60 * 1000
    assert duration_ms("20ms") == 20
    assert share("30%") == share("0.3") == pytest.approx(0.3)
