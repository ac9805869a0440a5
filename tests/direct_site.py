"""A simulated site without HTTP, read by the real reader: months pass in seconds.

Every answer is the JSON that the site would send, fed to the same sinks; only TLS, the network
and the retries are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

from seatkeeper.errors import Refused
from seatkeeper.qrs.answer import Reply
from seatkeeper.qrs.body import Sink
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.filters import room_in
from seatkeeper.qrs.reader import SiteReader
from seatkeeper.simulator.answers import Answer, Rejection
from seatkeeper.simulator.founding import found_site
from seatkeeper.simulator.moments import to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.people import live_on
from seatkeeper.simulator.resources import Resources
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.verbs import Call
from seatkeeper.wiring.clock import SimulatedClock

Result = TypeVar("Result")
URL = "https://simulated.example/qrs"
BY = "INTERNAL\\sa_api"


class DirectSite:
    """A site of its own time: `pass_to` moves it, `reader` and `client` read and change it."""

    def __init__(
        self,
        now: datetime,
        *,
        users: int = 300,
        seed: int = 11,
        professional: int | None = None,
        analyzer: int | None = None,
        license_days: int = 400,
        switches: tuple[str, ...] = (),
    ) -> None:
        made = SimOptions(
            Path("unused"),
            users=users,
            seed=seed,
            now=now,
            professional=professional,
            analyzer=analyzer,
            license_days=license_days,
        )
        self.site = Site(found_site(made), made.switches.altered(switches))
        self.site.clock.set(to_ms(now))
        self.site.clock.run(0)
        self.site.clock.set(to_ms(now))
        self.resources = Resources(self.site)
        self.client = cast("QrsClient", DirectClient(self.resources))
        self.reader = SiteReader(self.client)
        self.clock = SimulatedClock({URL: self.reader})

    @property
    def now(self) -> datetime:
        """The site's time."""
        return datetime.fromtimestamp(self.site.clock.now() / 1000, UTC)

    def pass_to(self, moment: datetime) -> None:
        """Let people live until a moment."""
        self.site.clock.set(to_ms(moment))
        live_on(self.site)


class DirectClient:
    """What the reader and the hands need of a client, answered by the site in this process."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self.requests = 0
        self.skew: timedelta | None = timedelta(0)
        self.in_flight_limit = 4

    def room(self, path: str) -> int:
        """Return the bytes that an encoded filter may have below a path."""
        return room_in(URL, path)

    async def read(
        self,
        path: str,
        make_sink: Callable[[], Sink[Result]],
        *,
        filter_: str = "",
        long: bool = False,  # noqa: ARG002 - nothing here takes long
    ) -> Result:
        """Read one answer."""
        answer = self._ask("GET", path, {"filter": filter_} if filter_ else {}, b"")
        if answer.status != 200:
            text = answer.body.decode()
            raise Refused(f"{path}: {answer.status}", status=answer.status, text=text)
        sink = make_sink()
        sink.feed(_body(answer))
        return sink.close(framed=True)

    async def write(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send one request; any status is an answer."""
        answer = self._ask(method, path, {}, body or b"")
        return Reply(answer.status, _body(answer), answer.content_type)

    def _ask(self, method: str, path: str, params: dict[str, str], body: bytes) -> Answer:
        self.requests += 1
        segments = path.lower().strip("/").split("/")
        try:
            return self._resources.answer(Call(method, segments, params, body, BY))
        except Rejection as rejection:
            return Answer(rejection.status, rejection.text.encode())


def _body(answer: Answer) -> bytes:
    return answer.body if answer.rows is None else b"[" + b",".join(answer.rows) + b"]"
