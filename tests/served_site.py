"""A simulated site that serves from a thread, for tests that run commands in this process."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from seatkeeper.simulator.faults import Faults
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.rows import User
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.switches import Switches

Result = TypeVar("Result")


class ServedSite:
    """One running simulator; whatever changes it goes through its own loop."""

    def __init__(self, simulator: Simulator, loop: asyncio.AbstractEventLoop) -> None:
        self.simulator = simulator
        self._loop = loop

    @property
    def folder(self) -> Path:
        """Where state and certificates are."""
        return self.simulator.options.state_dir

    @property
    def url(self) -> str:
        """The address of its QRS."""
        return self.simulator.url

    def configured(self, text: str) -> str:
        """Return a configuration of another site's text that means this site."""
        text = re.sub(r"https://[^/]*/qrs", self.url, text)
        return re.sub(r"\S*/(root|client|client_key)\.pem", rf"{self.folder}/\1.pem", text)

    def do(self, work: Callable[[Simulator], Result]) -> Result:
        """Do something to the simulator while nothing else does."""

        async def carry_out() -> Result:
            return work(self.simulator)

        return asyncio.run_coroutine_threadsafe(carry_out(), self._loop).result(timeout=30)

    def faults(self, *texts: str) -> None:
        """Let these things go wrong from now on."""
        self.do(lambda s: s.set_faults(Faults.parse(texts)))

    def switches(self, *texts: str) -> None:
        """Let the site behave like this from now on."""
        self.do(lambda s: s.set_switches(Switches.parse(texts)))

    def holders(self) -> list[str]:
        r"""Return who holds a seat, as `DIR\id`."""

        def look(simulator: Simulator) -> list[str]:
            records = simulator.site.records
            held = {seat.user for rows in records.seats.values() for seat in rows.values()}
            people = [user for user in records.users.values() if user.id in held]
            return sorted(f"{user.directory}\\{user.user_id}" for user in people)

        return self.do(look)

    def user(self, label: str) -> User:
        r"""Return the site's own row of `DIR\id`; change it only inside `do`."""
        directory, _, user_id = label.partition("\\")

        def find(simulator: Simulator) -> User:
            found = simulator.site.records.user_by_key(directory, user_id)
            assert found is not None
            return found

        return self.do(find)

    def rename(self, label: str, name: str) -> None:
        r"""Give the user `DIR\id` another display name."""
        user = self.user(label)

        def change(simulator: Simulator) -> None:
            user.name = name
            simulator.site.records.save_user(user)
            simulator.site.keep()

        self.do(change)


@contextmanager
def serving(folder: Path, **options: object) -> Iterator[ServedSite]:
    """Serve a site of 120 people until the block ends."""
    told: dict[str, object] = {"users": 120, "seed": 5, "state_dir": folder}
    chosen = SimOptions(**(told | options))  # type: ignore[arg-type]
    ready: list[ServedSite] = []
    is_up, is_over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with Simulator(chosen) as simulator:
            ready.append(ServedSite(simulator, asyncio.get_running_loop()))
            is_up.set()
            await is_over.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="site")
    thread.start()
    try:
        assert is_up.wait(timeout=30)
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(timeout=30)
        loop.close()
