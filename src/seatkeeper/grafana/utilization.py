"""The dashboard License utilization: who can still get a seat, today and over the last months."""

from __future__ import annotations

from seatkeeper.core.measures import BUTLER_LICENSE as POOLS
from seatkeeper.grafana import influxql, promql
from seatkeeper.grafana.influxql import last
from seatkeeper.grafana.spec import Board, Chart, Flavour, Panel, Row, falling, rising

INFLUX, PROM = Flavour.INFLUXDB, Flavour.PROMETHEUS

TYPE = "{site} {license_type}"

SHARE = f"{last(POOLS, 'allocated')} / {last(POOLS, 'total')}"
SHARE_PROM = f"{promql.seats('allocated')} / ignoring(state) {promql.seats('total')}"

FREE = Panel(
    "How many seats are free now?",
    "Seats that nobody holds and that are not in quarantine. At zero the next person who needs "
    "one is turned away.",
    "locale",
    Chart.NUMBER,
    {
        INFLUX: (influxql.newest(POOLS, last(POOLS, "available")),),
        PROM: (promql.newest(promql.seats("available")),),
    },
    width=9,
    height=6,
    steps=falling(1, 10),
    decimals=0,
)

FULL = Panel(
    "How full is each pool?",
    "Allocated seats as a share of all seats. Orange from 85 %, red from 95 %.",
    "percentunit",
    Chart.METER,
    {
        INFLUX: (influxql.newest(POOLS, SHARE),),
        PROM: (promql.newest(SHARE_PROM),),
    },
    width=8,
    height=6,
    steps=rising(0.85, 0.95),
    decimals=1,
    high=1,
)

LOCKED_OUT = Panel(
    "How many seats are locked?",
    "Over all that is chosen: seats in quarantine come free by themselves; holders of excess seats "
    "cannot work, because more seats are allocated than the license grants.",
    "locale",
    Chart.NUMBER,
    {
        INFLUX: tuple(
            influxql.total(POOLS, [state], f'sum("{state}")', state)
            for state in ("quarantined", "excess")
        ),
        PROM: tuple(
            promql.newest(f"sum({promql.seats(state)})", state)
            for state in ("quarantined", "excess")
        ),
    },
    width=7,
    height=6,
    steps=rising(1, 10),
    decimals=0,
)

SHARE_OVER_TIME = Panel(
    "How close did each pool come to being full?",
    "Allocated seats as a share of all seats. The dashed lines are 85 % and 95 %: order or "
    "release seats at the first, expect people to be turned away at the second.",
    "percentunit",
    Chart.LINES,
    {
        INFLUX: (influxql.series(POOLS, SHARE),),
        PROM: (promql.series(SHARE_PROM),),
    },
    height=9,
    steps=rising(0.85, 0.95),
    low=None,
    soft_low=0.5,
    high=1,
    interval="1h",
)

ALLOCATED = Panel(
    "How many seats are held, of how many?",
    "Held seats as a line, the size of the pool as a dashed line of the same colour. A step of "
    "the dashed line is a changed license.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (
            influxql.series(POOLS, last(POOLS, "allocated"), TYPE),
            influxql.series(POOLS, last(POOLS, "total"), f"{TYPE} total"),
        ),
        PROM: (
            promql.series(promql.seats("allocated"), TYPE),
            promql.series(promql.seats("total"), f"{TYPE} total"),
        ),
    },
    height=9,
    interval="1h",
)

POOL_TABLE = Panel(
    "What does each pool look like now?",
    "The counts as the site reports them, and allocated as a share of total: orange from 85 %, red "
    "from 95 %.",
    "locale",
    Chart.TABLE,
    {
        INFLUX: (
            influxql.table(
                POOLS,
                (
                    (last(POOLS, "total"), "Total"),
                    (last(POOLS, "allocated"), "Allocated"),
                    (last(POOLS, "used"), "Used"),
                    (last(POOLS, "available"), "Free"),
                    (SHARE, "Share allocated"),
                ),
            ),
        ),
        PROM: (
            promql.newest(promql.column("total"), "Total"),
            promql.newest(promql.column("allocated"), "Allocated"),
            promql.newest(promql.column("used"), "Used"),
            promql.newest(promql.column("available"), "Free"),
            promql.newest(f"sum by (site, license_type) ({SHARE_PROM})", "Share allocated"),
        ),
    },
    width=24,
    height=6,
    units={"Share allocated": "percentunit"},
    column_steps={"Share allocated": rising(0.85, 0.95)},
)

USED = Panel(
    "How many of the held seats were ever used?",
    "Used seats as a share of held seats. The lower it is, the more was handed out to people who "
    "never came. The dashed lines are 60 % and 80 %.",
    "percentunit",
    Chart.LINES,
    {
        INFLUX: (influxql.series(POOLS, f"{last(POOLS, 'used')} / {last(POOLS, 'allocated')}"),),
        PROM: (
            promql.series(
                f"{promql.seats('used')} / ignoring(state) {promql.seats('allocated')}",
            ),
        ),
    },
    low=None,
    soft_low=0.5,
    high=1,
    steps=falling(0.6, 0.8),
    width=8,
    interval="1h",
)

MINUTES = Panel(
    "How many Analyzer Capacity minutes are used this month?",
    "The pool of minutes starts anew each month; when it is empty, all who work on it are locked "
    "out. Only sites with Analyzer Capacity show here.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (
            influxql.series(POOLS, last(POOLS, "used_minutes"), "{site} capacity used"),
            influxql.series(POOLS, last(POOLS, "allocated_minutes"), "{site} capacity total"),
        ),
        PROM: (
            promql.series(f"{promql.capacity('used')} / 60", "{site} capacity used"),
            promql.series(f"{promql.capacity('allocated')} / 60", "{site} capacity total"),
        ),
    },
    width=8,
    interval="1h",
    no_value="no Analyzer Capacity",
)

TOKENS = Panel(
    "How many tokens are left?",
    "Only sites with a token license show here. The dashed lines are none and 10 tokens left.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (
            influxql.series(POOLS, last(POOLS, "available_tokens"), "{site} token free"),
            influxql.series(POOLS, last(POOLS, "total_tokens"), "{site} token total"),
        ),
        PROM: (
            promql.series(promql.tokens("available"), "{site} token free"),
            promql.series(promql.tokens("total"), "{site} token total"),
        ),
    },
    steps=falling(1, 10),
    width=8,
    interval="1h",
    no_value="no token license",
)

UTILIZATION = Board(
    "utilization",
    "License utilization",
    "How full the pools are, and who is locked out.",
    "now-90d",
    (
        Row("Now", (FREE, FULL, LOCKED_OUT, POOL_TABLE)),
        Row("Over time", (SHARE_OVER_TIME, ALLOCATED, USED, MINUTES, TOKENS), each_site=True),
    ),
)
