"""Every table and trigger of the store, for SQLite and PostgreSQL alike.

What stands here is what the migrations build (a test holds them together). Times are text in UTC
with microseconds, so that they sort, read and hash the same in both databases. Qlik users appear
in `person`, `holder`, `plan` bodies, `plan_action`, `give_back`, `request` and, until they are
delivered, `outbox` bodies, and nowhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from seatkeeper.core.measures import MeasuredType

AnyRow: TypeAlias = "sa.Row[*tuple[Any, ...]]"
"""A row of any columns; their names are known where it was selected."""

SCHEMA = "0010"
"""The newest migration this version knows."""

VERSION_TABLE = "seatkeeper_schema"


def moment_text(at: datetime) -> str:
    """Return the stored form of an aware time: UTC, microseconds, always 27 characters."""
    if at.tzinfo is None:
        raise ValueError(f"{at} does not say in which time zone it is")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment_of(text: str) -> datetime:
    """Read a stored time back; raises ValueError on anything else."""
    at = datetime.fromisoformat(text)
    if moment_text(at) != text:
        raise ValueError(f"{text!r} is not a time as the store writes it")
    return at


def clean(text: str) -> str:
    """Return the text without what PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware time, stored as text that sorts."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn a time into its stored form."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn the stored form into a time."""
        return None if value is None else moment_of(value)


class Code(sa.types.TypeDecorator[MeasuredType]):
    """A license type as a small number: some tables have a million rows."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: MeasuredType | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn a type into its number."""
        return None if value is None else CODES[value]

    def process_result_value(self, value: Any | None, dialect: Dialect) -> MeasuredType | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn a number into its type."""
        return None if value is None else _TYPES[value]


CODES = {
    MeasuredType.PROFESSIONAL: 1,
    MeasuredType.ANALYZER: 2,
    MeasuredType.ANALYZER_CAPACITY: 3,
    MeasuredType.TOKEN_USER: 4,
    MeasuredType.TOKEN_LOGIN: 5,
    MeasuredType.TOKENS_AVAILABLE: 6,
}
"""Kept in databases: a number is never given to another type."""

_TYPES = {code: license_type for license_type, code in CODES.items()}


class Words(sa.types.TypeDecorator[str]):
    """Text of any origin, cleaned; enums are stored by value."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Clean the text."""
        return None if value is None else clean(value)


_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

META = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, Words, nullable=False)


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, Moment, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


LEDGER = sa.Table(
    "ledger",
    META,
    sa.Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    _moment("at"),
    _words("kind"),
    _words("site"),
    _words("run_id"),
    _words("plan_id"),
    _words("actor"),
    _words("os_account"),
    _words("host"),
    _words("why"),
    _words("policy_digest"),
    _words("person_ref"),
    _words("body"),
    _words("hash"),
    sa.Index(None, "plan_id"),
    sa.Index(None, "person_ref"),
    sa.Index(None, "site", "seq"),
)

LEDGER_HEAD = sa.Table(
    "ledger_head",
    META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", _NUMBER, nullable=False),
    _words("hash"),
    sa.CheckConstraint("id = 1", name="one_row"),
)

PERSON = sa.Table(
    "person",
    META,
    sa.Column("ref", Words, primary_key=True),
    _words("salt"),
    sa.Column("person_key", Words, nullable=False, unique=True),
    _words("label"),
)

STORE_SECRET = sa.Table(
    "store_secret",
    META,
    sa.Column("name", Words, primary_key=True),
    _words("value"),
)

