"""Runs a simulated site: state directory, certificates, TLS listener, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from seatkeeper.simulator.answers import Answer
from seatkeeper.simulator.control import ControlDoor
from seatkeeper.simulator.faults import FaultKind, Faults, duration_ms, share
from seatkeeper.simulator.founding import found_site
from seatkeeper.simulator.history import move_back
from seatkeeper.simulator.http import QrsHandler
from seatkeeper.simulator.moments import DAY, SECOND
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.people import live_on
from seatkeeper.simulator.pki import Certificates, ensure_certificates, server_context
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.requestlog import RequestLog
from seatkeeper.simulator.resources import Resources
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.state import StateStore
from seatkeeper.simulator.switches import Switches
from seatkeeper.simulator.verbs import Call

_MAX_LINE = 256 * 1024
_SHORTEST_PAUSE = 0.25
"""Seconds between two times that people live on, however fast the clock is."""


class Simulator:
    """A simulated site that serves while the `async with` block runs."""

    def __init__(self, options: SimOptions) -> None:
        self.options = options
        self.port = options.port
        self.site: Site
        self.certificates: Certificates
        self.requests: RequestLog
        self._store: StateStore
        self._resources: Resources
        self._handler: QrsHandler
        self._stack = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        """The address that a client is configured with."""
        return f"https://{self.options.host}:{self.port}/qrs"

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self._open(stack)
            self._resources.warm()
            await self._listen(stack)
            if self.options.live_every:
                living = asyncio.create_task(self._live(), name="simulated people")
                stack.push_async_callback(_cancelled, living)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def _open(self, stack: contextlib.AsyncExitStack) -> None:
        options = self.options
        self._store = StateStore(options.state_dir)
        stack.callback(self._store.close)
        records = self._store.load()
        founded = records is None
        if records is None:
            records = found_site(options)
            self._store.checkpoint(records)
        records.noting = True
        self.certificates = ensure_certificates(options.state_dir, options.host)
        self.site = Site(records, options.switches, self._store.append)
        if founded and options.now is not None:  # to the millisecond, however long founding took
            self.site.clock.set(records.facts.lived_until)
        self.site.clock.run(options.speed)
        self._resources = Resources(self.site)
        door = ControlDoor(self).answer if options.control else None
        self._handler = QrsHandler(self._resources, options.faults, door)
        self.requests = self._handler.log
        self.set_faults(options.faults)

    async def _listen(self, stack: contextlib.AsyncExitStack) -> None:
        listener = socket.create_server((self.options.host, self.options.port), backlog=512)
        stack.callback(listener.close)
        self.port = listener.getsockname()[1]
        server = web.Server(
            self._handler.handle,
            access_log=None,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )
        runner = web.ServerRunner(server, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        context = server_context(self.certificates)
        site = web.SockSite(runner, listener, ssl_context=context)
        await site.start()
        stack.callback(self._handler.stopping.set)

    def set_faults(self, faults: Faults) -> None:
        """Let other things go wrong from now on."""
        self._handler.set_faults(faults)
        stale = faults.value_of(FaultKind.STALE)
        shapes = self._resources.shapes
        shapes.stale_before = self.site.clock.now() - duration_ms(stale) if stale else None
        self._resources.set_usage_empty(empty=_usage_empty(faults))
        accident = faults.value_of(FaultKind.ACCIDENT)
        self.site.sync_accident(share(accident) if accident else 0.0)
        self._resources.forget_all()

    def set_switches(self, switches: Switches) -> None:
        """Let the site show other behaviours from now on."""
        self.site.set_switches(switches)
        self._resources.forget_all()

    def advance(self, to: int) -> None:
        """Move the site's clock to a moment (milliseconds) and let people live until then."""
        self.site.clock.set(to)
        self.live_on()

    def let_pass(self, ms: int) -> None:
        """Let time pass for the people while the clock stands: all that was becomes older."""
        records = self.site.records
        records.noting = False
        move_back(records, ms)
        self.site.look_again()
        self.live_on()

    def live_on(self) -> None:
        """Let people live until the clock's now."""
        records: Records = self.site.records
        records.noting = False
        live_on(self.site)
        records.noting = True
        records.facts.clock_offset = self.site.clock.offset
        self._store.checkpoint(records)

    def qrs(self, call: Call) -> Answer:
        """Carry out a QRS request without HTTP; refusals are raised."""
        return self._resources.answer(call)

    async def _live(self) -> None:
        while True:
            a_day = DAY / SECOND / max(self.site.clock.speed, 1)
            await asyncio.sleep(min(self.options.live_every, max(a_day, _SHORTEST_PAUSE)))
            self.live_on()


def _usage_empty(faults: Faults) -> bool:
    return faults.value_of(FaultKind.USAGE) == "empty"


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def run(options: SimOptions, on_ready: Callable[[Simulator], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once the site answers."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(options, on_ready))


async def _run(options: SimOptions, on_ready: Callable[[Simulator], None]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the loop itself
            loop.add_signal_handler(number, ended.set)
    async with Simulator(options) as simulator:
        on_ready(simulator)
        await ended.wait()
