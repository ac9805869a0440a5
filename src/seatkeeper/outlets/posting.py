"""One HTTP request to somebody who is told something: verified TLS, no redirect, no repetition.

What the answer means is the same for every receiver: taken, try again later, or never.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from seatkeeper.errors import MessageRefused, NotTold
from seatkeeper.outlets.hiding import without_secrets

_NEVER = frozenset({400, 413, 422})
"""The receiver read the message and refuses it; any other no is about us or about itself."""

_BUSY = frozenset({429, 503})
"""Too much at once, or not there now: it says nothing of this message."""

_PAGE = 400
"""With a page of HTML, this no comes from a server in between, not from who reads messages."""

_CURES = {
    _PAGE: "that is a page, no receiver of messages: check http or https, host and port in its url",
    401: "check the user, password or secret of the channel",
    403: "check the user, password or secret of the channel",
    404: "check the path in its url",
    405: "check the path in its url, and the method",
    407: "a proxy stands between; let this host reach the receiver directly",
}
_LONGEST_SAID = 120
_MOST_READ = 8192
_PATIENCE = 2.0
"""Seconds that the text of an answer may take beside its status."""


def place_of(url: str) -> str:
    """Return host and port of an address, without what may be secret in it."""
    split = urlsplit(url)
    return f"{split.hostname}:{split.port or (443 if split.scheme.lower() == 'https' else 80)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where to send: address, the authority that is trusted (None: the system's), longest wait."""

    url: str = field(repr=False)
    timeout: timedelta
    ca_file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Host and port, as messages name them."""
        return place_of(self.url)


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent; `query` is added to the address, `path` to its end."""

    method: str = "POST"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


async def send(receiver: Receiver, call: Call) -> str:
    """Send once and say what came back.

    Raises MessageRefused when this message will never be taken, NotTold for everything else that
    is not a yes.
    """
    seconds = receiver.timeout.total_seconds()
    timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=seconds)
    try:
        connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(tls_context, receiver.ca_file))
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(
                call.method,
                _address(receiver, call),
                data=call.body,
                headers={"User-Agent": "Seatkeeper", **_login(receiver), **call.headers},
                allow_redirects=False,
            ) as response,
        ):
            return _judged(receiver.place, response, await _said(response, receiver))
    except aiohttp.ClientConnectorCertificateError as error:
        cure = "give the ca_file of its authority"
        raise NotTold(f"{receiver.place}: its certificate is not trusted; {cure}") from error
    except aiohttp.ClientConnectorError as error:
        raise NotTold(f"{receiver.place} cannot be reached: {_reason(error)}") from error
    except TimeoutError as error:
        raise NotTold(f"{receiver.place} did not answer within {seconds:g} s") from error
    except (aiohttp.ClientError, ValueError) as error:
        what = type(error).__name__
        raise NotTold(f"{receiver.place} broke the connection off ({what})") from error


def _login(receiver: Receiver) -> dict[str, str]:
    if not receiver.user:
        return {}
    login = f"{receiver.user}:{receiver.password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(login).decode()}


def _address(receiver: Receiver, call: Call) -> URL:
    url = URL(receiver.url)
    if call.path:
        url = url.with_path(url.path.rstrip("/") + call.path)
    return url.update_query(call.query) if call.query else url


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trust this authority alone, or the system's; made anew each time, for it may be renewed.

    Raises NotTold when the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds no PEM certificate"
        raise NotTold(f"the ca_file {ca_file} cannot be used: {reason}") from error


def _reason(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "nobody knows a host of this name"
    return error.os_error.strerror or type(error.os_error).__name__


def _judged(place: str, response: aiohttp.ClientResponse, said: str) -> str:
    status = response.status
    answer = f"{place} answered {status}{': ' if said else ''}{said}"
    if 200 <= status < 300:
        return answer
    if 300 <= status < 400:
        raise NotTold(f"{place} sends us elsewhere ({status}); give the address it sends us to")
    if status in _NEVER and not (status == _PAGE and response.content_type == "text/html"):
        raise MessageRefused(answer)
    cure = _CURES.get(status)
    said = f"{answer}; {cure}" if cure else answer
    raise NotTold(said, wait=_asked(response), busy=status in _BUSY)


def _asked(response: aiohttp.ClientResponse) -> timedelta:
    seconds = response.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(seconds), 86_400)) if seconds.isdecimal() else timedelta(0)


async def _said(response: aiohttp.ClientResponse, receiver: Receiver) -> str:
    """Return the start of an answer as one line that a terminal cannot obey.

    Many servers repeat the address, which may be a secret: it is taken out before the text is cut.
    """
    body = await _start(response.content)
    text = without_secrets(body.decode("utf-8", "replace"), receiver.url, receiver.password)
    return "".join(c if c.isprintable() else "·" for c in " ".join(text.split()))[:_LONGEST_SAID]


async def _start(content: aiohttp.StreamReader) -> bytes:
    """Read the start of an answer; what does not come soon is not waited for."""
    body = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while len(body) < _MOST_READ and (chunk := await content.read(_MOST_READ)):
                body += chunk
    return body
