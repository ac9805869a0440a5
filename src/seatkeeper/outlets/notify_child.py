"""The process in which Apprise works: one notice on stdin, one answer on stdout, then it ends."""

from __future__ import annotations

import logging
import sys

import msgspec
from apprise import Apprise, NotifyFormat, NotifyType
from apprise.logger import logger

from seatkeeper.outlets.notify import Notice, Notified

_LONGEST_SAID = 300


class _Said(logging.Handler):
    """Keeps what Apprise says of its troubles."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(" ".join(record.getMessage().split()))


def notify(notice: Notice) -> Notified:
    """Send a notice, or only look at its URL, and say what came of it."""
    said = _Said()
    logger.addHandler(said)
    logger.setLevel(logging.WARNING)
    apprise = Apprise()
    known = apprise.add(notice.url)
    service = ", ".join(str(one.service_name) for one in apprise)
    if known and notice.title:
        known = bool(
            apprise.notify(
                notice.text,
                title=notice.title,
                notify_type=NotifyType(notice.kind),
                body_format=NotifyFormat.TEXT,
            )
        )
    return Notified(
        done=known, service=service, said="; ".join(dict.fromkeys(said.lines))[:_LONGEST_SAID]
    )


def main() -> None:
    """Answer the one notice on stdin."""
    notice = msgspec.json.decode(sys.stdin.buffer.read(), type=Notice)
    sys.stdout.buffer.write(msgspec.json.encode(notify(notice)))


if __name__ == "__main__":
    main()
