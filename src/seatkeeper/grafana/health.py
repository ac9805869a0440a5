"""The dashboard Seatkeeper health: whether the other dashboards can be believed."""

from __future__ import annotations

from seatkeeper.core.measures import BUTLER_SERVER_LICENSE as SERVER
from seatkeeper.core.measures import HEALTH, PLAN
from seatkeeper.grafana import influxql, promql
from seatkeeper.grafana.influxql import last
from seatkeeper.grafana.spec import (
    DAYS,
    Board,
    Chart,
    Colour,
    Flavour,
    Panel,
    Row,
    Step,
    falling,
    rising,
)

INFLUX, PROM = Flavour.INFLUXDB, Flavour.PROMETHEUS
SITE = "{site}"

FRESH = Panel(
    "How old are the numbers of each site?",
    "Time since the last good reading. Sites are read every 15 minutes unless the schedule says "
    "otherwise; orange after an hour, red after six.",
    "s",
    Chart.NUMBER,
    {
        PROM: (
            promql.newest(
                f"time() - {promql.success('monitor')}",
                SITE,
            ),
        ),
    },
    width=8,
    height=6,
    steps=rising(3600, 6 * 3600),
    decimals=0,
)

READ = Panel(
    "When was each site last read?",
    "The time of the newest reading of each site in the chosen range, and how long it took: orange "
    "after one minute, red after five. Sites are read every 15 minutes unless the schedule says "
    "otherwise; the alert NumbersStale tells of those that are not.",
    "s",
    Chart.TABLE,
    {
        INFLUX: (
            influxql.table(
                HEALTH, ((last(HEALTH, "cycle_seconds"), "It took"),), when=influxql.NOW
            ),
        )
    },
    width=8,
    height=6,
    time_column="Last read",
    units={"Last read": "dateTimeFromNow", "It took": "s"},
    column_steps={"It took": rising(60, 300)},
)

WAITING = Panel(
    "Is anything not delivered?",
    "Points and messages that wait in the outbox. A receiver that is down makes it grow; it "
    "drains by itself, and keeps 30 days by default.",
    "locale",
    Chart.NUMBER,
    {
        INFLUX: (influxql.newest(HEALTH, last(HEALTH, "outbox"), SITE),),
        PROM: (
            promql.newest(
                f"sum by (target, state) ({promql.metric('seatkeeper_outbox_entries')})",
                "{target} {state}",
            ),
        ),
    },
    width=8,
    height=6,
    steps=rising(100, 10_000),
    decimals=0,
)

BLOCKED = Panel(
    "Is the newest plan blocked?",
    "How many limits block the newest plan of each site. A blocked plan releases nothing until "
    "somebody has looked; one that was let through or is over is not counted.",
    "locale",
    Chart.NUMBER,
    {
        INFLUX: (influxql.newest(PLAN, last(PLAN, "violations"), SITE),),
        PROM: (promql.newest(promql.metric("qlik_license_plan_violations"), SITE),),
    },
    width=8,
    height=6,
    steps=(Step(None, Colour.GOOD), Step(1, Colour.BAD)),
    decimals=0,
    words={0: "no"},
)

CYCLE = Panel(
    "How long does a reading take?",
    "Seconds from the first request to the last. A slow repository shows here first.",
    "s",
    Chart.LINES,
    {
        INFLUX: (influxql.series(HEALTH, last(HEALTH, "cycle_seconds"), SITE),),
        PROM: (promql.series(promql.metric("qlik_license_cycle_seconds"), SITE),),
    },
    steps=rising(60, 300),
    interval="15m",
)

REQUESTS = Panel(
    "How many requests does a reading cost the site?",
    "Requests to the Repository Service for one reading. It grows with the seats and jumps when "
    "the site refuses a filter.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (influxql.series(HEALTH, last(HEALTH, "requests"), SITE),),
        PROM: (promql.series(promql.metric("qlik_license_cycle_requests"), SITE),),
    },
    decimals=0,
    interval="15m",
)

FAILED = Panel(
    "How many readings failed in a row?",
    "Failed readings since the last success. Nothing is counted or released from a failed one.",
    "locale",
    Chart.LINES,
    {INFLUX: (influxql.series(HEALTH, last(HEALTH, "failed_cycles"), SITE),)},
    steps=rising(1, 4),
    decimals=0,
    width=8,
    interval="15m",
)

AGE = Panel(
    "Did a job ever stop succeeding?",
    "Time since the last success of each job. A sawtooth is healthy, a slope is not.",
    "s",
    Chart.LINES,
    {
        PROM: (
            promql.series(f"time() - {promql.success('monitor')}", f"{SITE} monitor"),
            promql.series(f"time() - {promql.success('release')}", f"{SITE} release"),
        ),
    },
    width=24,
    interval="15m",
)

