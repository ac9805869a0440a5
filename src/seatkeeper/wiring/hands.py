"""What releases and grants. Whoever imports this module can change a site."""

from __future__ import annotations

from seatkeeper.flow.apply import Hands
from seatkeeper.flow.context import Records, Run
from seatkeeper.flow.ports import Held
from seatkeeper.flow.undo import GiveBack, Granting
from seatkeeper.qrs.hands import Granter, Releaser
from seatkeeper.wiring.readers import OpenSite


def hands_of(opened: OpenSite, records: Records, run: Run, held: Held) -> Hands:
    """Return what applying a plan needs, under this lease."""
    granter = Granter(opened.client)
    return Hands(
        releaser=Releaser(opened.client),
        give_back=GiveBack(opened.site, records, run, granter, held),
        held=held,
        concurrency=opened.settings.qrs.concurrency,
    )


def granting_of(opened: OpenSite, held: Held, why: str) -> Granting:
    """Return what giving seats back needs, under this lease."""
    return Granting(Granter(opened.client), held, why)
