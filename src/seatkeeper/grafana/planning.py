"""The dashboard Capacity planning: until when the seats last, and how many to buy."""

from __future__ import annotations

from seatkeeper.core.measures import BUTLER_LICENSE as POOLS
from seatkeeper.core.measures import BUTLER_SERVER_LICENSE as SERVER
from seatkeeper.grafana import influxql, promql
from seatkeeper.grafana.influxql import field, last
from seatkeeper.grafana.spec import DAYS, Board, Chart, Flavour, Panel, Row, falling, rising

INFLUX, PROM = Flavour.INFLUXDB, Flavour.PROMETHEUS

TYPE = "{site} {license_type}"
FREE = field(POOLS, "available")
MONTH = 30
"""Trends look back so many days from now, whatever range is chosen; or as far as numbers go."""

AVAILABLE = promql.seats("available")

DAYS_LEFT = Panel(
    "In how many days is each pool empty?",
    "Free seats divided by how many are lost a day, along a straight line through the last 30 "
    "days, or as many as there are. A pool that grows or stands still does not show. Orange below "
    "90 days, which is how long an order may take.",
    DAYS,
    Chart.NUMBER,
    {
        INFLUX: (influxql.until_zero(POOLS, "available", days=MONTH),),
        PROM: (promql.newest(f"{AVAILABLE} / (-deriv({AVAILABLE}[30d]) > 0) / 86400"),),
    },
    width=8,
    height=6,
    steps=falling(30, 90),
    decimals=0,
    no_value="no pool is getting empty",
)

IN_90_DAYS = Panel(
    "How many seats are free in 90 days?",
    "The trend of the last 30 days carried on. Below zero is the number of seats to buy or to "
    "release by then.",
    "locale",
    Chart.NUMBER,
    {
        INFLUX: (influxql.carried_on(POOLS, "available", days=MONTH, ahead=90),),
        PROM: (promql.newest(f"predict_linear({AVAILABLE}[30d], 90 * 86400)"),),
    },
    width=8,
    height=6,
    steps=falling(0, 10),
    decimals=0,
    low=None,
)

EXPIRY = Panel(
    "For how many days is the server license valid?",
    "Whole days to the last valid day, negative after it. When it has passed nobody can work. "
    "Nothing shows when the site does not say.",
    DAYS,
    Chart.NUMBER,
    {
        INFLUX: (influxql.newest(SERVER, last(SERVER, "days_until_expiry")),),
        PROM: (promql.newest(promql.days_valid(), "{site}"),),
    },
    width=8,
    height=6,
    steps=falling(30, 90),
    decimals=0,
    low=None,
    no_value="cannot be told",
)

FREE_OVER_TIME = Panel(
    "Are the free seats getting fewer?",
    "Free seats of each pool. A sawtooth is what releases give back and new people take. "
    "The dashed lines are none and 10 free seats.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (influxql.series(POOLS, last(POOLS, "available")),),
        PROM: (promql.series(AVAILABLE),),
    },
    steps=falling(1, 10),
    height=9,
    interval="6h",
)

LOWEST = Panel(
    "What was the least that was free in each week?",
    "The lowest number of free seats of each week: the reserve that was really there. What never "
    "falls below a number need not be bought again.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (influxql.series(POOLS, f"min({FREE})", every="7d"),),
        PROM: (promql.series(f"min_over_time({AVAILABLE}[7d])"),),
    },
    steps=falling(1, 10),
    height=9,
    interval="7d",
)

GROWTH = Panel(
    "How many more seats were held week by week?",
    "Held seats at the end of a week minus those at the end of the week before. Below zero more "
    "was given back than taken.",
    "locale",
    Chart.BARS,
    {
        INFLUX: (influxql.series(POOLS, f"difference({last(POOLS, 'allocated')})", every="7d"),),
        PROM: (promql.series(f"delta({promql.seats('allocated')}[7d])"),),
    },
    low=None,
    decimals=0,
    interval="7d",
)

PEAK = Panel(
    "How full was each pool at its peak each week?",
    "The highest share of a week. Size a pool for the peaks of a quarter, not for the average.",
    "percentunit",
    Chart.LINES,
    {
        INFLUX: (influxql.peak_share(POOLS, "allocated", "total", every="7d"),),
        PROM: (
            promql.series(
                f"max_over_time({promql.seats('allocated')}[7d]) / ignoring(state) "
                f"{promql.seats('total')}"
            ),
        ),
    },
    low=None,
    soft_low=0.5,
    high=1,
    steps=rising(0.85, 0.95),
    interval="7d",
)

SPENT = promql.capacity("used")
GRANTED = promql.capacity("allocated")
OF_MONTH = "(day_of_month() - 1 + hour() / 24) / days_in_month()"

MINUTES = Panel(
    "Do the Analyzer Capacity minutes last until the month ends?",
    "Minutes used as a share of the month's minutes; they start anew on the first. On Prometheus "
    "the dashed line is the share of the month that is over: above it the minutes end too early.",
    "percentunit",
    Chart.LINES,
    {
        INFLUX: (
            influxql.series(
                POOLS,
                f"{last(POOLS, 'used_minutes')} / {last(POOLS, 'allocated_minutes')}",
                "{site} capacity",
            ),
        ),
        PROM: (
            promql.series(f"{SPENT} / ignoring(state) {GRANTED}", "{site} capacity"),
            promql.series(OF_MONTH, "on schedule"),
        ),
    },
    steps=rising(0.85, 1),
    width=24,
    interval="6h",
    no_value="no Analyzer Capacity",
)

PLANNING = Board(
    "planning",
    "Capacity planning",
    "Until when the seats last, and how many are needed.",
    "now-180d",
    (
        Row("What comes", (DAYS_LEFT, IN_90_DAYS, EXPIRY)),
        Row("Free seats", (FREE_OVER_TIME, LOWEST), each_site=True),
        Row("Demand", (GROWTH, PEAK, MINUTES), each_site=True),
    ),
)
