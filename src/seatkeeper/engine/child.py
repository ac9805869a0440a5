"""Jobs of large sites in a process that ends: the daemon stays small, whatever a site weighs.

The parent holds the lease and says so on the child's stdin; the child renews it meanwhile, and
ends its work gently when stdin closes, which also happens when the parent dies. The last line of
its stdout is the result.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from seatkeeper.core.record import Actor
from seatkeeper.engine.jobs import JobKind
from seatkeeper.errors import SeatkeeperError
from seatkeeper.flow.context import Run
from seatkeeper.store import Held, Owner

LARGE = 20_000
"""A site with so many users has its jobs done in a child process."""

ENDING = 14.0
"""Seconds that a child gets to end after the parent asked it to."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is to do, and under which lease."""

    site: str
    kind: JobKind
    fence: int
    owner: Owner
    interrupted: bool
    run_id: str
    actor: Actor


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to: `said`, or the error."""

    said: str = ""
    error: str = ""


def order_of(held: Held, kind: JobKind, run: Run) -> Order:
    """Say what a child is to do for a job."""
    return Order(
        site=held.site,
        kind=kind,
        fence=held.fence,
        owner=held.owner,
        interrupted=held.interrupted,
        run_id=run.run_id,
        actor=run.actor,
    )


async def in_child(order: Order, config: Path, stop: asyncio.Event) -> str:
    """Have a job done in a child process and return what it came to.

    Raises SeatkeeperError with the child's words when it failed or died.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "seatkeeper", "-c", str(config), "job"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    reading = asyncio.create_task(_talk(process, order), name=f"child:{order.site}")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
        _close_stdin(process)
        async with asyncio.timeout(ENDING if not reading.done() else None):
            out = await reading
    except TimeoutError:
        raise SeatkeeperError("the child process did not end in time") from None
    finally:
        stopping.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _result(out, process.returncode)


async def _talk(process: asyncio.subprocess.Process, order: Order) -> bytes:
    """Send the order and read until the child has ended; stdin stays open as a sign of life."""
    if process.stdin is None or process.stdout is None:
        raise SeatkeeperError("the child process has no pipes")
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    await process.stdin.drain()
    out = await process.stdout.read()
    await process.wait()
    return out


def _close_stdin(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _result(out: bytes, code: int | None) -> str:
    lines = out.splitlines()
    try:
        report = msgspec.json.decode(lines[-1] if lines else b"", type=Report)
    except msgspec.DecodeError:
        raise SeatkeeperError(f"the child process died (exit {code})") from None
    if report.error:
        raise SeatkeeperError(report.error)
    return report.said


async def obey(
    order: Order, work: Callable[[Order, asyncio.Event], Awaitable[str]], stop: asyncio.Event
) -> Report:
    """Do in the child what was ordered, until the parent is gone or wants an end."""
    # The terminal's Ctrl-C reaches both processes; the parent decides what it means.
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stop_at_end_of_stdin(asyncio.get_running_loop(), stop)
    try:
        return Report(said=await work(order, stop))
    except SeatkeeperError as error:
        return Report(error=str(error))


def _stop_at_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Watch stdin in a thread that does not keep the process alive."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        # The loop is closed already when the work was done first.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def read_order() -> Order:
    """Read the order from stdin, byte by byte so that nothing after it is swallowed."""
    line = b""
    while not line.endswith(b"\n"):
        one = os.read(0, 1)
        if not one:
            break
        line += one
    return msgspec.json.decode(line, type=Order)
