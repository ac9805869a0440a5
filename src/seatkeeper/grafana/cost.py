"""The dashboard Cost optimization: what is paid for, what lies idle, what releases have saved."""

from __future__ import annotations

from seatkeeper.core.measures import ACTIVITY, COST, LICENSE_TYPE
from seatkeeper.grafana import influxql, promql
from seatkeeper.grafana.influxql import last
from seatkeeper.grafana.spec import MONEY, Board, Chart, Colour, Flavour, Panel, Row, Step, rising

INFLUX, PROM = Flavour.INFLUXDB, Flavour.PROMETHEUS

PRICES = " In the currency of the configuration; empty until `cost` has prices."


MINUTES = (
    " Analyzer Capacity counts the minutes of this calendar month, so it begins at 0 on the first."
)
TYPE = f"{{{LICENSE_TYPE}}}"


def paid(kind: str, *, by: str = "") -> str:
    """Return a kind of money over the chosen sites and types, for Prometheus."""
    return f"sum by ({by}) ({promql.metric('qlik_license_monthly_cost', kind=kind)})"


ALL_SPEND = f"sum({promql.metric('qlik_license_monthly_cost', chosen=False, kind='spend')})"
BUDGET = f"sum({promql.metric('qlik_license_monthly_budget', chosen=False)})"
"""For all sites together, so neither knows what is chosen."""


SPEND = Panel(
    "What do the seats cost a month?",
    "What somebody holds, of the chosen sites and types, at its price; free seats are a tile of "
    "their own." + MINUTES + PRICES,
    MONEY,
    Chart.NUMBER,
    {
        INFLUX: (influxql.total(COST, ["spend"], 'sum("spend")', "spend"),),
        PROM: (promql.newest(paid("spend"), "spend"),),
    },
    width=5,
    height=5,
    decimals=0,
)

IDLE = Panel(
    "How much of that lies idle?",
    "The price of seats that are held and not used." + PRICES,
    MONEY,
    Chart.NUMBER,
    {
        INFLUX: (influxql.total(COST, ["idle_spend"], 'sum("idle_spend")', "idle"),),
        PROM: (promql.newest(paid("idle_spend"), "idle"),),
    },
    width=4,
    height=5,
    steps=(Step(None, Colour.GOOD), Step(1, Colour.WARN)),
    decimals=0,
)

FREE = Panel(
    "What do seats cost that nobody holds?",
    "The price of a month of free seats: paid for, and not part of the spend. Some must be free "
    "for newcomers." + PRICES,
    MONEY,
    Chart.NUMBER,
    {
        INFLUX: (influxql.total(COST, ["shared_idle"], 'sum("shared_idle")', "free"),),
        PROM: (promql.newest(paid("shared_idle"), "free"),),
    },
    width=5,
    height=5,
    decimals=0,
)

SAVED = Panel(
    "How much do releases save a month?",
    "The price of a month of released seats that are still free; a seat that came back, or that "
    "somebody else holds now, saves nothing." + PRICES,
    MONEY,
    Chart.NUMBER,
    {
        INFLUX: (influxql.total(COST, ["savings"], 'sum("savings")', "savings"),),
        PROM: (promql.newest(paid("savings"), "savings"),),
    },
    width=5,
    height=5,
    steps=(Step(None, Colour.PLAIN), Step(1, Colour.GOOD)),
    decimals=0,
)

OF_BUDGET = Panel(
    "How much of the budget is spent?",
    "Spend of all license types of all sites, whichever are chosen, as a share of their one "
    "budget for a month. Orange from 90 %, red when it is exceeded." + MINUTES,
    "percentunit",
    Chart.NUMBER,
    {
        INFLUX: (
            influxql.everything(
                influxql.total(
                    COST, ["spend", "budget"], 'sum("spend") / sum("budget")', "of budget"
                )
            ),
        ),
        PROM: (promql.newest(f"{ALL_SPEND} / ({BUDGET} > 0)", "of budget"),),
    },
    width=4,
    height=5,
    steps=rising(0.9, 1),
    decimals=1,
    no_value="no budget",
)

