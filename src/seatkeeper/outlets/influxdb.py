"""Writes points to InfluxDB 1, 2 or 3, and understands what it says of them.

A batch that is refused because of what is in it is cut until the points at fault are found: they
are poisoned, the others arrive, and a slow server gets a little further each time. Everything
else, from a wrong token to a server that is
down, is trouble of the target: its points wait. A missing database of version 1 is created.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from seatkeeper.core.outbox import Delivery, OutboxRow

BUDGET = 12.0
"""Seconds for one batch with all its parts; what was not reached comes with the next.

Less than a command waits for a target, so that what was found out is not lost with it.
"""

LONGEST_SEARCH = 36.0
"""Seconds after which a search for points at fault that found and delivered nothing is given up."""

LARGEST = 4_000_000
"""Bytes of lines in one request; influxd takes 25 MB."""

_SAYING = 300
LONGEST_WAIT = timedelta(hours=1)
"""The longest that a server may ask for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where points of one target go, as whom; `params` of a write, and what names the place.

    `create` names the database of version 1.
    """

    url: str
    path: str
    params: tuple[tuple[str, str], ...]
    words: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    create: str | None = None
    ca_file: Path | None = None
    timeout: timedelta = timedelta(seconds=10)


def version_1(
    url: str, database: str, login: tuple[str, str] | None = None, token: str | None = None
) -> Place:
    """Return the place of a database of version 1; a token is a JWT."""
    return Place(
        url,
        "/write",
        (("db", database),),
        f"database {database}",
        _bearer(token) if login is None else _basic(*login),
        create=database,
    )


def version_2(url: str, org: str, bucket: str, token: str | None = None) -> Place:
    """Return the place of a bucket of version 2."""
    params = (("org", org), ("bucket", bucket), ("precision", "ns"))
    header = () if token is None else (("Authorization", f"Token {token}"),)
    return Place(url, "/api/v2/write", params, f"bucket {bucket} of {org}", header)


def version_3(url: str, database: str, token: str | None = None) -> Place:
    """Return the place of a database of version 3, which is created with its first points."""
    params = (("db", database), ("precision", "nanosecond"))
    return Place(url, "/api/v3/write_lp", params, f"database {database}", _bearer(token))


def _basic(user: str, password: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", aiohttp.encode_basic_auth(user, password, encoding="utf-8")),)


def _bearer(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (("Authorization", f"Bearer {token}"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0: nothing did, and `said` tells why."""

    status: int
    said: str = ""
    wait: timedelta = timedelta(0)

    @property
    def is_good(self) -> bool:
        """Whether everything was taken."""
        return self.status in (200, 204)

    @property
    def is_about_points(self) -> bool:
        """Whether it is what was sent that is refused, and no other would take it either."""
        return self.status == 413 or (
            self.status in (400, 422) and _ABOUT_POINTS.search(self.said) is not None
        )


_ABOUT_POINTS = re.compile(
    r"partial write|unable to parse|parsing failed|type conflict|line protocol|unprocessable|"
    r"invalid (field|tag|"
    r"number|timestamp|boolean|measurement|column)|max key length|beyond retention|time outside",
    re.IGNORECASE,
)
"""Not every 400 is about a point: a proxy answers so too, and then nothing must be set aside."""


