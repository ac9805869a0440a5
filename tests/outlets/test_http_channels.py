"""The channels that speak HTTP: a signed webhook, Alertmanager, Butler's webhook."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from builders import NOW
from fakes import FakeClock
from messages import a_message
from qrs_pki import Authority
from receivers import Heard, HttpReceiver, RealAlertmanager, free_port
from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.butler_event import ButlerEvent, ButlerEventName
from seatkeeper.errors import MessageRefused, NotTold
from seatkeeper.outlets.alertmanager import Alertmanager
from seatkeeper.outlets.butler_events import ButlerWebhook
from seatkeeper.outlets.posting import Receiver
from seatkeeper.outlets.webhook import Webhook

SECRET = "correct-horse-battery-staple"
SOON = timedelta(milliseconds=300)
LONG = timedelta(seconds=20)


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with HttpReceiver().up() as one:
        yield one


def webhook(receiver: HttpReceiver, *, secret: str = SECRET, timeout: timedelta = LONG) -> Webhook:
    return Webhook(Receiver(url=receiver.url, timeout=timeout), secret, FakeClock(NOW).now)


def is_signed(heard: Heard, key: bytes) -> bool:
    """Verify as docs/channels.md tells receivers to."""
    told = heard.headers
    signed = f"{told['webhook-id']}.{told['webhook-timestamp']}.".encode() + heard.body
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(f"v1,{want}", told["webhook-signature"])


async def test_a_webhook_is_signed_over_id_time_and_body(receiver: HttpReceiver) -> None:
    said = await webhook(receiver).tell(a_message(), "k1")

    [heard] = receiver.heard
    assert said == f"127.0.0.1:{receiver.port} answered 200: fine"
    assert is_signed(heard, SECRET.encode())
    assert not is_signed(heard, b"another secret")
    assert heard.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    heard.body += b" "
    assert not is_signed(heard, SECRET.encode())


async def test_the_body_of_a_webhook_says_everything(receiver: HttpReceiver) -> None:
    await webhook(receiver).tell(a_message(state=MessageState.RESOLVED), "k1")

    body = json.loads(receiver.heard[0].body)
    assert body["type"] == "alert.resolved"
    assert body["timestamp"] == "2026-11-02T03:00:00Z"
    assert body["data"]["site"] == "prod"
    assert body["data"]["values"] == {"available": 3.0, "total": 100.0}
    assert body["data"]["runbook"].endswith("#low_availability")


async def test_a_message_sent_again_has_the_same_id(receiver: HttpReceiver) -> None:
    hook = webhook(receiver)

    for key in ("k1", "k1", "k2"):
        await hook.tell(a_message(), key)

    first, again, other = (h.headers["webhook-id"] for h in receiver.heard)
    assert first == again != other


async def test_a_secret_in_base64_is_decoded_as_the_specification_says(
    receiver: HttpReceiver,
) -> None:
    key = b"\x00\x01 twenty-four bytes of it"

    await webhook(receiver, secret="whsec_" + base64.b64encode(key).decode()).tell(a_message(), "k")

    assert is_signed(receiver.heard[0], key)


@pytest.mark.parametrize(
    ("answer", "error", "what"),
    [
        (web.Response(status=503), NotTold, "answered 503"),
        (web.Response(status=401), NotTold, "check the user, password or secret"),
        (web.Response(status=404), NotTold, "check the path"),
        (web.Response(status=302, headers={"Location": "/x"}), NotTold, "sends us elsewhere"),
        (web.Response(status=422, text="no such site"), MessageRefused, "422: no such site"),
        (web.Response(status=400, text="no such site"), MessageRefused, "400: no such site"),
        (
            web.Response(status=400, text="<h1>Bad Request</h1>", content_type="text/html"),
            NotTold,
            "check http or https, host and port",
        ),
    ],
    ids=lambda value: f"{value.status} {value.content_type}" if hasattr(value, "status") else "",
)
async def test_what_an_answer_means(
    receiver: HttpReceiver, answer: web.Response, error: type[Exception], what: str
) -> None:
    receiver.answers = [answer]

    with pytest.raises(error, match=what):
        await webhook(receiver).tell(a_message(), "k")

    assert len(receiver.heard) == 1


async def test_a_receiver_that_asks_for_patience_gets_it(receiver: HttpReceiver) -> None:
    receiver.answers = [web.Response(status=429, headers={"Retry-After": "120"})]

    with pytest.raises(NotTold) as caught:
        await webhook(receiver).tell(a_message(), "k")

    assert caught.value.wait == timedelta(seconds=120)


async def test_a_receiver_that_repeats_its_address_gives_no_secret_of_it_away(
    receiver: HttpReceiver,
) -> None:
    path = f"/services/T0SECRET%21TOKEN?key=k3y&to=s3cr3t&long={'x' * 90}"
    url = f"http://127.0.0.1:{receiver.port}{path}"
    there = Receiver(url=url, timeout=LONG, user="me", password="pw!")
    page = f"<pre>Cannot POST {url} /services/T0SECRET!TOKEN as me with pw!</pre>"
    receiver.answers = [web.Response(status=status, text=page) for status in (404, 422, 200)]

    said = []
    for error in (NotTold, MessageRefused):
        with pytest.raises(error, match="Cannot POST") as caught:
            await Webhook(there, SECRET, FakeClock(NOW).now).tell(a_message(), "k")
        said.append(str(caught.value))
    said.append(await Webhook(there, SECRET, FakeClock(NOW).now).tell(a_message(), "k"))

    for secret in ("T0SECRET", "services", "s3cr3t", "pw!", "xxxx"):
        assert [text for text in said if secret in text] == []


async def test_an_answer_whose_text_never_ends_counts_by_its_status() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfine")
        with contextlib.suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(answer, "127.0.0.1", port := free_port())
    async with server:
        there = Receiver(url=f"http://127.0.0.1:{port}/in", timeout=LONG)
        said = await Webhook(there, SECRET, FakeClock(NOW).now).tell(a_message(), "k")
        await ended.wait()

    assert said == f"127.0.0.1:{port} answered 200: fine"


async def test_a_receiver_that_hangs_is_given_up(receiver: HttpReceiver) -> None:
    receiver.hang = True

    with pytest.raises(NotTold, match=r"did not answer within 0\.3 s"):
        await webhook(receiver, timeout=SOON).tell(a_message(), "k")


async def test_a_receiver_that_is_not_there_is_named_without_its_path() -> None:
    hook = webhook(HttpReceiver())

    with pytest.raises(NotTold, match="cannot be reached: Conn") as caught:
        await hook.tell(a_message(), "k")

    assert "/in" not in str(caught.value)


async def test_a_certificate_must_come_from_the_named_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "internal")
    pair = authority.issue("hook", hosts=("127.0.0.1",))
    tls = await asyncio.to_thread(ssl.SSLContext, ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.cert, pair.key)
    async with HttpReceiver(tls=tls).up() as receiver:
        trusting = Receiver(url=receiver.url, timeout=LONG, ca_file=authority.root)
        await Webhook(trusting, SECRET, FakeClock(NOW).now).tell(a_message(), "k")

        with pytest.raises(NotTold, match="its certificate is not trusted; give the ca_file"):
            await webhook(receiver).tell(a_message(), "k")
        missing = Receiver(url=receiver.url, timeout=LONG, ca_file=tmp_path / "none.pem")
        with pytest.raises(NotTold, match="cannot be used: No such file"):
            await Webhook(missing, SECRET, FakeClock(NOW).now).tell(a_message(), "k")

    assert len(receiver.heard) == 1


async def test_a_real_alertmanager_holds_what_fires_until_it_is_resolved(tmp_path: Path) -> None:
    real, now = RealAlertmanager(tmp_path), datetime.now(UTC)
    message = a_message(since=now - timedelta(hours=2), at=now, severity=Severity.CRITICAL)
    async with real.up():
        there = Receiver(url=real.url, timeout=LONG)
        manager = Alertmanager(there, timedelta(hours=1), lambda: now)

        await manager.tell(message, "k1")
        await manager.tell(a_message(2, since=now, at=now), "k2")
        firing = await real.alerts()
        await manager.tell(a_message(since=now, at=now, again=True, severity=Severity.CRITICAL), "")
        again = await real.alerts()
        over = a_message(
            since=message.since, at=now, state=MessageState.RESOLVED, severity=Severity.CRITICAL
        )
        await manager.tell(over, "k3")
        left = await real.alerts()

    first = next(a for a in firing if a["labels"]["key"] == message.key)
    assert len(firing) == len(again) == 2
    assert first["labels"]["alertname"] == "low_availability"
    assert first["labels"]["severity"] == "critical"
    assert first["annotations"]["summary"] == message.title
    assert first["annotations"]["available"] == "3.0"
    assert first["generatorURL"] == message.runbook
    assert [a["labels"]["key"] for a in left] == ["low_availability prod 2"]


async def test_in_a_real_alertmanager_an_alert_has_one_severity_and_ends_whatever_it_was(
    tmp_path: Path,
) -> None:
    real, now = RealAlertmanager(tmp_path), datetime.now(UTC)
    since, found = now - timedelta(hours=3), []
    async with real.up():
        manager = Alertmanager(
            Receiver(url=real.url, timeout=LONG), timedelta(hours=1), lambda: now
        )
        for minutes, severity, state in (
            (60, Severity.WARNING, MessageState.FIRING),
            (50, Severity.CRITICAL, MessageState.FIRING),
            (40, Severity.WARNING, MessageState.FIRING),
            (30, Severity.CRITICAL, MessageState.RESOLVED),
        ):
            at = now - timedelta(minutes=minutes)
            await manager.tell(a_message(since=since, at=at, severity=severity, state=state), "k")
            found.append([a["labels"]["severity"] for a in await real.alerts()])

    assert found == [["warning"], ["critical"], ["warning"], []]


async def test_an_alert_that_had_to_wait_is_active_from_now_on(receiver: HttpReceiver) -> None:
    late = NOW + timedelta(hours=5)
    there = Receiver(url=receiver.url, timeout=LONG, user="me", password="word")

    await Alertmanager(there, timedelta(hours=1), lambda: late).tell(a_message(), "k")

    alert, *_ = json.loads(receiver.heard[0].body)
    assert receiver.heard[0].path == "/in/api/v2/alerts"
    assert receiver.heard[0].headers["Authorization"].startswith("Basic ")
    assert datetime.fromisoformat(alert["endsAt"]) == late + timedelta(hours=1)
    assert datetime.fromisoformat(alert["startsAt"]) == NOW - timedelta(hours=1)


EVENT = ButlerEvent(
    event=ButlerEventName.EXPIRING,
    license_expired=False,
    expiry_date_str="2027-06-30",
    days_until_expiry=20,
)


@pytest.mark.parametrize("method", ["post", "put"])
async def test_butlers_webhook_has_butlers_body(receiver: HttpReceiver, method: str) -> None:
    await ButlerWebhook(Receiver(url=receiver.url, timeout=LONG), method).tell(EVENT, "k")

    [heard] = receiver.heard
    assert (heard.method, heard.headers["Content-Type"]) == (method.upper(), "application/json")
    assert json.loads(heard.body) == {
        "event": "server license about to expire alert",
        "licenseExpired": False,
        "expiryDateStr": "2027-06-30",
        "daysUntilExpiry": 20,
    }


async def test_with_get_butlers_values_stand_in_the_address(receiver: HttpReceiver) -> None:
    await ButlerWebhook(Receiver(url=receiver.url, timeout=LONG), "get").tell(EVENT, "k")

    [heard] = receiver.heard
    assert heard.query == {
        "event": "server license about to expire alert",
        "licenseExpired": "false",
        "expiryDateStr": "2027-06-30",
        "daysUntilExpiry": "20",
    }
