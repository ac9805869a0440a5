"""Every dashboard, in the order in which they link to each other."""

from __future__ import annotations

from seatkeeper.grafana.activity import ACTIVITIES
from seatkeeper.grafana.cost import COSTS
from seatkeeper.grafana.health import HEALTHS
from seatkeeper.grafana.planning import PLANNING
from seatkeeper.grafana.utilization import UTILIZATION

BOARDS = (UTILIZATION, PLANNING, COSTS, ACTIVITIES, HEALTHS)
