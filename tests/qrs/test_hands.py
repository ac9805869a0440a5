"""One DELETE or POST is one request at the server, whatever the server does with it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta

import pytest

from qrs_rows import MakeClient, a_guid, a_user_id
from qrs_stand_in import (
    Asked,
    Script,
    StandIn,
    body,
    drop,
    hang,
    head,
    jsons,
    late,
    never_shakes_hands,
    nobody_listens,
    nothing,
    raw,
    text,
)
from seatkeeper.core.model import LicenseType
from seatkeeper.flow.ports import RELEASE_TURN
from seatkeeper.qrs.body import Whole
from seatkeeper.qrs.client import WRITE_PATIENCE, QrsClient
from seatkeeper.qrs.hands import Granter, Releaser
from seatkeeper.qrs.wire import COUNT

PRO, ANALYZER = LicenseType.PROFESSIONAL, LicenseType.ANALYZER
SEAT = a_guid(1)
SEAT_PATH = f"/license/professionalaccesstype/{SEAT}"
SEATS_PATH = "/license/professionalaccesstype"
LOGIN_PAGE = b"<html><form action='login'></form></html>"


async def test_a_release_is_one_delete_of_that_seat(site: StandIn, client: QrsClient) -> None:
    site.on(f"/license/analyzeraccesstype/{SEAT}", nothing(204))

    answer = await Releaser(client).release(ANALYZER, SEAT)

    assert answer.is_success
    assert answer.status == 204
    assert [(a.method, a.path) for a in site.asked] == [
        ("DELETE", f"/qrs/license/analyzeraccesstype/{SEAT}")
    ]


async def test_a_grant_is_one_post_that_names_the_user(site: StandIn, client: QrsClient) -> None:
    site.on(SEATS_PATH, jsons({"id": a_guid(7), "user": {}}, 201))

    answer = await Granter(client).grant(PRO, a_user_id(3))

    assert answer.is_success
    assert answer.created_id == a_guid(7)
    [asked] = site.asked
    assert asked.method == "POST"
    assert json.loads(asked.body) == {"user": {"id": a_user_id(3)}}
    assert asked.headers["content-type"].startswith("application/json")


UNCLEAR = [
    pytest.param(drop(), id="drops the connection"),
    pytest.param(raw(b"", then_reset=True), id="resets the connection"),
    pytest.param(raw(b"SSH-2.0-OpenSSH\r\n", then_close=True), id="not HTTP"),
    pytest.param(raw(b"HTTP/1.1 204 No Co", then_close=True), id="half a status line"),
    pytest.param(body(200, LOGIN_PAGE, "text/html"), id="a login page with status 200"),
]


@pytest.mark.parametrize("trouble", UNCLEAR)
async def test_a_delete_without_a_clear_answer_is_sent_once(
    site: StandIn, client: QrsClient, trouble: Script
) -> None:
    site.on(SEAT_PATH, trouble)

    answer = await Releaser(client).release(PRO, SEAT)

    assert (answer.status, answer.sent, answer.is_success) == (None, True, False)
    assert answer.text
    assert site.count("DELETE") == client.requests == 1


@pytest.mark.parametrize("trouble", UNCLEAR)
async def test_a_post_without_a_clear_answer_is_sent_once(
    site: StandIn, client: QrsClient, trouble: Script
) -> None:
    site.on(SEATS_PATH, trouble)

    answer = await Granter(client).grant(PRO, a_user_id(3))

    assert (answer.status, answer.sent, answer.created_id) == (None, True, None)
    assert site.count("POST") == 1


async def test_fifty_deletes_with_dropped_answers_are_fifty_requests(
    site: StandIn, a_client: MakeClient
) -> None:
    for number in range(50):
        trouble = drop() if number % 5 == 0 else nothing(204)
        site.on(f"/license/professionalaccesstype/{a_guid(number)}", trouble)

    async with a_client(site, concurrency=4) as client:
        releaser = Releaser(client)
        answers = await asyncio.gather(*(releaser.release(PRO, a_guid(n)) for n in range(50)))

    assert site.count("DELETE") == 50
    assert len({a.path for a in site.asked}) == 50
    assert sum(1 for a in answers if a.status is None) == 10


async def test_a_kept_connection_that_breaks_under_a_delete_is_not_tried_again(
    site: StandIn, client: QrsClient
) -> None:
    site.on(SEAT_PATH, text(404), drop())
    releaser = Releaser(client)

    first = await releaser.release(PRO, SEAT)
    second = await releaser.release(PRO, SEAT)

    assert first.status == 404
    assert second.status is None
    assert site.count("DELETE") == 2
    assert site.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_a_delete_is_a_refusal(
    site: StandIn, client: QrsClient, status: int
) -> None:
    site.on(SEAT_PATH, text(status, Location="/qrs/elsewhere"))

    answer = await Releaser(client).release(PRO, SEAT)

    assert answer.status == status
    assert not answer.is_success
    assert "login page" in answer.text
    assert [a.path for a in site.asked] == [f"/qrs{SEAT_PATH}"]


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 502, 503])
async def test_a_refused_delete_tells_status_and_text_and_is_not_repeated(
    site: StandIn, client: QrsClient, status: int
) -> None:
    site.on(SEAT_PATH, text(status, "No\r\n  way " * 100))

    answer = await Releaser(client).release(PRO, SEAT)

    assert answer.status == status
    assert answer.sent
    assert answer.text.startswith("No way No way")
    assert len(answer.text) <= 200
    assert site.count("DELETE") == 1


async def test_a_web_page_is_not_shown_as_the_reason(site: StandIn, client: QrsClient) -> None:
    site.on(SEAT_PATH, body(403, LOGIN_PAGE, "text/html"))

    answer = await Releaser(client).release(PRO, SEAT)

    assert answer.status == 403
    assert "<" not in answer.text


async def test_a_delete_that_nobody_answers_ends_with_the_time_out(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on(SEAT_PATH, hang())

    async with a_client(site, timeout=timedelta(seconds=0.3)) as client:
        began = time.monotonic()
        answer = await Releaser(client).release(PRO, SEAT)

    assert answer.status is None
    assert answer.sent
    assert time.monotonic() - began < 3
    assert site.count("DELETE") == 1


async def test_the_status_counts_even_when_the_body_breaks(
    site: StandIn, client: QrsClient
) -> None:
    site.on(SEATS_PATH, raw(head(201, {"Content-Length": "900"}) + b'{"id":', then_close=True))

    answer = await Granter(client).grant(PRO, a_user_id(3))

    assert answer.status == 201
    assert answer.created_id is None
    assert site.count("POST") == 1


async def test_nobody_listening_means_certainly_not_sent(a_client: MakeClient) -> None:
    async with nobody_listens() as url, a_client(url) as client:
        answer = await Releaser(client).release(PRO, SEAT)

    assert answer.status is None
    assert not answer.sent
    assert "nobody listens" in answer.text


async def test_a_cancelled_release_stays_cancelled_and_is_not_repeated(
    site: StandIn, client: QrsClient
) -> None:
    site.on(SEAT_PATH, hang())
    task = asyncio.create_task(Releaser(client).release(PRO, SEAT))
    await site.arrived.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert site.count("DELETE") == 1


@pytest.mark.parametrize("wrong", ["", "1", "../user", f"{SEAT}/x", f"{SEAT}?filter=", "*"])
async def test_what_is_no_id_never_reaches_an_address(
    site: StandIn, client: QrsClient, wrong: str
) -> None:
    released = await Releaser(client).release(PRO, wrong)
    granted = await Granter(client).grant(PRO, wrong)

    assert not released.sent
    assert not granted.sent
    assert site.asked == []


async def test_a_write_does_not_wait_long_for_its_turn(site: StandIn, a_client: MakeClient) -> None:
    site.on("/user/count", late(4, jsons({"value": 1})))

    async with a_client(site, concurrency=1, timeout=timedelta(seconds=30)) as client:
        reading = asyncio.create_task(
            client.read("/user/count", lambda: Whole("count", COUNT, lambda b: b))
        )
        await site.arrived.wait()
        began = time.monotonic()
        answer = await Releaser(client).release(PRO, SEAT)
        took = time.monotonic() - began
        reading.cancel()

    assert not answer.sent
    assert took < 3.5
    assert site.count("DELETE") == 0


async def test_a_write_does_not_wait_long_for_its_connection(a_client: MakeClient) -> None:
    async with (
        never_shakes_hands() as url,
        a_client(url, timeout=timedelta(seconds=30)) as client,
    ):
        began = time.monotonic()
        answer = await Releaser(client).release(PRO, SEAT)

    assert not answer.sent
    assert "no connection" in answer.text
    assert time.monotonic() - began < 3.5


def test_a_release_leaves_as_fast_as_the_flow_counts_on() -> None:
    assert timedelta(seconds=WRITE_PATIENCE) <= RELEASE_TURN


async def test_two_at_once_are_two_requests(site: StandIn, client: QrsClient) -> None:
    async def only_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
        first = site.count("DELETE") == 1
        await (nothing(204) if first else text(404))(asked, writer)

    site.on(SEAT_PATH, only_once)
    releaser = Releaser(client)

    answers = await asyncio.gather(releaser.release(PRO, SEAT), releaser.release(PRO, SEAT))

    assert sorted(a.status or 0 for a in answers) == [204, 404]
    assert site.count("DELETE") == 2
