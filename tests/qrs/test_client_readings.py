"""What the server does to a reading and what the client makes of it; requests are counted."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from qrs_rows import MakeClient
from qrs_stand_in import (
    Script,
    StandIn,
    body,
    drop,
    hang,
    head,
    late,
    nothing,
    raw,
    text,
    trickle,
)
from seatkeeper.errors import Garbled, NoAnswer, QrsError, Refused, Unreachable
from seatkeeper.qrs.body import Rows, Whole
from seatkeeper.qrs.client import QrsClient, Retrying, fresh_xrfkey
from seatkeeper.qrs.faults import LoginPage, NothingThere

LIST = b'[{"n":1},{"n":2},{"n":3}]'
LOGIN_PAGE = b"<!DOCTYPE html><html><form action='login'></form></html>"


class Number(msgspec.Struct):
    n: int


def numbers() -> Rows[Number, list[int]]:
    found: list[int] = []
    return Rows("numbers", msgspec.json.Decoder(list[Number]), lambda r: found.append(r.n), found)


def one_number() -> Whole[int]:
    return Whole("number", msgspec.json.Decoder(int | Number), _plain)


def _plain(value: int | Number) -> int:
    return value if isinstance(value, int) else value.n


async def read_numbers(client: QrsClient) -> list[int]:
    return await client.read("/list", numbers, long=True)


async def test_a_list_is_read_over_mutual_tls(site: StandIn, client: QrsClient) -> None:
    site.on("/list", body(200, LIST))

    assert await read_numbers(client) == [1, 2, 3]
    assert client.requests == len(site.asked) == 1


async def test_every_request_has_its_own_xrfkey_as_parameter_and_header(
    site: StandIn, client: QrsClient
) -> None:
    site.on("/list", body(200, LIST))

    for _ in range(5):
        await read_numbers(client)

    keys = [asked.query["xrfkey"] for asked in site.asked]
    assert keys == [asked.headers["x-qlik-xrfkey"] for asked in site.asked]
    assert len(set(keys)) == 5
    assert all(len(k) == 16 and k.isascii() and k.isalnum() for k in keys)


def test_xrfkeys_are_never_twice_the_same() -> None:
    assert len({fresh_xrfkey() for _ in range(1000)}) == 1000


async def test_connections_are_kept_and_never_more_than_requests_in_flight(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on("/list", late(0.01, body(200, LIST)))

    async with a_client(site, concurrency=3) as client:
        await asyncio.gather(*(read_numbers(client) for _ in range(30)))

    assert len(site.asked) == 30
    assert site.most_in_flight == 3
    assert site.connections == 3


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(drop(), id="drops the connection"),
        pytest.param(text(500, "Internal Server Error"), id="500"),
        pytest.param(text(502), id="502"),
        pytest.param(text(503), id="503"),
        pytest.param(text(504), id="504"),
        pytest.param(text(429), id="429"),
        pytest.param(body(200, b"not json at all"), id="not JSON"),
        pytest.param(body(200, b'[{"n":1},{"n":'), id="half a list with a length"),
        pytest.param(
            raw(head(200, {"Content-Length": "500"}) + LIST, then_close=True), id="body too short"
        ),
        pytest.param(
            raw(
                head(200, {"Transfer-Encoding": "chunked"}) + b'9\r\n[{"n":1},\r\n', then_close=True
            ),
            id="chunks cut off",
        ),
        pytest.param(raw(head(200, {}) + LIST[:12], then_close=True), id="no length, closed"),
        pytest.param(raw(head(200, {}) + LIST[:12], then_reset=True), id="no length, reset"),
        pytest.param(raw(head(200, {}), then_close=True), id="no length, no body"),
        pytest.param(raw(b"SSH-2.0-OpenSSH\r\n", then_close=True), id="not HTTP"),
        pytest.param(body(200, b'[{"n":"one"}]'), id="of the wrong shape"),
        pytest.param(body(200, b'{"n":1}'), id="an object instead of a list"),
    ],
)
async def test_trouble_that_passes_is_tried_again(
    site: StandIn, client: QrsClient, trouble: Script
) -> None:
    site.on("/list", trouble, trouble, body(200, LIST))

    assert await read_numbers(client) == [1, 2, 3]
    assert len(site.asked) == client.requests == 3


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (drop(), NoAnswer),
        (text(503, "busy"), Unreachable),
        (body(200, b"[{]"), Garbled),
        (raw(head(200, {}) + LIST[:12], then_close=True), Garbled),
    ],
)
async def test_trouble_that_stays_is_an_error_after_a_few_tries(
    site: StandIn, client: QrsClient, trouble: Script, error: type[QrsError]
) -> None:
    site.on("/list", trouble)

    with pytest.raises(error, match="tried 3 times"):
        await read_numbers(client)

    assert len(site.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 501])
async def test_a_clear_no_is_asked_once(site: StandIn, client: QrsClient, status: int) -> None:
    site.on("/list", text(status, "  The\r\n  rule says   no. "))

    with pytest.raises(Refused, match=r"The rule says no\.") as caught:
        await read_numbers(client)

    assert caught.value.status == status
    assert len(site.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(site: StandIn, client: QrsClient, status: int) -> None:
    site.on("/list", text(status, "moved", Location="/qrs/elsewhere"))
    site.on("/elsewhere", body(200, LIST))

    with pytest.raises(LoginPage, match="login page"):
        await read_numbers(client)

    assert [asked.path for asked in site.asked] == ["/qrs/list"]


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
async def test_a_login_page_with_status_200_is_recognised(
    site: StandIn, client: QrsClient, content_type: str
) -> None:
    site.on("/list", body(200, LOGIN_PAGE, content_type))

    with pytest.raises(LoginPage, match="web page"):
        await read_numbers(client)


@pytest.mark.parametrize(
    "answer", [nothing(204), body(200, b""), body(200, b" \r\n"), body(200, b"null")]
)
async def test_an_answer_without_content_is_told_apart(
    site: StandIn, client: QrsClient, answer: Script
) -> None:
    site.on("/list", answer)

    with pytest.raises(NothingThere):
        await read_numbers(client)

    assert len(site.asked) == 1


async def test_a_list_without_a_length_is_read_when_its_end_is_there(
    site: StandIn, client: QrsClient
) -> None:
    site.on("/list", raw(head(200, {}) + LIST, then_close=True))

    assert await read_numbers(client) == [1, 2, 3]


async def test_a_bare_number_without_a_length_is_never_believed(
    site: StandIn, client: QrsClient
) -> None:
    site.on("/number", raw(head(200, {}) + b"12", then_close=True))

    with pytest.raises(Garbled, match="cut off"):
        await client.read("/number", one_number)


async def test_a_server_that_never_answers_is_left_in_time(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on("/list", hang())

    async with a_client(site, timeout=timedelta(seconds=0.2)) as client:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="did not answer in time"):
            await read_numbers(client)

    assert time.monotonic() - began < 3
    assert 1 <= len(site.asked) <= 2


async def test_a_small_answer_that_trickles_ends_with_the_time_out(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on("/number", trickle(b'{"n":1}' + b" " * 500, 0.02))

    async with a_client(site, timeout=timedelta(seconds=0.3)) as client:
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            await client.read("/number", one_number)

    assert time.monotonic() - began < 4


async def test_a_long_list_may_take_longer_than_the_time_out_but_not_for_ever(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on("/list", trickle(LIST, 0.02))

    async with a_client(site, timeout=timedelta(seconds=0.3)) as client:
        assert await read_numbers(client) == [1, 2, 3]
        site.on("/list", trickle(LIST + b" " * 2000, 0.02))
        with pytest.raises(NoAnswer):
            await read_numbers(client)

    assert len(site.asked) == 2


async def test_a_cancelled_reading_ends_at_once_and_the_next_one_works(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on("/list", hang(), body(200, LIST))

    async with a_client(site, concurrency=1) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await read_numbers(client)
        began = time.monotonic()
        assert await read_numbers(client) == [1, 2, 3]

    assert time.monotonic() - began < 4  # the time-out is 5 s


async def test_a_connection_closed_while_idle_does_no_harm(
    site: StandIn, client: QrsClient
) -> None:
    answer = head(200, {"Content-Length": str(len(LIST))}) + LIST
    site.on("/list", raw(answer, then_close=True), body(200, LIST))

    assert await read_numbers(client) == [1, 2, 3]
    await asyncio.sleep(0.05)
    assert await read_numbers(client) == [1, 2, 3]
    assert len(site.asked) == 2


async def test_the_site_is_left_alone_for_as_long_as_it_asks(
    site: StandIn, client: QrsClient
) -> None:
    site.on("/list", text(429, "later", Retry_After="1"), body(200, LIST))

    began = time.monotonic()
    await asyncio.gather(read_numbers(client), read_numbers(client))

    assert time.monotonic() - began >= 0.9


async def test_fewer_requests_are_in_flight_while_the_site_suffers(
    site: StandIn, a_client: MakeClient
) -> None:
    site.on("/ok", late(0.005, body(200, LIST)))
    site.on("/list", text(503), text(503), body(200, LIST))

    async with a_client(site, concurrency=8) as client:
        await read_numbers(client)
        assert client.in_flight_limit == 2
        site.most_in_flight = 0
        await asyncio.gather(*(client.read("/ok", numbers) for _ in range(8)))
        assert site.most_in_flight == 2
        await asyncio.gather(*(client.read("/ok", numbers) for _ in range(80)))
        assert client.in_flight_limit == 8

    assert site.most_in_flight <= 8


async def test_slow_answers_count_as_suffering(site: StandIn, a_client: MakeClient) -> None:
    site.on("/list", late(0.6, body(200, LIST)))

    async with a_client(site, concurrency=8, timeout=timedelta(seconds=2)) as client:
        await client.read("/list", numbers)

        assert client.in_flight_limit == 4


async def test_the_clock_of_the_site_is_compared_with_ours(
    site: StandIn, client: QrsClient
) -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    site.on("/list", body(200, LIST, Date=ahead))

    assert client.skew is None
    await read_numbers(client)

    assert client.skew is not None
    assert abs(client.skew - timedelta(minutes=10)) < timedelta(seconds=5)


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Foo 2026 99:99:99 GMT"])
async def test_a_date_that_is_none_tells_nothing(
    site: StandIn, client: QrsClient, date: str
) -> None:
    site.on("/list", body(200, LIST, Date=date))

    await read_numbers(client)

    assert client.skew is None


async def test_error_texts_are_short_and_hold_no_secret(site: StandIn, client: QrsClient) -> None:
    site.on(
        "/list", text(400, "password=hunter2 key eyJhbGciOiJSUzUxMiJ9.e30.c2ln " + "x y " * 500)
    )

    with pytest.raises(Refused) as caught:
        await read_numbers(client)

    assert "hunter2" not in str(caught.value)
    assert "eyJ" not in str(caught.value)
    assert len(caught.value.text) <= 200


async def test_tries_end_when_the_patience_is_over(site: StandIn, a_client: MakeClient) -> None:
    site.on("/list", text(503))
    slow = Retrying(tries=100, first_pause=0.2, longest_pause=0.2)

    async with a_client(site, timeout=timedelta(seconds=0.5), retrying=slow) as client:
        with pytest.raises(Unreachable):
            await read_numbers(client)

    assert 3 <= len(site.asked) <= 11


async def test_a_client_outside_its_context_sends_nothing(
    site: StandIn, a_client: MakeClient
) -> None:
    with pytest.raises(RuntimeError):
        await a_client(site).read("/list", numbers)
