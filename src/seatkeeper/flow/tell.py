"""What has not been told yet, to those it is for: in order, in bounded batches, never for ever.

Nothing here breaks a run: trouble is kept beside the rows and comes back as a value. When to try
again stands in the store, so that a restart neither hammers a receiver nor forgets it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from seatkeeper.core.outbox import Delivery, OutboxRow
from seatkeeper.errors import StoreError
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.telling_ports import Outbox, Sink

BATCH = 5_000
"""Rows a batch at most, as InfluxDB recommends for points."""

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)
"""Between two tries of a target that is down; a receiver that asks for more gets it."""

MOST_ASKED = timedelta(hours=1)
"""More than this is not waited, whatever a receiver asks for."""

_TICK = 0.01
"""The clock counts whole milliseconds: so much later a row is certainly due."""

SEND_SECONDS = 50.0
"""How long one batch may take; less than a turn at the target lasts."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of delivering to one target: rows that arrived, rows that were set aside.

    `error` says why the rest waits; empty when nothing is left that could be sent now.
    """

    target: str
    delivered: int = 0
    set_aside: int = 0
    error: str = ""


async def deliver(
    target: str,
    sink: Sink,
    outbox: Outbox,
    clock: Clock,
    *,
    limit: timedelta | None = None,
    batch: int = BATCH,
) -> Told:
    """Send what waits for one target until nothing does, or it fails.

    With a `limit` of time it is tried at once, although an earlier failure may say later, and
    again and again within the limit; what is not sent by then stays. Cancelling loses nothing.
    """
    ahead = timedelta(0) if limit is None else LONGEST_WAIT
    teller = _Teller(target, sink, outbox, clock, batch, ahead)
    try:
        async with asyncio.timeout(None if limit is None else limit.total_seconds()):
            wait = await teller.round()
            while wait is not None and limit is not None:
                await asyncio.sleep(wait.total_seconds() + _TICK)
                wait = await teller.round()
    except TimeoutError:
        teller.error = teller.error or "there was no time to send everything"
    except StoreError as error:
        teller.error = str(error)
    return Told(target, teller.delivered, teller.set_aside, teller.error)


@dataclass(slots=True)
class _Teller:
    """One go at one target, and what came of it so far."""

    target: str
    sink: Sink
    outbox: Outbox
    clock: Clock
    batch: int
    ahead: timedelta
    """So far ahead of its time a row may be tried."""
    delivered: int = 0
    set_aside: int = 0
    error: str = ""

    async def round(self) -> timedelta | None:
        """Send batch after batch; how long to wait when one fails, None when nothing is due."""
        worked = False
        try:
            while rows := await self._take():
                worked = True
                wait = await self._settle(rows, await self._send(rows))
                if wait is not None:
                    return wait
                self.error = ""
            return None
        finally:
            if worked:
                await self.outbox.leave(self.target)

    async def _take(self) -> list[OutboxRow]:
        now = self.clock.now() + self.ahead
        return await self.outbox.take(self.target, self.batch, now)

    async def _send(self, rows: Sequence[OutboxRow]) -> Delivery:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await self.sink.send(rows)
        except TimeoutError:
            return Delivery(error=f"no answer within {SEND_SECONDS:.0f} s")
        except Exception as error:  # noqa: BLE001 - a sink's mistake must not break a run
            return Delivery(error=f"sending failed: {type(error).__name__}")

    async def _settle(self, rows: Sequence[OutboxRow], delivery: Delivery) -> timedelta | None:
        """Write what became of a batch; how long to wait when it failed."""
        await self.outbox.done(delivery.delivered)
        self.delivered += len(delivery.delivered)
        for said in dict.fromkeys(delivery.poisoned.values()):
            ids = [row_id for row_id, why in delivery.poisoned.items() if why == said]
            await self.outbox.set_aside(ids, said, self.clock.now())
            self.set_aside += len(ids)
        if not delivery.error and not (delivery.delivered or delivery.poisoned):
            delivery = Delivery(error="the target took nothing and said nothing")
        if not delivery.error:
            return None
        self.error = delivery.error
        # Rows behind one that has to wait do so too: nothing overtakes it in the queue.
        failed = delivery.in_vain(rows)
        wait = backoff(failed[0].tries if failed else 0, delivery.wait)
        ids = [row.id for row in failed]
        await self.outbox.later(ids, delivery.error, self.clock.now() + wait)
        return wait


def backoff(tries: int, asked: timedelta = timedelta(0)) -> timedelta:
    """Return how long to wait after so many failed tries: doubling, bounded, with jitter."""
    longest = min(FIRST_WAIT * (1 << min(tries, 20)), LONGEST_WAIT)
    # Targets that failed together must not all come back in the same second.
    drawn = longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not security
    return max(drawn, min(asked, MOST_ASKED))