class InfluxSink:
    """One target; opened by `async with`. `budget` and `longest` are seconds (see above)."""

    def __init__(
        self, place: Place, *, budget: float = BUDGET, longest: float = LONGEST_SEARCH
    ) -> None:
        self.place = place
        self._budget, self._longest = budget, longest
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open it; nothing is sent, and no file is read, before the first request."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its connections."""
        await self._close()

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:
        """Write rows; see Sink."""
        delivered: list[int] = []
        poisoned: dict[int, str] = {}
        parts = _parts(rows)[::-1]
        now = asyncio.get_running_loop().time
        began, said = now(), ""
        while parts:
            part = parts.pop()
            answer = await self.write(b"\n".join(row.entry.body for row in part))
            if answer.is_good:
                delivered += [row.id for row in part]
            elif not answer.is_about_points:
                error = self.explain(answer)
                return Delivery(tuple(delivered), poisoned, error, answer.wait)
            elif len(part) > 1:
                said = _without_the_line(answer.said)
                parts += _cut(part)[::-1]
            else:
                poisoned[part[0].id] = _without_the_line(answer.said)
            if now() - began >= (self._budget if delivered or poisoned else self._longest):
                break
        error = "" if delivered or poisoned or not rows else self._not_found(said)
        return Delivery(tuple(delivered), poisoned, error)

    def _not_found(self, said: str) -> str:
        return (
            f"{self.place.url} refuses a point, and answers too slowly to find out which ({said}); "
            "see `seatkeeper outbox show`, and why the server is slow"
        )

    async def write(self, lines: bytes) -> Answer:
        """Write line protocol; creates a missing database of version 1 first."""
        answer = await self._write(lines)
        if answer.status == 404 and self.place.create and "not found" in answer.said:
            made = await self.create()
            answer = await self._write(lines) if made.is_good else made
        return answer

    async def touch(self) -> Answer:
        """Write nothing (a comment): tells whether writing would be allowed."""
        answer = await self._write(b"# seatkeeper check\n")
        if answer.status == 400 and re.search(r"requires points|no lines|empty", answer.said):
            return Answer(204)
        return answer

    async def create(self) -> Answer:
        """Create the database of version 1; one that is there stays as it is."""
        name = (self.place.create or "").replace("\\", "\\\\").replace('"', '\\"')
        answer = await self._post("/query", (), data={"q": f'CREATE DATABASE "{name}"'})
        if answer.is_good and "error" in answer.said:
            return Answer(403, answer.said)
        return answer

    def explain(self, answer: Answer) -> str:
        """Say what is wrong with the target, and what to do; nothing secret is in it."""
        return f"{self.describe(answer)}; {self.cure(answer)}"

    def cure(self, answer: Answer) -> str:
        """Say what to do about an answer that is not good, by the names of the settings."""
        match answer.status:
            case 0:
                return "check url, ca_file and the way to the server; points wait in the store"
            case 401:
                return "correct user and password_file, or token_file"
            case 403:
                return "give this user or token the right to write"
            case 404 if self.place.create is None:
                return "create the bucket or database, or correct url, org, bucket and version"
            case 404:
                return "correct url, database and version"
            case 429 | 503:
                return "it is tried again when it asks for; if this lasts, see its log"
            case _:
                return "look into the log of the server, and whether url leads to it"

    def describe(self, answer: Answer) -> str:
        """Say what is wrong with the target."""
        place, said = self.place, f": {answer.said}" if answer.said else ""
        match answer.status:
            case 0:
                return f"{place.url} gives no answer{said}"
            case 401:
                return f"{place.url} does not accept the token or password{said}"
            case 403:
                return f"{place.url} does not allow to write to the {place.words}{said}"
            case 404:
                return f"{place.url} knows no {place.words}, or is no such server{said}"
            case 429 | 503:
                return f"{place.url} is busy ({answer.status}){said}"
            case status if status >= 500:
                return f"{place.url} fails ({status}){said}"
            case status:
                return f"{place.url} answers {status}, and not about points{said}"

    async def _write(self, lines: bytes) -> Answer:
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        data = await asyncio.to_thread(gzip.compress, lines, 3)
        return await self._post(self.place.path, self.place.params, data=data, headers=headers)

    async def _post(
        self, path: str, params: Sequence[tuple[str, str]], *, data: Any, **more: Any
    ) -> Answer:
        url = self.place.url + path
        try:
            session = self._opened()
            async with session.post(
                url, params=list(params), data=data, allow_redirects=False, **more
            ) as answer:
                body = await answer.content.read(20_000)
                return Answer(answer.status, _said(body), _wait(answer.headers.get("Retry-After")))
        except TimeoutError:
            said = f"none within {self.place.timeout.total_seconds():g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = " ".join(str(error).split())[:_SAYING] or type(error).__name__
        await self._close()  # the next try reads ca_file anew: it may have been renewed
        return Answer(0, said)

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            place = self.place
            connector = aiohttp.TCPConnector(ssl=_tls(place.ca_file), limit=1)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=dict(place.headers),
                timeout=aiohttp.ClientTimeout(total=place.timeout.total_seconds()),
            )
        return self._session


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror if isinstance(error, FileNotFoundError) else "no PEM certificate"
        raise ValueError(f"the ca_file {ca_file} cannot be used ({why})") from error


def _parts(rows: Sequence[OutboxRow]) -> list[Sequence[OutboxRow]]:
    """Cut a batch where one request would become too large."""
    parts: list[Sequence[OutboxRow]] = []
    start = size = 0
    for end, row in enumerate(rows):
        size += len(row.entry.body) + 1
        if size > LARGEST and end > start:
            parts.append(rows[start:end])
            start, size = end, len(row.entry.body) + 1
    return [*parts, rows[start:]]


def _cut(part: Sequence[OutboxRow]) -> list[Sequence[OutboxRow]]:
    """Cut a refused part into one row, one, two, four, eight and so on.

    The first answers, whatever they are, get further: a slow server may give but a few.
    """
    ends = [0, 1]
    while ends[-1] < len(part):
        ends.append(2 * ends[-1])
    return [part[start:end] for start, end in pairwise(ends)]


class _Said(msgspec.Struct):
    """How the three versions say what is wrong; all of it may be missing."""

    error: str = ""
    message: str = ""
    code: str = ""
    data: Any = None


def _said(body: bytes) -> str:
    """Return the words of an answer, without the lines that a server repeats."""
    try:
        told = msgspec.json.decode(body, type=_Said)
    except msgspec.DecodeError:
        text = body.decode("utf-8", "replace")
        # Of InfluxQL, the error is deeper; of anything else, the start of the text must do.
        return " ".join(text.split())[:_SAYING]
    lines = told.data if isinstance(told.data, list) else []
    first = next((one.get("error_message", "") for one in lines if isinstance(one, dict)), "")
    words = (told.code, told.error, told.message, first)
    return " ".join(": ".join(filter(None, map(str, words))).split()) or _deeper(body)


def _deeper(body: bytes) -> str:
    found = re.search(rb'"error":\s*"((?:[^"\\]|\\.)*)"', body)
    return f"error: {found[1].decode('utf-8', 'replace')}"[:_SAYING] if found else ""


def _without_the_line(said: str) -> str:
    """Return why a point is refused without the point itself, which may name somebody."""
    return re.sub(r"unable to parse '.*'", "unable to parse the point", said)[:_SAYING]


def _wait(retry_after: str | None) -> timedelta:
    """Read `Retry-After` as InfluxDB gives it, in seconds."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return timedelta(0)
    return min(timedelta(seconds=int(retry_after.strip()[:9])), LONGEST_WAIT)
