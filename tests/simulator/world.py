"""A small simulated site without HTTP, its clock held still, and a real one behind TLS."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from seatkeeper.simulator.answers import Rejection
from seatkeeper.simulator.document_tables import new_document
from seatkeeper.simulator.moments import DAY, SiteClock, to_ms
from seatkeeper.simulator.pki import Certificates
from seatkeeper.simulator.records import Facts, Records
from seatkeeper.simulator.resources import Resources
from seatkeeper.simulator.rows import Seat, SeatType, User
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.switches import Switches
from seatkeeper.simulator.verbs import Call

NOW = to_ms(datetime(2026, 2, 3, 10, 0, tzinfo=UTC))
ANALYZER = SeatType.ANALYZER
PROFESSIONAL = SeatType.PROFESSIONAL
XRFKEY = "Zk3vQ9aB7mN1xT5c"
SERVICE = "UserDirectory=INTERNAL; UserId=sa_api"


class StillClock(SiteClock):
    """A clock that moves only when told."""

    def __init__(self, moment: int) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> int:
        return self.moment

    def set(self, moment: int) -> None:
        self.moment = moment


@dataclass
class World:
    """A site with nobody in it, and short ways to fill and ask it."""

    site: Site
    resources: Resources
    clock: StillClock
    made: int = field(default=0)

    @classmethod
    def empty(cls, *switches: str, professional: int = 10, analyzer: int = 10) -> World:
        """Make a site with some switches set."""
        facts = Facts(
            "Test site", 1, "0000 1111 2222 3333", _guid("11", 1), NOW - 99 * DAY, NOW + 99 * DAY
        )
        records = Records(facts)
        records.totals |= {PROFESSIONAL: professional, ANALYZER: analyzer}
        clock = StillClock(NOW)
        site = Site(records, Switches.parse(switches))
        site.clock = clock
        return cls(site, Resources(site), clock)

    def user(self, login: str, directory: str = "EXAMPLE", **more: Any) -> User:
        """Add a user."""
        self.made += 1
        created = NOW - 500 * DAY
        user = User(_guid("aa", self.made), login, directory, login.title(), created, created)
        for name, value in more.items():
            setattr(user, name, value)
        self.site.records.save_user(user)
        return user

    def seat(
        self,
        user: User,
        kind: SeatType = ANALYZER,
        *,
        used_days_ago: float | None = None,
        made_days_ago: float = 100,
    ) -> Seat:
        """Give a user a seat, without asking whether one is free."""
        self.made += 1
        created = NOW - int(made_days_ago * DAY)
        seat = Seat(_guid("5e", self.made), kind, user.id, created, created)
        if used_days_ago is not None:
            seat.last_used = seat.activity = seat.modified = NOW - int(used_days_ago * DAY)
        self.site.records.save_seat(seat)
        return seat

    def document(self, kind: str, **content: Any) -> str:
        """Add a tag, a definition, a group or a rule; give its id."""
        self.made += 1
        key = _guid("d0", self.made)
        self.site.records.save_document(kind, new_document(kind, content, key, NOW, "test"))
        return key

    def rule(self, text: str, kind: SeatType = ANALYZER) -> None:
        """Let a rule give a seat type at login."""
        group = self.document(f"{kind}accessgroup", name="Group")
        resource = f"License.{kind.title()}AccessGroup_{group}"
        self.document("systemrule", name="Rule", rule=text, resourceFilter=resource)

    def ask(self, method: str, path: str, /, body: Any = None, **params: str) -> tuple[int, Any]:
        """Carry out a request as the system; give the status and the JSON or text."""
        content = b"" if body is None else json.dumps(body).encode()
        call = Call(method, path.lower().split("/"), params, content, "INTERNAL\\sa_api")
        try:
            answer = self.resources.answer(call)
        except Rejection as rejection:
            return rejection.status, rejection.text
        if answer.rows is not None:
            return answer.status, [json.loads(row) for row in answer.rows]
        return answer.status, json.loads(answer.body) if answer.body else None

    def get(self, path: str, /, **params: str) -> Any:
        """Read something that must be there."""
        status, value = self.ask("GET", path, **params)
        assert status == 200, value
        return value

    def overview(self, kind: str = "analyzerAccess") -> dict[str, Any]:
        """Read the counts of one type."""
        counts: dict[str, Any] = self.get("license/accesstypeoverview")[kind]
        return counts


def _guid(start: str, number: int) -> str:
    return f"{start}000000-0000-4000-8000-{number:012x}"


@dataclass
class QrsClient:
    """A plain client of a simulator: what it sends, and the raw answers."""

    session: aiohttp.ClientSession
    root: str

    async def ask(self, method: str, path: str, body: Any = None, **params: str) -> tuple[int, Any]:
        """Send a well-formed request; give the status, and JSON or text."""
        params = {"xrfkey": XRFKEY} | params
        headers = {"X-Qlik-Xrfkey": XRFKEY, "X-Qlik-User": SERVICE}
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        data = None if body is None else io.BytesIO(json.dumps(body).encode())
        async with self.session.request(
            method, self.root + path, params=params, headers=headers, data=data
        ) as response:
            text = await response.text()
            if "json" in response.headers.get("Content-Type", ""):
                return response.status, json.loads(text)
            return response.status, text


def client_context(certificates: Certificates) -> ssl.SSLContext:
    """Trust the site's authority and show the exported client certificate."""
    context = ssl.create_default_context(cafile=str(certificates.ca))
    context.load_cert_chain(certificates.cert, certificates.key)
    return context


@asynccontextmanager
async def client_of(
    root: str, certificates: Certificates, seconds: float = 20
) -> AsyncIterator[QrsClient]:
    """Connect to a served site; `root` is its address without /qrs."""
    connector = aiohttp.TCPConnector(ssl=client_context(certificates))
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield QrsClient(session, root)


@asynccontextmanager
async def client_for(simulator: Simulator) -> AsyncIterator[QrsClient]:
    """Connect to a simulator of this process."""
    async with client_of(simulator.url.removesuffix("/qrs"), simulator.certificates) as client:
        yield client
