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
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from seatkeeper.core.policy import Policy
from seatkeeper.core.record import Actor
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.errors import Interrupted, SeatkeeperError, UsageError
from seatkeeper.store import Owner

ENDING = 13.5
"""Seconds that a child gets to end after it was asked to, or after its parent died."""


class ChildDied(SeatkeeperError):
    """The child process ended without a word: what it had in hand has to be recovered."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is to do, under which lease, and by which rules (`rules_of`)."""

    site: str
    kind: JobKind
    fence: int
    owner: Owner
    interrupted: bool
    run_id: str
    began: datetime
    actor: Actor
    asked_by: str = ""
    by_request: bool = False
    rules: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to: a result, or the error."""

    result: JobResult | None = None
    error: str = ""
    put_off: bool = False
    """It ended on request before anything was done."""


def rules_of(policy: Policy) -> str:
    """Name the rules of a site; parent and child must go by the same."""
    return f"{policy.mode.value} {policy.digest}"


def require_same_rules(order: Order, policy: Policy) -> None:
    """Raise UsageError when the configuration was changed after the parent had read it."""
    if order.rules != rules_of(policy):
        raise UsageError(
            f"the policy of site {order.site} in the configuration file is not the one the daemon "
            "was started with: start the daemon again, so that every site goes by the new one"
        )


async def in_child(order: Order, config: Path, stop: asyncio.Event) -> JobResult:
    """Have a job done in a child process and return what it came to.

    Raises ChildDied when the child did not report, Interrupted when it did nothing because it was
    asked to end, else SeatkeeperError with the child's words.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # -P: a folder named seatkeeper where the daemon was started must not be imported.
        *("-P", "-m", "seatkeeper", "-c", str(config), "job"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # The terminal's Ctrl-C is for the parent, which decides what it means.
        start_new_session=os.name == "posix",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    reading = asyncio.create_task(_talk(process, order), name=f"child:{order.site}")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
        _close_stdin(process)
        async with asyncio.timeout(None if reading.done() else ENDING):
            out = await reading
    except TimeoutError:
        raise ChildDied(f"the child process did not end within {ENDING:.0f} s") from None
    finally:
        stopping.cancel()
        reading.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _result(out, process.returncode)


async def _talk(process: asyncio.subprocess.Process, order: Order) -> bytes:
    """Send the order and read until the child has ended; stdin stays open as a sign of life."""
    if process.stdin is None or process.stdout is None:
        raise ChildDied("the child process has no pipes")
    # A child that is dead already is noticed when its output ends.
    with contextlib.suppress(ConnectionError):
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        await process.stdin.drain()
    out = await process.stdout.read()
    await process.wait()
    return out


def _close_stdin(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _result(out: bytes, code: int | None) -> JobResult:
    lines = out.splitlines()
    try:
        report = msgspec.json.decode(lines[-1] if lines else b"", type=Report)
    except msgspec.DecodeError:
        raise ChildDied(f"the child process {_how_it_ended(code)}") from None
    if report.put_off:
        raise Interrupted(report.error)
    if report.result is None:
        raise SeatkeeperError(report.error)
    return report.result


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by signal {-code}; was there enough memory?"
    return f"ended without a result (exit {code}); the log tells more"


async def obey(
    order: Order, work: Callable[[Order], Awaitable[JobResult]], stop: asyncio.Event
) -> Report:
    """Do in the child what was ordered, until the parent is gone or wants an end."""
    _leave_ctrl_c_to_the_parent()
    _stop_at_end_of_stdin(asyncio.get_running_loop(), stop)
    task = asyncio.ensure_future(work(order))
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
        # A parent that is dead cannot kill us; an orphan must not go on holding the site.
        async with asyncio.timeout(None if task.done() else ENDING):
            return Report(result=await task)
    except TimeoutError:
        raise ChildDied(f"the job did not end within {ENDING:.0f} s") from None
    except Interrupted as error:
        return Report(error=str(error), put_off=True)
    except SeatkeeperError as error:
        return Report(error=str(error))
    finally:
        stopping.cancel()


def _leave_ctrl_c_to_the_parent() -> None:
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop_at_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Watch stdin in a thread that does not keep the process alive."""

    def watch() -> None:
        # Broken off or closed: the parent is gone, or wants an end.
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        # The loop is closed already when the work was done first.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def read_order() -> Order:
    """Read the order from stdin, byte by byte so that nothing after it is swallowed.

    Raises UsageError when there is none: only the daemon starts a job.
    """
    line = b""
    while not line.endswith(b"\n"):
        one = os.read(0, 1)
        if not one:
            break
        line += one
    try:
        return msgspec.json.decode(line, type=Order)
    except msgspec.DecodeError as error:
        raise UsageError("a job is started by the daemon alone; see `seatkeeper serve`") from error