OUTBOX = Panel(
    "Does the outbox drain?",
    "Entries that wait, and with Prometheus those set aside because their receiver refuses them "
    "for good: these need a person.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (influxql.series(HEALTH, last(HEALTH, "outbox"), SITE),),
        PROM: (
            promql.series(
                f"sum by (target, state) ({promql.metric('seatkeeper_outbox_entries')})",
                "{target} {state}",
            ),
        ),
    },
    steps=rising(100, 10_000),
    decimals=0,
    interval="15m",
)

CLOCKS = Panel(
    "Do the clocks agree?",
    "Seconds by which the site's clock is ahead of ours. Idle times are only as right as both.",
    "s",
    Chart.LINES,
    {INFLUX: (influxql.series(HEALTH, last(HEALTH, "skew_seconds"), SITE),)},
    low=None,
    steps=rising(60, 300),
    width=8,
    interval="15m",
)

MISMATCH = Panel(
    "Do the seats and the site's own overview agree?",
    "Seats by which the rows read and the overview differ. A lasting difference means that not "
    "all rows are seen.",
    "locale",
    Chart.LINES,
    {INFLUX: (influxql.series(HEALTH, last(HEALTH, "mismatched_seats"), SITE),)},
    steps=rising(1, 20),
    decimals=0,
    width=8,
    interval="15m",
)

PLANNED = Panel(
    "What would the newest plan release?",
    "Seats in the newest plan, and those left for later because of its limits.",
    "locale",
    Chart.LINES,
    {
        INFLUX: (
            influxql.series(PLAN, last(PLAN, "actions"), f"{SITE} actions"),
            influxql.series(PLAN, last(PLAN, "deferred"), f"{SITE} deferred"),
        ),
        PROM: (promql.series(promql.metric("qlik_license_plan_seats"), "{site} {kind}"),),
    },
    decimals=0,
    interval="1h",
)

COMPLIANCE = Panel(
    "What would an auditor ask about?",
    "Seats and people by kind: excess seats, people with both license types, seats of removed, "
    "blocked or deleted users. Zero is the goal.",
    "locale",
    Chart.METER,
    {PROM: (promql.newest(promql.metric("qlik_license_compliance"), "{site} {kind}"),)},
    width=24,
    steps=rising(1, 10),
    decimals=0,
)

LICENSE = Panel(
    "Is the server license valid?",
    "Days to the last valid day of the license of each site.",
    DAYS,
    Chart.LINES,
    {INFLUX: (influxql.series(SERVER, last(SERVER, "days_until_expiry"), SITE),)},
    low=None,
    width=24,
    steps=falling(7, 30),
    decimals=0,
    interval="1h",
)

VALID = Panel(
    "Is the server license valid now?",
    "No means expired, denylisted, invalid, missing or impossible to tell: look at the license in "
    "the management console.",
    "locale",
    Chart.NUMBER,
    {PROM: (promql.newest(promql.metric("qlik_license_state", state="valid"), SITE),)},
    width=6,
    steps=(Step(None, Colour.BAD), Step(1, Colour.GOOD)),
    words={0: "no", 1: "yes"},
)

FIRING = (
    "label_replace("
    + promql.metric("seatkeeper_alerts", chosen=False, site='=~"$site|"', state="firing")
    + ', "site", "Seatkeeper", "site", "")'
)
"""Alerts that fire at the chosen sites, and those of no site: on Seatkeeper itself."""

ALERTS = Panel(
    "Which of Seatkeeper's own alerts are firing?",
    "Alerts of the configuration that fire now, by site and severity; those on Seatkeeper itself, "
    "such as an outbox that grows, belong to no site.",
    "locale",
    Chart.BARS,
    {
        PROM: (promql.series(f"sum by (site, severity) ({FIRING})", "{site} {severity}"),),
    },
    steps=(Step(None, Colour.GOOD), Step(1, Colour.BAD)),
    decimals=0,
    interval="1h",
)

VERSION = Panel(
    "Which version runs?",
    "The version of Seatkeeper that exposes these numbers.",
    "locale",
    Chart.NAME,
    {PROM: (promql.newest("seatkeeper_build_info", "{version}"),)},
    width=6,
)

HEALTHS = Board(
    "health",
    "Seatkeeper health",
    "Whether the numbers are fresh, whole and delivered.",
    "now-7d",
    (
        Row("Now", (FRESH, READ, WAITING, BLOCKED)),
        Row("Readings", (CYCLE, REQUESTS, FAILED, CLOCKS, MISMATCH, AGE)),
        Row("Delivery and plans", (OUTBOX, PLANNED)),
        Row("License, alerts and compliance", (LICENSE, VALID, VERSION, ALERTS, COMPLIANCE)),
    ),
)
