"""The dashboard User activity: how many people use their seats, never who they are."""

from __future__ import annotations

from seatkeeper.core.measures import (
    ACTIVITY,
    BUTLER_RELEASE,
    LICENSE_TYPE,
    USER_ACTIVITY,
    idle_field,
)
from seatkeeper.core.summary import IdleBucket
from seatkeeper.grafana import influxql, promql
from seatkeeper.grafana.influxql import field, last
from seatkeeper.grafana.spec import DAYS, Board, Chart, Flavour, Panel, Query, Row, falling, rising

INFLUX, PROM = Flavour.INFLUXDB, Flavour.PROMETHEUS

WEEK = "7d"
HELD = [idle_field(bucket) for bucket in IdleBucket]
LIVELY = [idle_field(IdleBucket.WEEK), idle_field(IdleBucket.MONTH)]
LONG = [idle_field(IdleBucket.HALF_YEAR), idle_field(IdleBucket.LONGER)]
NEVER_USED = idle_field(IdleBucket.NEVER)
IN_WEEK = idle_field(IdleBucket.WEEK)
TYPE, BY_TYPE = f"{{{LICENSE_TYPE}}}", [LICENSE_TYPE]
NOBODY = " No person is named in any number here."


def idle(*buckets: IdleBucket) -> str:
    """Return seats in these buckets, for Prometheus; of all buckets without any."""
    names = "|".join(bucket.value.replace("+", ".") for bucket in buckets)
    if not names:
        return promql.metric("qlik_license_idle_seats")
    return promql.metric("qlik_license_idle_seats", bucket=f'=~"{names}"')


def by_type(text: str) -> str:
    """Return the sum over everything but site and license type."""
    return f"sum by (site, license_type) ({text})"


def _plus(fields: list[str], of: str = "last") -> str:
    return " + ".join(f"{of}({field(ACTIVITY, name)})" for name in fields)


def _buckets_influx() -> tuple[Query, ...]:
    names = [(bucket.value, idle_field(bucket)) for bucket in IdleBucket]
    return tuple(
        influxql.total(ACTIVITY, [name], f'sum("{name}")', bucket, day=influxql.DAY)
        for bucket, name in names
    )


SHARE = Panel(
    "How many seat holders came within 30 days?",
    "Holders who were active within 30 days as a share of all held seats. Below 60 % a release "
    "policy pays." + NOBODY,
    "percentunit",
    Chart.METER,
    {
        INFLUX: (influxql.newest(ACTIVITY, f"({_plus(LIVELY)}) / ({_plus(HELD)})"),),
        PROM: (
            promql.newest(
                f"{by_type(idle(IdleBucket.WEEK, IdleBucket.MONTH))} / {by_type(idle())}"
            ),
        ),
    },
    width=8,
    height=6,
    steps=falling(0.4, 0.6),
    high=1,
    decimals=0,
)

NEVER = Panel(
    "How many of the seats were never used?",
    "Live seats whose holders were never active, as a share of all. New ones are protected by the "
    "policy for their first weeks. Orange from 5 %, red from 15 %." + NOBODY,
    "percentunit",
    Chart.METER,
    {
        INFLUX: (influxql.newest(ACTIVITY, f"{last(ACTIVITY, NEVER_USED)} / ({_plus(HELD)})"),),
        PROM: (promql.newest(f"{by_type(idle(IdleBucket.NEVER))} / {by_type(idle())}"),),
    },
    width=8,
    height=6,
    steps=rising(0.05, 0.15),
    high=1,
    decimals=0,
)

LONG_IDLE = Panel(
    "How many of the seats lie idle for more than 90 days?",
    "Live seats whose holders were last active 90 days ago or longer, as a share of all. Orange "
    "from 10 %, red from 25 %." + NOBODY,
    "percentunit",
    Chart.METER,
    {
        INFLUX: (
            influxql.newest(
                ACTIVITY,
                f"({_plus(LONG)}) / ({_plus(HELD)})",
            ),
        ),
        PROM: (
            promql.newest(
                f"{by_type(idle(IdleBucket.HALF_YEAR, IdleBucket.LONGER))} / {by_type(idle())}"
            ),
        ),
    },
    width=8,
    height=6,
    steps=rising(0.1, 0.25),
    high=1,
    decimals=0,
)

BUCKETS = Panel(
    "How long ago were the holders of seats last active?",
    "All live seats of the chosen sites and types by the last activity of their holders: green "
    "is this week, red more than half a year." + NOBODY,
    "locale",
    Chart.STACK,
    {
        INFLUX: _buckets_influx(),
        PROM: tuple(promql.series(f"sum({idle(bucket)})", bucket.value) for bucket in IdleBucket),
    },
    width=16,
    height=10,
    decimals=0,
    interval="6h",
)

BUCKETS_NOW = Panel(
    "How many is that today?",
    "The newest count of each span of time without activity.",
    "locale",
    Chart.METER,
    {
        INFLUX: tuple(
            influxql.total(ACTIVITY, [name], f'sum("{name}")', bucket.value)
            for bucket in IdleBucket
            for name in [idle_field(bucket)]
        ),
        PROM: tuple(promql.newest(f"sum({idle(bucket)})", bucket.value) for bucket in IdleBucket),
    },
    width=8,
    height=10,
    decimals=0,
)

