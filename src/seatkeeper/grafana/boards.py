"""Every dashboard, in the order in which they link to each other."""

from __future__ import annotations

from dataclasses import replace

from seatkeeper.grafana.activity import ACTIVITIES
from seatkeeper.grafana.cost import COSTS
from seatkeeper.grafana.health import HEALTHS
from seatkeeper.grafana.planning import PLANNING
from seatkeeper.grafana.spec import MONEY, Board, Row
from seatkeeper.grafana.utilization import UTILIZATION


def boards(currency: str = "") -> tuple[Board, ...]:
    """Return every dashboard, with the currency behind amounts where one is given.

    Not as Grafana's units of currencies, which shorten 82,174 to 82K.
    """
    unit = f"suffix: {currency}" if currency else "locale"
    return tuple(
        replace(board, rows=tuple(_with_money_in(row, unit) for row in board.rows))
        for board in BOARDS
    )


def _with_money_in(row: Row, unit: str) -> Row:
    panels = (replace(p, unit=unit) if p.unit == MONEY else p for p in row.panels)
    return replace(row, panels=tuple(panels))


BOARDS = (UTILIZATION, PLANNING, COSTS, ACTIVITIES, HEALTHS)
