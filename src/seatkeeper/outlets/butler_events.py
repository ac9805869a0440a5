"""Butler's messages on the server license: two MQTT topics, and an unsigned webhook.

Topics, names and texts are Butler's, byte for byte where a receiver may compare them. paho blocks,
so it works in a thread; every wait in there is bounded.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from seatkeeper.core.butler_event import ButlerEvent, ButlerEventName
from seatkeeper.errors import NotTold
from seatkeeper.outlets.posting import Call, Receiver, send


class ButlerWebhook:
    """Calls one address as Butler does: values in the body, with GET in the address."""

    def __init__(self, receiver: Receiver, method: str) -> None:
        self._receiver = receiver
        self._method = method.upper()

    async def tell(self, event: ButlerEvent, _key: str) -> str:
        """Send one event and say what came back; raises OutletError."""
        return await send(self._receiver, _call_of(event, self._method))


def _call_of(event: ButlerEvent, method: str) -> Call:
    if method == "GET":
        values = msgspec.to_builtins(event).items()
        query = {name: v if isinstance(v, str) else _as_json(v) for name, v in values}
        return Call(method=method, query=query)
    headers = {"Content-Type": "application/json"}
    return Call(method=method, body=msgspec.json.encode(event), headers=headers)


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """How an MQTT broker is reached; `ca_file` None means the system's authorities."""

    host: str
    port: int
    timeout: timedelta
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: Path | None = None

    @property
    def place(self) -> str:
        """Host and port, as messages name them."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Topics:
    """Where the state goes, and where it is told that the license ends."""

    status: str
    expire: str


class ButlerMqtt:
    """Publishes to one broker, each message confirmed by it (QoS 1)."""

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker = broker
        self._topics = topics

    async def tell(self, event: ButlerEvent, _key: str) -> str:
        """Publish one event and say that the broker has it; raises NotTold."""
        topic, text = message_of(event, self._topics)
        await asyncio.to_thread(_publish, self._broker, topic, text)
        return f"{self._broker.place} confirmed a message to {topic}"


def message_of(event: ButlerEvent, topics: Topics) -> tuple[str, str]:
    """Return topic and payload: JSON for the state, a sentence when the license ends."""
    if event.event is ButlerEventName.STATUS:
        values = msgspec.to_builtins(event)
        values.pop("event")
        return topics.status, _as_json(values)
    if event.event is ButlerEventName.EXPIRED:
        return topics.expire, f"Qlik Sense server license expired on {event.expiry_date_str}"
    return topics.expire, (
        f"Qlik Sense server license is about to expire in {event.days_until_expiry} days, on "
        f"{event.expiry_date_str}"
    )


def _publish(broker: Broker, topic: str, text: str) -> None:
    """Connect, publish, wait for the broker's word, disconnect: within the time-out."""
    deadline = time.monotonic() + broker.timeout.total_seconds()
    answered, refused = threading.Event(), list[str]()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)

    def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))
        answered.set()

    client.on_connect = on_connect
    client.connect_timeout = broker.timeout.total_seconds()
    if broker.user:
        client.username_pw_set(broker.user, broker.password or None)
    _connect(client, broker)
    client.loop_start()
    try:
        if not answered.wait(deadline - time.monotonic()):
            raise NotTold(f"{broker.place} did not answer; is it an MQTT broker, and tls right?")
        if refused:
            cure = "check user and password of the channel"
            raise NotTold(f"{broker.place} refuses the connection: {refused[0]}; {cure}")
        sent = client.publish(topic, text, qos=1)
        sent.wait_for_publish(max(0.1, deadline - time.monotonic()))
        if not sent.is_published():
            raise NotTold(f"{broker.place} did not confirm the message in time")
    except (ValueError, RuntimeError) as error:
        raise NotTold(f"{broker.place} broke the connection off") from error
    finally:
        client.disconnect()
        client.loop_stop()


class _Closing(ssl.SSLSocket):
    """Closes itself when the other side is not trusted, which paho leaves open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _connect(client: mqtt.Client, broker: Broker) -> None:
    try:
        if broker.tls:
            context = ssl.create_default_context(cafile=broker.ca_file)
            context.sslsocket_class = _Closing
            client.tls_set_context(context)
        client.connect(broker.host, broker.port, keepalive=60)
    except ssl.SSLCertVerificationError as error:
        cure = "give the ca_file of its authority"
        raise NotTold(f"{broker.place}: its certificate is not trusted; {cure}") from error
    except TimeoutError as error:
        raise NotTold(f"{broker.place} did not answer in time") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NotTold(f"{broker.place} cannot be reached: {reason}") from error
