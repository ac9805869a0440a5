"""What ours is compared with: plain clients that do only what has to be done.

`release` is one kept-alive TLS connection, one request at a time, msgspec, no sleeps: list the
seats, GET each user, DELETE each seat. `download` fetches whole bodies and decodes them.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

XRF = "0123456789abcdef"
HEADERS = {"X-Qlik-Xrfkey": XRF, "X-Qlik-User": "UserDirectory=INTERNAL; UserId=sa_api"}


class Condensed(msgspec.Struct, gc=False):
    """A user as a seat names it."""

    id: str
    userId: str
    userDirectory: str


class Seat(msgspec.Struct, gc=False):
    """The fields of a seat that the rules need."""

    id: str
    createdDate: str
    lastUsed: str | None
    quarantined: bool
    user: Condensed | None
    excess: bool = False
    quarantineEnd: str | None = None
    deletedUserId: str = ""
    deletedUserDirectory: str = ""


class Reference(msgspec.Struct, gc=False):
    """What a usage row refers to."""

    id: str


class Named(msgspec.Struct, gc=False):
    """A tag or a property's definition."""

    name: str


class Property(msgspec.Struct, gc=False):
    """One custom property value."""

    value: str
    definition: Named


class Attribute(msgspec.Struct, gc=False):
    """One attribute from the directory."""

    attributeType: str
    attributeValue: str


class FullUser(msgspec.Struct, gc=False):
    """The fields of a user that the rules need."""

    id: str
    userId: str
    userDirectory: str
    name: str
    inactive: bool
    removedExternally: bool
    blacklisted: bool
    deleteProhibited: bool
    roles: list[str]
    tags: list[Named]
    customProperties: list[Property]
    attributes: list[Attribute]


def _context(options: dict[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options["ca"])
    context.load_cert_chain(options["cert"], options["key"])
    return context


def release(options: dict[str, str], seats: int) -> dict[str, float]:
    """Release so many unused analyzer seats, one request at a time."""
    place = urlsplit(options["url"])
    connection = http.client.HTTPSConnection(
        str(place.hostname), place.port, context=_context(options)
    )

    def call(method: str, path: str) -> bytes:
        mark = "&" if "?" in path else "?"
        connection.request(method, f"/qrs{path}{mark}xrfkey={XRF}", headers=HEADERS)
        answer = connection.getresponse()
        return answer.read()

    began = time.perf_counter()
    wanted = quote("lastUsed lt '2025-01-01T00:00:00.000Z'")
    listed = msgspec.json.decode(
        call("GET", f"/license/analyzeraccesstype/full?filter={wanted}"), type=list[Seat]
    )
    # The same number of seats as ours, whatever their last use: the work is what is compared.
    if len(listed) < seats:
        body = call("GET", "/license/analyzeraccesstype/full")
        listed = msgspec.json.decode(body, type=list[Seat])
    going = [s for s in listed if s.user is not None and not s.quarantined][:seats]
    for seat in going:
        assert seat.user is not None
        msgspec.json.decode(call("GET", f"/user/{seat.user.id}"), type=FullUser)
        call("DELETE", f"/license/analyzeraccesstype/{seat.id}")
    return {"seconds": time.perf_counter() - began, "released": len(going)}


class Usage(msgspec.Struct, gc=False):
    """The fields of a usage row that the rules need."""

    latestActivity: str | None = None
    professionalAccessType: Reference | None = None
    analyzerAccessType: Reference | None = None


async def download(options: dict[str, str]) -> dict[str, float]:
    """Fetch the bytes that a plan reads, as whole bodies, and decode what the rules need."""
    lists: tuple[tuple[str, Any], ...] = (
        ("/user/full", list[FullUser]),
        ("/license/professionalaccesstype/full", list[Seat]),
        ("/license/analyzeraccesstype/full", list[Seat]),
        ("/license/professionalaccessusage/full", list[Usage]),
        ("/license/analyzeraccessusage/full", list[Usage]),
        ("/license/analyzertimeaccessusage/full", list[Usage]),
    )
    connector = aiohttp.TCPConnector(ssl=_context(options))
    size = rows = 0
    kept = []
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:
        await (await session.get(f"{options['url']}/about?xrfkey={XRF}")).read()
        began = time.perf_counter()
        for path, kind in lists:
            async with session.get(f"{options['url']}{path}?xrfkey={XRF}") as answer:
                body = await answer.read()
            size += len(body)
            kept.append(msgspec.json.decode(body, type=kind))
            rows += len(kept[-1])
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "megabytes": size / 1e6, "rows": rows}


def run_download(options: dict[str, str]) -> dict[str, float]:
    """Run `download` in a loop of its own."""
    return asyncio.run(download(options))