SPEND_OVER_TIME = Panel(
    "Where does the money go, month after month?",
    "What seats in use and idle seats of the chosen sites cost a month, on top of each other; the "
    "dashed line is the budget of all sites together." + MINUTES + PRICES,
    MONEY,
    Chart.STACK,
    {
        INFLUX: (
            influxql.total(
                COST,
                ["spend", "idle_spend"],
                'sum("spend") - sum("idle_spend")',
                "in use",
                day=influxql.DAY,
            ),
            influxql.total(COST, ["idle_spend"], 'sum("idle_spend")', "idle", day=influxql.DAY),
            influxql.everything(
                influxql.total(COST, ["budget"], 'sum("budget")', "budget", day=influxql.DAY)
            ),
        ),
        PROM: (
            promql.series(f"{paid('spend')} - {paid('idle_spend')}", "in use"),
            promql.series(paid("idle_spend"), "idle"),
            promql.series(BUDGET, "budget"),
        ),
    },
    width=16,
    height=10,
    decimals=0,
    interval="6h",
)

IDLE_BY_TYPE = Panel(
    "Which seats lie idle at what price?",
    "Idle spend a month by site and license type: where a release pays most." + PRICES,
    MONEY,
    Chart.METER,
    {
        INFLUX: (influxql.newest(COST, last(COST, "idle_spend")),),
        PROM: (promql.newest(promql.metric("qlik_license_monthly_cost", kind="idle_spend")),),
    },
    width=8,
    height=10,
    decimals=0,
)

SAVINGS = Panel(
    "Do the savings grow?",
    "The price of a month of released seats that were free at that time. It falls when people come "
    "back and when others take the seats; the first of a month makes no difference." + PRICES,
    MONEY,
    Chart.STACK,
    {
        INFLUX: (
            influxql.total(
                COST, ["savings"], 'sum("savings")', TYPE, day=influxql.DAY, by=[LICENSE_TYPE]
            ),
        ),
        PROM: (promql.series(paid("savings", by=LICENSE_TYPE), TYPE),),
    },
    decimals=0,
    interval="6h",
)

IDLE_SHARE = Panel(
    "Is the idle share of the money getting smaller?",
    "Idle spend as a share of spend, by license type. Orange from 15 %, red from 25 %.",
    "percentunit",
    Chart.LINES,
    {
        INFLUX: (
            influxql.total(
                COST,
                ["idle_spend", "spend"],
                'sum("idle_spend") / sum("spend")',
                TYPE,
                day=influxql.DAY,
                by=[LICENSE_TYPE],
            ),
        ),
        PROM: (
            promql.series(
                f"{paid('idle_spend', by=LICENSE_TYPE)} / ({paid('spend', by=LICENSE_TYPE)} > 0)",
                TYPE,
            ),
        ),
    },
    steps=rising(0.15, 0.25),
    interval="6h",
)

RELEASABLE = Panel(
    "How many seats could be released?",
    "Seats that the policy would let go now, whether or not a plan is approved.",
    "locale",
    Chart.STACK,
    {
        INFLUX: (
            influxql.total(
                ACTIVITY,
                ["releasable"],
                'sum("releasable")',
                TYPE,
                day=influxql.DAY,
                by=[LICENSE_TYPE],
            ),
        ),
        PROM: (
            promql.series(
                f"sum by ({LICENSE_TYPE}) ({promql.metric('qlik_license_releasable_seats')})", TYPE
            ),
        ),
    },
    width=24,
    decimals=0,
    interval="6h",
)

COSTS = Board(
    "cost",
    "Cost optimization",
    "What is paid for, what lies idle and what releases have saved.",
    "now-180d",
    (
        Row("A month", (SPEND, IDLE, FREE, SAVED, OF_BUDGET)),
        Row("Money over time", (SPEND_OVER_TIME, IDLE_BY_TYPE, SAVINGS, IDLE_SHARE)),
        Row("What can be done", (RELEASABLE,)),
    ),
)
