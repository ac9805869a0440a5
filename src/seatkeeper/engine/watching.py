"""The daemon's watch for what no reading can tell: a site that is down, data that gets old."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from seatkeeper.errors import StoreError
from seatkeeper.flow.alarm import Alarm
from seatkeeper.flow.ports import Clock

EVERY = 60.0
"""Seconds between two looks."""


async def keep_watching(
    alarm: Alarm,
    sites: Sequence[str],
    clock: Clock,
    stop: asyncio.Event,
    log: FilteringBoundLogger,
    every: float = EVERY,
) -> None:
    """Judge what can be told without a reading, again and again until asked to stop.

    A store that fails is told once; the first look comes after the first wait, when the jobs of
    the daemon have their new times.
    """
    failing = ""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every)
            return
        error = await _watched(alarm, sites, clock)
        if error and error != failing:
            log.error("alerts.failed", error=error)
        failing = error


async def _watched(alarm: Alarm, sites: Sequence[str], clock: Clock) -> str:
    """Look once; why it could not be done, empty when it could."""
    try:
        await alarm.watch(sites, clock.now())
    except StoreError as error:
        return str(error)
    return ""
