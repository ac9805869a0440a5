"""The part of `demo` that stays: the daemon, and the one link into its console."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatkeeper.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Starting = Callable[..., Awaitable[asyncio.subprocess.Process]]
    """Starts a command of ours, with the options of `create_subprocess_exec`."""

_LINK = re.compile(r"https?://\S+/welcome\?key=\S+")


@dataclass(frozen=True, slots=True)
class Stay:
    """What the staying part needs; `command` is how this very command is called."""

    folder: Path
    command: str
    start: Starting
    say: Callable[[str], None]
    stop: asyncio.Event
    browser: bool = True

    async def go(self, waiting: str) -> Exit:
        """Serve until Ctrl-C; `waiting` says what waits in the console."""
        process = await self.start(["serve"], stderr=asyncio.subprocess.PIPE)
        told = asyncio.ensure_future(self._tell(process, waiting))
        ending = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait((ending, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if process.returncode is None:
            process.terminate()
        code = await ending
        await told
        return Exit.DONE if self.stop.is_set() else Exit(code)

    async def _tell(self, process: asyncio.subprocess.Process, waiting: str) -> None:
        """Pass on what the daemon says; where it prints the first link, say what that is for."""
        if process.stderr is None:
            return
        async for line in process.stderr:
            text = line.decode(errors="replace").rstrip()
            if (link := _LINK.search(text)) is None:
                if "opens it once" not in text:
                    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the daemon's own words
                continue
            self.say(self._invitation(link[0], waiting))
            if self.browser:
                await asyncio.to_thread(show_in_browser, link[0])

    def _invitation(self, link: str, waiting: str) -> str:
        return (
            "\n── The console. This link opens it, once:\n\n"
            f"  {link}\n\n"
            f"{waiting} Read it, leave a seat out, approve it, watch it being\n"
            "applied, and give a seat back. The site is read anew every minute.\n"
            f"Beside it: {self.command} -c {self.folder}/seatkeeper.yaml status\n"
            "Ctrl-C ends the demo."
        )


def show_in_browser(link: str) -> bool:
    """Open a link where somebody would see it; never an error, and no browser inside a terminal."""
    if not _has_screen():
        return False
    with contextlib.suppress(webbrowser.Error, OSError):
        return webbrowser.open(link)
    return False


def _has_screen() -> bool:
    if "BROWSER" in os.environ:
        return True
    if "SSH_CONNECTION" in os.environ:
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
