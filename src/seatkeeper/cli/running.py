"""Run a command's coroutine under one owner of signals, and turn its end into an exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
import uuid
from collections.abc import Awaitable, Callable
from types import FrameType

from seatkeeper.cli.exits import Exit
from seatkeeper.flow.context import Progress, Run, no_progress
from seatkeeper.flow.ports import Clock
from seatkeeper.wiring.clock import this_actor

LAST_MOMENT = 13.0
"""Seconds after the wish to end at which a command that still runs is cut off."""

Command = Callable[[asyncio.Event], Awaitable[Exit]]


def carry_out(command: Command, *, gently: bool = False) -> Exit:
    """Run a command until it ends; Ctrl-C and SIGTERM end it with 130.

    `gently`: the command is given a stop event first, to finish and record what it has in hand,
    and is cut off after LAST_MOMENT or at the second signal. Others are cut off at once.
    """
    return asyncio.run(_watched(command, gently=gently))


async def _watched(command: Command, *, gently: bool) -> Exit:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    task = asyncio.ensure_future(command(stop))

    def end() -> None:
        if not gently or stop.is_set():
            task.cancel()
            return
        print("ending: what is in hand is finished and recorded", file=sys.stderr)  # noqa: T201 - chatter
        stop.set()
        loop.call_later(LAST_MOMENT, task.cancel)

    _on_signals(loop, end)
    try:
        return await task
    except asyncio.CancelledError:
        return Exit.INTERRUPTED


def _on_signals(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, end)
        except NotImplementedError:  # Windows has no signal handlers on its loop
            signal.signal(number, _threadsafe(loop, end))


def _threadsafe(
    loop: asyncio.AbstractEventLoop, end: Callable[[], None]
) -> Callable[[int, FrameType | None], None]:
    def handler(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)

    return handler


def new_run(clock: Clock, by: str | None = None, stop: asyncio.Event | None = None) -> Run:
    """Begin a run: an id, who asks for it and acts, and how its progress is shown."""
    actor = this_actor(by)
    return Run(
        run_id=f"r-{uuid.uuid4().hex[:12]}",
        actor=actor,
        asked_by=actor.by,
        clock=clock,
        stop=stop or asyncio.Event(),
        progress=progress_on_stderr(),
    )


def progress_on_stderr() -> Progress:
    """Show progress in one line on stderr when a terminal looks, else nothing."""
    if not sys.stderr.isatty():
        return no_progress

    def show(what: str, done: int, total: int) -> None:
        text = f"{what}: {done} of {total}" if total else f"{what} …"
        sys.stderr.write(f"\r\x1b[K{text}" + ("\r\x1b[K" if total and done >= total else ""))
        sys.stderr.flush()

    return show
