"""A webhook of our own, signed as the Standard Webhooks specification (1.0) has it.

The signature covers id, time and body, so that nothing can be forged, altered or played again.
The id stays the same when a message is sent again: a receiver that has it already throws it away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

import msgspec

from seatkeeper.core.alert_message import AlertMessage
from seatkeeper.core.hook import EventText
from seatkeeper.outlets.posting import Call, Receiver, send

_ENCODED = "whsec_"


class Signed:
    """Sends bodies of JSON to one address, each signed."""

    def __init__(self, receiver: Receiver, secret: str, now: Callable[[], datetime]) -> None:
        self._receiver = receiver
        self._secret = key_of(secret)
        self._now = now

    async def send(self, body: bytes, key: str) -> str:
        """Send one body and say what came back; raises OutletError.

        `key` is the same when it is sent again.
        """
        message_id = id_of(key)
        seconds = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": seconds,
            "webhook-signature": signature(self._secret, message_id, seconds, body),
        }
        return await send(self._receiver, Call(body=body, headers=headers))


class Webhook(Signed):
    """Tells alerts as signed JSON."""

    async def tell(self, message: AlertMessage, key: str) -> str:
        """Send one message and say what came back; raises OutletError."""
        return await self.send(body_of(message), key)


class EventHook(Signed):
    """Tells events, byte for byte as they wait."""

    async def tell(self, event: EventText, key: str) -> str:
        """Send one event and say what came back; raises OutletError."""
        return await self.send(event.body, key)


def body_of(message: AlertMessage) -> bytes:
    """Return the message as the receiver gets it: `type`, `timestamp`, `data`."""
    data = {"values": {}, "runbook": "", **msgspec.to_builtins(message)}
    data.pop("again", None)
    kind = f"alert.{message.state.value}"
    return msgspec.json.encode({"type": kind, "timestamp": message.at, "data": data})


def id_of(key: str) -> str:
    """Return the id of a message: the same for the same key, and fit for a header."""
    return "msg_" + hashlib.sha256(key.encode()).hexdigest()[:32]


def key_of(secret: str) -> bytes:
    """Return the bytes to sign with: base64 behind `whsec_`, else the text itself."""
    if secret.startswith(_ENCODED):
        try:
            return base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    """Return version and HMAC-SHA256 over `id.timestamp.body`, in base64."""
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
