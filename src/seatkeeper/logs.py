"""Structured logs on stderr: events with constant names and bound ids, for people or as JSON.

Nothing secret is ever an argument of a log call; libraries' own loggers go the same way.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger, Processor


def set_up(level: str = "info", fmt: str = "console") -> None:
    """Send every log event to stderr, one line each, from `level` on; `fmt` is console or json."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last]
        if fmt == "json"
        else [*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=last, foreign_pre_chain=shared)
    )
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, _number(level)), force=True)


def _number(level: str) -> int:
    return int(getattr(logging, level.upper()))


def logger(**bound: object) -> FilteringBoundLogger:
    """Return a logger with these ids bound to every event."""
    made: FilteringBoundLogger = structlog.get_logger(**bound)
    return made
