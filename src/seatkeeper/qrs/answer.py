"""What the head of an answer says: status, clock, length; no bodies of lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp

from seatkeeper.errors import QrsError, Refused
from seatkeeper.qrs.faults import Ailing, LoginPage
from seatkeeper.qrs.words import WEB_PAGE, short_text

AILING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that say "not now"; any other 5xx but 501 as well."""

REDIRECT_TEXT = (
    "a redirect, as a proxy sends to its login page; sites[].qrs.url must be the Repository "
    "Service itself, as a rule https://host:4242/qrs"
)

LONGEST_ERROR = 4096
"""Bytes of an error body that are looked at."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a write; `body` is empty when it could not be read whole."""

    status: int
    body: bytes = b""
    content_type: str = ""


def is_ailing(status: int) -> bool:
    """Whether a status says that the site cannot at the moment."""
    return status in AILING or (status >= 500 and status != 501)


def is_redirect(status: int) -> bool:
    """Whether a status sends us elsewhere."""
    return 300 <= status < 400


def is_framed(headers: Mapping[str, str]) -> bool:
    """Whether the body says how long it is."""
    return "Content-Length" in headers or "chunked" in headers.get("Transfer-Encoding", "").lower()


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds the site asks us to stay away, 0 when it does not."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = http_date(text)
    return max(0.0, (moment - now).total_seconds()) if moment else 0.0


def skew_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return the site's clock minus ours, None without a usable `Date`."""
    moment = http_date(headers.get("Date", ""))
    return moment - now if moment else None


def http_date(text: str) -> datetime | None:
    """Read a date as HTTP writes it; None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


async def failure(response: aiohttp.ClientResponse, what: str, now: datetime) -> QrsError:
    """Say what an answer to a reading that is no success means; `what` names the reading."""
    status = response.status
    if is_redirect(status):
        return LoginPage(f"{what}: {REDIRECT_TEXT}")
    text = await error_text(response)
    said = f"{what}: status {status}" + (f", {text}" if text else "")
    if is_ailing(status):
        return Ailing(said, status=status, pause=retry_after(response.headers, now))
    if status == 401:
        said += "; QRS itself never asks for a login, is sites[].qrs.url a proxy's address?"
    if status == 403:
        said += (
            "; does the user in sites[].qrs.user exist, and may it read licenses and users? "
            "See docs/qrs-calls.md"
        )
    return Refused(said, status=status, text=text)


async def error_text(response: aiohttp.ClientResponse) -> str:
    """Return the start of an error body in words; empty when it cannot be read."""
    return short_text(response.content_type, await start_of(response, LONGEST_ERROR))


async def start_of(response: aiohttp.ClientResponse, most: int) -> bytes:
    """Read at most so many bytes; what arrived before the body broke is better than nothing."""
    body = bytearray()
    try:
        while len(body) < most and (data := await response.content.readany()):
            body += data
    except (aiohttp.ClientError, TimeoutError):
        pass
    return bytes(body[:most])


def page_instead(what: str) -> LoginPage:
    """Say that a page for people came with status 200."""
    return LoginPage(
        f"{what}: {WEB_PAGE}; sites[].qrs.url must be the Repository Service itself, as a rule "
        "https://host:4242/qrs, and nothing between may answer in its place"
    )
