"""The tables of watching: readings, people, pools, seats over time, cycles and costs.

What stands here is what the migrations build (a test holds them together). Qlik users appear in
`holder`, in `roster` as long as they hold a seat, and nowhere else.
"""

from __future__ import annotations

import sqlalchemy as sa

from seatkeeper.store.columns import (
    META,
    NUMBER,
    UNKNOWN,
    Code,
    Key,
    Moment,
    Since,
    Words,
    count,
    moment,
    words,
)

SITE = sa.Table(
    "site",
    META,
    sa.Column("site", Words, primary_key=True),
    moment("first_seen"),
    moment("last_seen"),
    sa.Column("license_number", Words),
    sa.Column("usage_given", sa.Boolean, nullable=False),
    sa.Column("usage_lists", Words),
)


MARK = sa.Table(
    "mark",
    META,
    sa.Column("site", Words, sa.ForeignKey("site.site"), primary_key=True),
    sa.Column("person_mac", sa.LargeBinary, primary_key=True),
    sa.Column("first_seen", Moment),
    sa.Index(None, "site", "first_seen"),
)


POOL_SAMPLE = sa.Table(
    "pool_sample",
    META,
    sa.Column("site", Words, sa.ForeignKey("site.site"), primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    sa.Column("license_type", Words, primary_key=True),
    count("total"),
    count("allocated"),
    count("available"),
    count("used"),
    count("quarantined"),
    sa.Column("excess", sa.Integer),
)


METER_SAMPLE = sa.Table(
    "meter_sample",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    sa.Column("name", Words, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
)


POOL_DAY = sa.Table(
    "pool_day",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("day", Words, primary_key=True),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    sa.Column("name", Words, primary_key=True),
    sa.Column("last", sa.Double, nullable=False),
    sa.Column("least", sa.Double, nullable=False),
    sa.Column("most", sa.Double, nullable=False),
)


CAPACITY_DAY = sa.Table(
    "capacity_day",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("day", Words, primary_key=True),
    sa.Column("minutes", sa.Double, nullable=False),
)


CAPACITY_USE = sa.Table(
    "capacity_use",
    META,
    sa.Column("day", Words, primary_key=True),
    sa.Column("holder", NUMBER, primary_key=True, autoincrement=False),
    count("minutes"),
    sqlite_with_rowid=False,
)


LICENSE_CHANGE = sa.Table(
    "license_change",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    words("body"),
)


UPKEEP = sa.Table(
    "upkeep",
    META,
    sa.Column("name", Words, primary_key=True),
    moment("at"),
)


WATCHED = sa.Table(
    "watched",
    META,
    sa.Column("site", Words, primary_key=True),
    moment("first_seen"),
    moment("last_seen"),
)


HOLDER = sa.Table(
    "holder",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    words("site"),
    sa.Column("person_key", Words),
    sa.Column("label", Words),
    moment("first_seen"),
    sa.UniqueConstraint("site", "person_key"),
)


SEAT = sa.Table(
    "seat",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("allocation_id", Words, primary_key=True),
    words("license_type"),
    sa.Column("holder", NUMBER),
    sa.Column("created", Moment),
    words("standing"),
    sa.Column("excess", sa.Boolean, nullable=False),
    moment("first_seen"),
    sa.Index(None, "holder"),
    sqlite_with_rowid=False,
)


ROSTER = sa.Table(
    "roster",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    words("site"),
    words("allocation_id"),
    sa.Column("license_type", Code, nullable=False),
    count("flags"),
    words("label"),
    words("name"),
    words("department"),
    sa.Column("user_key", Key, nullable=False),
    sa.Column("department_key", Key, nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("created", Since, nullable=False),
    sa.Column("last_used", Since, nullable=False),
    # Of whom nobody knows since when they are idle, they are not idle for longest.
    sa.Column("idle_since", Since(UNKNOWN), nullable=False),
    words("reason"),
    sa.Column("since", Since, nullable=False),
    words("note"),
    words("exempt_owner"),
    words("exempt_reason"),
    sa.Column("exempt_until", Moment),
    sa.Column("digest", NUMBER, nullable=False),
    sa.UniqueConstraint("site", "allocation_id"),
    # What is filtered and counted by lies together: counting never touches the rows.
    sa.Index(
        "ix_roster_find",
        "site",
        "license_type",
        "flags",
        "department_key",
        "idle_since",
        "user_key",
        "name_key",
    ),
    # One for each order of a page; SQLite ends each with the id by itself.
    sa.Index("ix_roster_user", "site", "user_key"),
    sa.Index("ix_roster_department", "site", "department_key", "user_key"),
    sa.Index("ix_roster_last_used", "site", "last_used"),
    sa.Index("ix_roster_idle", "site", "idle_since"),
    sa.Index("ix_roster_created", "site", "created"),
)


ROSTER_READING = sa.Table(
    "roster_reading",
    META,
    sa.Column("site", Words, primary_key=True),
    moment("at"),
    # Moves with every change of the site's rows, so that a count stays true until then.
    sa.Column("version", NUMBER, nullable=False),
)


LAST_USE = sa.Table(
    "last_use",
    META,
    sa.Column("holder", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    words("site"),
    sa.Column("at", Moment),
    moment("first_seen"),
    sa.Index(None, "site", "license_type", "at"),
    sqlite_with_rowid=False,
)


ACTIVITY_MONTH = sa.Table(
    "activity_month",
    META,
    # In this order a month of everybody lies together, and one person is found in each.
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    sa.Column("holder", NUMBER, primary_key=True, autoincrement=False),
    count("days"),
    sqlite_with_rowid=False,
)


ACTIVE_DAY = sa.Table(
    "active_day",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    sa.Column("day", Words, primary_key=True),
    count("users"),
)


IS_RETURN: sa.TextClause = sa.text("kind = 'came_back'")
"""Written out: with a parameter a database cannot tell that the index of returns is enough."""


SEAT_EVENT = sa.Table(
    "seat_event",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    words("site"),
    moment("at"),
    words("kind"),
    words("through"),
    words("license_type"),
    words("allocation_id"),
    sa.Column("holder", NUMBER),
    words("plan_id"),
    sa.Index(None, "site", "at"),
    sa.Index(None, "holder"),
    sa.Index(None, "plan_id"),
    # A plan may have a thousand events, and whether a seat came back is asked for each of them.
    sa.Index(
        "ix_seat_event_came_back",
        "plan_id",
        "allocation_id",
        sqlite_where=IS_RETURN,
        postgresql_where=IS_RETURN,
    ),
)


SUMMARY = sa.Table(
    "summary",
    META,
    sa.Column("site", Words, primary_key=True),
    moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


CYCLE_SAMPLE = sa.Table(
    "cycle_sample",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("kind", Words, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    sa.Column("seconds", sa.Double, nullable=False),
    count("requests"),
    words("error"),
    words("trouble"),
    sa.Index(None, "at"),
)


SEAT_GROUPS_DAY = sa.Table(
    "seat_groups_day",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("day", Words, primary_key=True),
    moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


FREED_DEPARTMENT = sa.Table(
    "freed_department",
    META,
    sa.Column("plan_id", Words, primary_key=True),
    sa.Column("allocation_id", Words, primary_key=True),
    words("attribute"),
    words("department"),
)


COST_AMOUNTS = sa.Table(
    "cost_amounts",
    META,
    sa.Column("site", Words, primary_key=True),
    moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


CONNECTION_CHECK = sa.Table(
    "connection_check",
    META,
    sa.Column("site", Words, primary_key=True),
    moment("at"),
    words("actor"),
    words("findings"),
)


COUNTER = sa.Table(
    "counter",
    META,
    sa.Column("name", Words, primary_key=True),
    sa.Column("site", Words, primary_key=True),
    sa.Column("license_type", Words, primary_key=True),
    sa.Column("outcome", Words, primary_key=True),
    sa.Column("reason", Words, primary_key=True),
    sa.Column("value", NUMBER, nullable=False),
)
