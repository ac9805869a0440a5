"""What Seatkeeper does to a site: release one seat, give one seat. Each is sent once.

Trouble is an answer here, not an exception, because the caller must write down what became of
it either way. Only a clear 2xx is a success; a redirect is a refusal.
"""

from __future__ import annotations

import msgspec

from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import Answer
from seatkeeper.errors import NeverSent, QrsError
from seatkeeper.qrs import wire
from seatkeeper.qrs.answer import REDIRECT_TEXT, Reply, is_redirect
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.filters import Guid
from seatkeeper.qrs.words import short_text


class Releaser:
    """Releases seats of one site."""

    def __init__(self, client: QrsClient) -> None:
        """Write through an open client."""
        self._client = client

    async def release(self, license_type: LicenseType, allocation_id: str) -> Answer:
        """Send one DELETE, once; never raises for what the site does with it.

        204 says nothing about quarantine: read the seat again (QRS contract 5.1).
        """
        if (wrong := _not_a_guid(allocation_id)) is not None:
            return wrong
        path = f"/license/{wire.SEGMENTS[license_type]}/{allocation_id}"
        answer, _ = await _once(self._client, "DELETE", path)
        return answer


class Granter:
    """Gives seats of one site."""

    def __init__(self, client: QrsClient) -> None:
        """Write through an open client."""
        self._client = client

    async def grant(self, license_type: LicenseType, user_id: str) -> Answer:
        """Send one POST, once; never raises for what the site does with it.

        The body names the user and nothing else. Whether every version fills in the rest is not
        documented (QRS contract 9 #8); dates of our own making would be worse than its refusal.
        """
        if (wrong := _not_a_guid(user_id)) is not None:
            return wrong
        body = msgspec.json.encode({"user": {"id": user_id}})
        path = f"/license/{wire.SEGMENTS[license_type]}"
        answer, reply = await _once(self._client, "POST", path, body)
        if not answer.is_success or reply is None:
            return answer
        return msgspec.structs.replace(answer, created_id=_created(reply.body))


def _not_a_guid(text: str) -> Answer | None:
    """Refuse to put into an address what is no id."""
    try:
        Guid(text)
    except ValueError as error:
        return Answer(status=None, sent=False, text=str(error))
    return None


async def _once(
    client: QrsClient, method: str, path: str, body: bytes | None = None
) -> tuple[Answer, Reply | None]:
    try:
        reply = await client.write(method, path, body)
    except NeverSent as error:
        return Answer(status=None, sent=False, text=str(error)), None
    except QrsError as error:
        return Answer(status=None, text=str(error)), None
    return Answer(status=reply.status, text=_text(reply)), reply


def _text(reply: Reply) -> str:
    if 200 <= reply.status < 300:
        return ""
    if is_redirect(reply.status):
        return REDIRECT_TEXT
    return short_text(reply.content_type, reply.body)


def _created(body: bytes) -> str | None:
    try:
        return wire.CREATED.decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
