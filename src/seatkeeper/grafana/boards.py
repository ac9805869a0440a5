"""Every dashboard, in the order in which they link to each other."""

from __future__ import annotations

from seatkeeper.grafana.utilization import UTILIZATION

BOARDS = (UTILIZATION,)