DAILY = Panel(
    "How many people worked on each day?",
    "Users active on a day, by license type. Weekends and holidays show." + NOBODY,
    "locale",
    Chart.LINES,
    {
        INFLUX: (
            influxql.total(
                ACTIVITY,
                ["active_users"],
                'sum("active_users")',
                TYPE,
                day=influxql.CALENDAR_DAY,
                by=BY_TYPE,
            ),
        ),
    },
    decimals=0,
    interval="1d",
)

WEEKLY = Panel(
    "How many people were active within 7 days?",
    "Holders of seats who were active within the last 7 days, by license type." + NOBODY,
    "locale",
    Chart.LINES,
    {
        INFLUX: (
            influxql.total(
                ACTIVITY, [IN_WEEK], f'sum("{IN_WEEK}")', TYPE, day=influxql.DAY, by=BY_TYPE
            ),
        ),
        PROM: (promql.series(f"sum by ({LICENSE_TYPE}) ({idle(IdleBucket.WEEK)})", TYPE),),
    },
    decimals=0,
    interval="6h",
)

RELEASED = Panel(
    "How many seats did each week's releases give back?",
    "Seats released in a week, by license type." + NOBODY,
    "locale",
    Chart.BARS,
    {
        INFLUX: (
            influxql.counted(
                BUTLER_RELEASE,
                f"count({field(BUTLER_RELEASE, 'days_since_last_use')})",
                "{license_type}",
                every=WEEK,
                by=["license_type"],
            ),
        ),
        PROM: (
            promql.series(
                "sum by (license_type) (increase("
                f"{promql.metric('qlik_license_releases_total', outcome='released')}[7d]))",
                "{license_type}",
            ),
        ),
    },
    width=8,
    decimals=0,
    interval=WEEK,
    no_value="no releases yet",
)

REGRETS = Panel(
    "How many people came back after a release?",
    "Seats that the same users hold again, in each week. Many of them mean that the policy lets "
    "go too early." + NOBODY,
    "locale",
    Chart.BARS,
    {
        INFLUX: (
            influxql.counted(
                ACTIVITY,
                f"sum({field(ACTIVITY, 'regrets')})",
                "{license_type}",
                every=WEEK,
                by=["license_type"],
            ),
        ),
        PROM: (
            promql.series(
                "sum by (license_type) "
                f"(increase({promql.metric('qlik_license_regrets_total')}[7d]))",
                "{license_type}",
            ),
        ),
    },
    steps=rising(5, 20),
    width=8,
    decimals=0,
    interval=WEEK,
    no_value="nobody came back",
)

HOW_IDLE = Panel(
    "How long had released seats been idle?",
    "Days since the last use of the seats released in a week: the shortest and the mean. The "
    "shortest must never fall below the policy's limit.",
    DAYS,
    Chart.LINES,
    {
        INFLUX: tuple(
            influxql.counted(
                BUTLER_RELEASE,
                f"{how}({field(BUTLER_RELEASE, 'days_since_last_use')})",
                f"{{license_type}} {words}",
                every=WEEK,
                by=["license_type"],
            )
            for how, words in (("min", "shortest"), ("mean", "mean"))
        ),
    },
    width=8,
    decimals=0,
    interval=WEEK,
    no_value="no releases yet",
)

OUTCOMES = Panel(
    "What became of the releases?",
    "Releases in each week by outcome; refused and unknown ones need a look at the run.",
    "locale",
    Chart.BARS,
    {
        PROM: (
            promql.series(
                f"sum by (outcome) (increase({promql.metric('qlik_license_releases_total')}[7d]))",
                "{outcome}",
            ),
        ),
    },
    width=8,
    decimals=0,
    interval=WEEK,
    no_value="no releases yet",
)

LONGEST = 500

PEOPLE = Panel(
    "Which seats of individual users are idle longest?",
    f"The longest idle first, at least {LONGEST // 2} of each site and license type. Seats never "
    "used have no days and are not here: a panel above counts them. Empty unless points of users "
    "are switched on for this target; users are keyed hashes unless names are asked for.",
    "locale",
    Chart.TABLE,
    {INFLUX: (influxql.people(USER_ACTIVITY, "user", "days_idle", most=LONGEST),)},
    width=24,
    height=9,
    once_for=("site", "license_type", "User"),
    units={"Days idle": DAYS},
    column_steps={"Days idle": rising(30, 90)},
    no_value="not switched on",
)

ACTIVITIES = Board(
    "activity",
    "User activity",
    "How many people use their seats, and what releases did.",
    "now-90d",
    (
        Row("Now", (SHARE, NEVER, LONG_IDLE)),
        Row("Activity", (BUCKETS, BUCKETS_NOW, DAILY, WEEKLY)),
        Row("Releases", (RELEASED, REGRETS, HOW_IDLE, OUTCOMES)),
        Row("Individual users, where asked for", (PEOPLE,)),
    ),
)
