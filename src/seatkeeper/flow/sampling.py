"""Record how a cycle went, also when it fails: its time, its requests, and why."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.record import CycleSample
from seatkeeper.errors import Interrupted, StoreError, said_of
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.steps import Steps, Trouble


@dataclass(slots=True)
class Cycle:
    """A cycle that runs: which, and what failed after its reading."""

    kind: str
    began: datetime
    troubles: Sequence[Trouble] = ()


@contextlib.asynccontextmanager
async def sampled(
    kind: str, site: Site, records: Records, run: Run, began: datetime | None = None
) -> AsyncIterator[Cycle]:
    """Record the cycle in this block when it ends; one put off on request is none.

    `began` names the cycle to others who may record it, or else it begins now. A record that
    cannot be written is logged and stops nothing.
    """
    cycle = Cycle(kind, began or run.clock.now())
    sent = site.reader.requests

    async def record(error: str = "") -> None:
        await records.cycles.add(
            CycleSample(
                site=site.name,
                kind=kind,
                at=cycle.began,
                seconds=max(0.0, (run.clock.now() - cycle.began).total_seconds()),
                requests=site.reader.requests - sent,
                error=error,
                trouble="; ".join(trouble.words for trouble in cycle.troubles),
            )
        )

    try:
        yield cycle
    except Interrupted:
        raise
    except Exception as error:
        # The store may be what failed; the error itself is worth more than its record.
        with contextlib.suppress(StoreError):
            await record(said_of(error))
        raise
    await Steps(site.name, run.run_id).attempt("recording the cycle", record)
