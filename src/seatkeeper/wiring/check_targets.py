"""What `check` finds of those who are told: can each be reached and written, and what waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from seatkeeper.core.channel import channel_of
from seatkeeper.core.findings import Area, Finding, failed, ok, warning
from seatkeeper.core.hook import hook_of
from seatkeeper.core.outbox import Loss, OutboxState, Waiting
from seatkeeper.outlets.influxdb import InfluxSink
from seatkeeper.settings import Settings
from seatkeeper.settings.influxdb import InfluxSettings
from seatkeeper.store import Store
from seatkeeper.wiring.telling import place_of, targets_of


async def target_findings(settings: Settings) -> list[Finding]:
    """Ask each target of points, all at once, whether it would take some; none is written."""
    return list(await asyncio.gather(*map(_influx, settings.metrics.influxdb)))


async def _influx(settings: InfluxSettings) -> Finding:
    place, name = place_of(settings), f"influxdb {settings.name}"
    async with InfluxSink(place) as sink:
        answer = await sink.touch()
        said, cure = sink.describe(answer), sink.cure(answer)
    if answer.is_good:
        return ok(Area.METRICS, f"{name}: {place.url} takes points for the {place.words}")
    if answer.status == 404 and place.create and "not found" in answer.said:
        return warning(
            Area.METRICS,
            f"{name}: {place.url} answers, and has no {place.words} yet",
            "it is created with the first points, if the user may; or create it yourself with "
            f'CREATE DATABASE "{place.create}"',
        )
    return failed(Area.METRICS, f"{name}: {said}", cure)


async def outbox_findings(store: Store, settings: Settings, now: datetime) -> list[Finding]:
    """Say what waits for whom, and what was refused for good."""
    depth = await store.outbox.depth()
    refused = {target: n for (target, state), n in depth.items() if state is OutboxState.SET_ASIDE}
    known = frozenset(targets_of(settings))
    findings = list(_waiting(await store.outbox.waiting(), known, now))
    findings += _dropped(await store.losses.all())
    for target, number in sorted(refused.items()):
        why = next((r.error for r in await store.outbox.refused() if r.row.target == target), "")
        findings.append(
            warning(
                Area.OUTBOX,
                f"{number} for {target} were refused for good and set aside: {why}",
                f"mend what it says, then: seatkeeper outbox retry {target} (or drop {target})",
            )
        )
    return findings


def _waiting(waiting: Sequence[Waiting], known: frozenset[str], now: datetime) -> Iterator[Finding]:
    for one in waiting:
        since = f"{one.rows} wait for {one.target}, the first since {one.oldest:%F %T} UTC"
        if one.target not in known:
            cure = f"name it in {_place(one.target)} again, or: seatkeeper outbox drop {one.target}"
            yield warning(Area.OUTBOX, f"{since}; nobody has this name any more", cure)
        elif one.error and (now - one.oldest).total_seconds() > _SOON:
            yield warning(Area.OUTBOX, f"{since}: {one.error}", "see the findings of this target")
        else:
            yield ok(Area.OUTBOX, since)


def _place(target: str) -> str:
    """Return where the configuration names targets of this kind."""
    if hook_of(target) is not None:
        return "console.webhooks"
    return "metrics.influxdb" if channel_of(target) is None else "alerts.channels"


def _dropped(lost: Mapping[str, Loss]) -> Iterator[Finding]:
    for target, loss in lost.items():
        yield warning(
            Area.OUTBOX,
            f"{loss.rows} for {target} were dropped because it took nothing for too long, last at "
            f"{loss.dropped_at:%F %T} UTC; the newest was of {loss.newest:%F %T} UTC",
            f"they are gone; retention.outbox and outbox_rows say how much may wait (seatkeeper "
            f"outbox drop {target} forgets this, and what waits)",
        )


_SOON = 900
"""Seconds that something may wait before people have to look."""