PLAN = sa.Table(
    "plan",
    META,
    sa.Column("plan_id", Words, primary_key=True),
    _words("site"),
    _words("digest"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("redacted_digest", Words),
    _words("status"),
    _words("first_status"),
    _moment("created_at"),
    _moment("expires_at"),
    _words("policy_digest"),
    _count("actions"),
    _count("deferred"),
    _words("violations"),
    sa.Column("overridden", sa.Boolean, nullable=False),
    sa.Column("approved_by", Words),
    sa.Column("approved_at", Moment),
    _words("approve_reason"),
    sa.Column("run_id", Words),
    sa.Column("ended_at", Moment),
    _words("note"),
    sa.Index(None, "site", "created_at"),
    sa.Index(None, "status"),
)

RUN = sa.Table(
    "run",
    META,
    sa.Column("run_id", Words, primary_key=True),
    sa.Column("plan_id", Words, sa.ForeignKey("plan.plan_id"), nullable=False),
    _words("site"),
    sa.Column("fence", _NUMBER, nullable=False),
    _words("actor"),
    _words("os_account"),
    _words("host"),
    _moment("started_at"),
    sa.Column("ended_at", Moment),
    sa.Column("complete", sa.Boolean),
    _words("note"),
    sa.Index(None, "plan_id"),
)

PLAN_ACTION = sa.Table(
    "plan_action",
    META,
    sa.Column("plan_id", Words, sa.ForeignKey("plan.plan_id"), primary_key=True),
    sa.Column("allocation_id", Words, primary_key=True),
    _words("run_id"),
    _words("site"),
    _words("license_type"),
    _words("person"),
    _words("person_key"),
    _words("user_id"),
    _words("reason"),
    sa.Column("seat_last_used", Moment),
    sa.Column("intended_at", Moment),
    sa.Column("outcome", Words),
    _words("detail"),
    sa.Column("settled_at", Moment),
    sa.Index(None, "site", "intended_at"),
    sa.Index(None, "person_key"),
)

GIVE_BACK = sa.Table(
    "give_back",
    META,
    sa.Column("run_id", Words, primary_key=True),
    sa.Column("plan_id", Words, sa.ForeignKey("plan.plan_id"), primary_key=True),
    sa.Column("allocation_id", Words, primary_key=True),
    _words("site"),
    _words("license_type"),
    _words("person"),
    _words("person_key"),
    _words("why"),
    _moment("intended_at"),
    sa.Column("outcome", Words),
    _words("detail"),
    sa.Column("new_allocation_id", Words),
    sa.Column("settled_at", Moment),
    sa.Index(None, "plan_id", "allocation_id"),
    sa.Index(None, "person_key"),
)

SITE = sa.Table(
    "site",
    META,
    sa.Column("site", Words, primary_key=True),
    _moment("first_seen"),
    _moment("last_seen"),
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
    _count("total"),
    _count("allocated"),
    _count("available"),
    _count("used"),
    _count("quarantined"),
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
    sa.Column("holder", _NUMBER, primary_key=True, autoincrement=False),
    _count("minutes"),
    sqlite_with_rowid=False,
)

LICENSE_CHANGE = sa.Table(
    "license_change",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    _words("body"),
)

UPKEEP = sa.Table(
    "upkeep",
    META,
    sa.Column("name", Words, primary_key=True),
    _moment("at"),
)

WATCHED = sa.Table(
    "watched",
    META,
    sa.Column("site", Words, primary_key=True),
    _moment("first_seen"),
    _moment("last_seen"),
)

HOLDER = sa.Table(
    "holder",
    META,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    _words("site"),
    sa.Column("person_key", Words),
    sa.Column("label", Words),
    _moment("first_seen"),
    sa.UniqueConstraint("site", "person_key"),
)

SEAT = sa.Table(
    "seat",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("allocation_id", Words, primary_key=True),
    _words("license_type"),
    sa.Column("holder", _NUMBER),
    sa.Column("created", Moment),
    _words("standing"),
    sa.Column("excess", sa.Boolean, nullable=False),
    _moment("first_seen"),
    sa.Index(None, "holder"),
    sqlite_with_rowid=False,
)

LAST_USE = sa.Table(
    "last_use",
    META,
    sa.Column("holder", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    _words("site"),
    sa.Column("at", Moment),
    _moment("first_seen"),
    sa.Index(None, "site", "license_type", "at"),
    sqlite_with_rowid=False,
)

ACTIVITY_MONTH = sa.Table(
    "activity_month",
    META,
    # In this order a month of everybody lies together, and one person is found in each.
    sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    sa.Column("holder", _NUMBER, primary_key=True, autoincrement=False),
    _count("days"),
    sqlite_with_rowid=False,
)

ACTIVE_DAY = sa.Table(
    "active_day",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("license_type", Code, primary_key=True, autoincrement=False),
    sa.Column("day", Words, primary_key=True),
    _count("users"),
)

SEAT_EVENT = sa.Table(
    "seat_event",
    META,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    _words("site"),
    _moment("at"),
    _words("kind"),
    _words("through"),
    _words("license_type"),
    _words("allocation_id"),
    sa.Column("holder", _NUMBER),
    _words("plan_id"),
    sa.Index(None, "site", "at"),
    sa.Index(None, "holder"),
    sa.Index(None, "plan_id"),
)

FREEZE = sa.Table(
    "freeze",
    META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _words("actor"),
    _words("reason"),
    _moment("at"),
    sa.Column("until", Moment),
    sa.CheckConstraint("id = 1", name="one_row"),
)

LIMIT_OVERRIDE = sa.Table(
    "limit_override",
    META,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    _words("site"),
    _words("limit_name"),
    _words("actor"),
    _words("reason"),
    _moment("at"),
    _moment("until"),
    _words("policy_digest"),
    sa.Column("plan_id", Words),
    sa.Index(None, "site", "until"),
)

LEASE = sa.Table(
    "lease",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("owner", Words),
    sa.Column("owner_facts", Words),
    sa.Column("kind", Words),
    sa.Column("since", Moment),
    sa.Column("until", sa.Double, nullable=False),
    sa.Column("fence", _NUMBER, nullable=False),
)

JOB = sa.Table(
    "job",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("kind", Words, primary_key=True),
    _words("spec"),
    sa.Column("due", Moment),
    sa.Column("last_run", Moment),
    _count("interruptions"),
    sa.Index(None, "due"),
)

REQUEST = sa.Table(
    "request",
    META,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    _words("kind"),
    _words("site"),
    _words("payload"),
    _words("actor"),
    _words("os_account"),
    _words("host"),
    _moment("asked_at"),
    _words("state"),
    sa.Column("taken_by", Words),
    sa.Column("taken_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("result", Words),
    sa.Index(None, "state", "id"),
)

OUTBOX = sa.Table(
    "outbox",
    META,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    _words("target"),
    _words("kind"),
    _words("entry_key"),
    _moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    _words("state"),
    _count("tries"),
    sa.Column("not_before", Moment),
    _words("error"),
    sa.UniqueConstraint("target", "entry_key"),
    sa.Index(None, "target", "state", "id"),
)

OUTBOX_LANE = sa.Table(
    "outbox_lane",
    META,
    sa.Column("target", Words, primary_key=True),
    sa.Column("owner", Words),
    sa.Column("owner_facts", Words),
    sa.Column("until", sa.Double, nullable=False),
)

SUMMARY = sa.Table(
    "summary",
    META,
    sa.Column("site", Words, primary_key=True),
    _moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

CYCLE_SAMPLE = sa.Table(
    "cycle_sample",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("kind", Words, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    sa.Column("seconds", sa.Double, nullable=False),
    _count("requests"),
    _words("error"),
    _words("trouble"),
    sa.Index(None, "at"),
)

SEAT_GROUPS = sa.Table(
    "seat_groups",
    META,
    sa.Column("site", Words, primary_key=True),
    _moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

COUNTER = sa.Table(
    "counter",
    META,
    sa.Column("name", Words, primary_key=True),
    sa.Column("site", Words, primary_key=True),
    sa.Column("license_type", Words, primary_key=True),
    sa.Column("outcome", Words, primary_key=True),
    sa.Column("reason", Words, primary_key=True),
    sa.Column("seen", _NUMBER, nullable=False),
    sa.Column("value", _NUMBER, nullable=False),
)

ALERT_STATE = sa.Table(
    "alert_state",
    META,
    sa.Column("rule", Words, primary_key=True),
    sa.Column("site", Words, primary_key=True),
    sa.Column("subject", Words, primary_key=True),
    _words("state"),
    _words("severity"),
    _moment("since"),
    _moment("seen"),
    _words("says"),
    _words("numbers"),
    _count("step"),
    sa.Column("fired_at", Moment),
    sa.Column("fine_since", Moment),
    sa.Column("resolved_at", Moment),
    sa.Column("told", Words),
    sa.Column("told_at", Moment),
    _count("told_step"),
    sa.Index(None, "site"),
)

SILENCE = sa.Table(
    "silence",
    META,
    sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("rule", Words),
    sa.Column("site", Words),
    sa.Column("severity", Words),
    _words("actor"),
    _words("reason"),
    _moment("at"),
    _moment("until"),
    _words("ended_by"),
    sa.Index(None, "until"),
)

_ABORT = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
_WHEN_THERE = "WHEN EXISTS (SELECT 1 FROM ledger WHERE seq = NEW.seq)"
_RAISE = "BEGIN RAISE EXCEPTION 'the ledger is append-only'; END"
_CHANGE = "UPDATE OR DELETE OR TRUNCATE"
_EACH = "FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"

TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger {_ABORT}",
        f"CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger {_ABORT}",
        # INSERT OR REPLACE deletes without a DELETE trigger where recursive triggers are off.
        f"CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger {_WHEN_THERE} {_ABORT}",
    ),
    "postgresql": (
        f"CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {_RAISE} $$",
        f"CREATE TRIGGER ledger_append_only BEFORE {_CHANGE} ON ledger {_EACH}",
    ),
}
"""What makes the database itself refuse to change the ledger, by dialect."""


@sa.event.listens_for(LEDGER, "after_create")
def _create_triggers(_table: sa.Table, connection: sa.Connection, **_more: Any) -> None:
    for statement in TRIGGERS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
