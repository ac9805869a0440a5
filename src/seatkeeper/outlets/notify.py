"""Apprise: mail, Teams, Slack and a hundred services more, each by one URL.

Apprise loads every service it knows at its first use (14 MB that stay), and a service that hangs
cannot be cancelled. So it works in a process of its own, which is ended when time is up.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import msgspec

from seatkeeper.core.alert_message import AlertMessage, MessageState, Severity
from seatkeeper.errors import NotTold
from seatkeeper.outlets.hiding import without_secrets

START = timedelta(seconds=10)
"""What the process may take to be there, on a busy machine, beside the time-out."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told on its stdin; without `title` it only looks at the URL."""

    url: str
    title: str = ""
    text: str = ""
    kind: str = "info"


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """What it answers: whether it worked, and what Apprise and the service said."""

    done: bool
    service: str = ""
    said: str = ""


class Notifier:
    """Sends messages to one Apprise URL."""

    def __init__(self, url: str, timeout: timedelta) -> None:
        self._url = url
        self._limit = (timeout + START).total_seconds()

    async def tell(self, message: AlertMessage, _key: str) -> str:
        """Send one message and say through which service; raises NotTold."""
        answer = await self._ask(
            Notice(url=self._url, title=message.title, text=_text(message), kind=_kind(message))
        )
        if not answer.done:
            raise NotTold(f"{answer.service or 'Apprise'} did not take it: {self._safe(answer)}")
        return f"{answer.service} took it"

    async def service(self) -> str:
        """Name the service of the URL without sending anything; raises NotTold for none."""
        answer = await self._ask(Notice(url=self._url))
        if not answer.done:
            raise NotTold(f"Apprise knows no such URL: {self._safe(answer)}")
        return answer.service

    async def _ask(self, notice: Notice) -> Notified:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # -P: a folder named seatkeeper where we were started must not be imported.
            *("-P", "-m", "seatkeeper.outlets.notify_child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._limit):
                out, _ = await process.communicate(msgspec.json.encode(notice))
        except TimeoutError:
            raise NotTold(f"the service did not answer within {self._limit:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            return msgspec.json.decode(out, type=Notified)
        except msgspec.DecodeError:
            raise NotTold("Apprise ended without an answer; is it installed whole?") from None

    def _safe(self, answer: Notified) -> str:
        return without_secrets(answer.said, self._url) or "it does not say why"


def _text(message: AlertMessage) -> str:
    """Return what people read, with the link at its end unless it is in the text already."""
    if not message.runbook or message.runbook in message.text:
        return message.text
    return f"{message.text}\n\n{message.runbook}"


def _kind(message: AlertMessage) -> str:
    """Return how bad Apprise shall make it look."""
    if message.state is MessageState.RESOLVED:
        return "success"
    if message.state is MessageState.TEST:
        return "info"
    kinds = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}
    return kinds[message.severity]
