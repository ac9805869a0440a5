"""The tables of releasing, and the triggers that keep the ledger as it was written.

What stands here is what the migrations build (a test holds them together); the tables of watching
stand in `watch_tables`, of telling in `telling_tables`, of signing in in `access_tables`. Qlik
users appear in `person`, `plan` bodies, `plan_action`, `give_back`, `request` and
`connection_check`, and nowhere else.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from seatkeeper.store.columns import META, NUMBER, Moment, Words, count, moment, words

SCHEMA = "0029"
"""The newest migration this version knows."""


VERSION_TABLE = "seatkeeper_schema"


LEDGER = sa.Table(
    "ledger",
    META,
    sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
    moment("at"),
    words("kind"),
    words("site"),
    words("run_id"),
    words("plan_id"),
    words("actor"),
    words("os_account"),
    words("host"),
    words("why"),
    words("policy_digest"),
    words("person_ref"),
    words("body"),
    words("hash"),
    sa.Index(None, "plan_id"),
    sa.Index(None, "person_ref"),
    sa.Index(None, "site", "seq"),
    sa.Index(None, "kind", "seq"),
    sa.Index(None, "actor", "seq"),
    sa.Index(None, "site", "actor"),
    sa.Index(None, "at", "seq"),
    sa.Index(None, "run_id"),
)


LEDGER_HEAD = sa.Table(
    "ledger_head",
    META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", NUMBER, nullable=False),
    words("hash"),
    sa.CheckConstraint("id = 1", name="one_row"),
)


LEDGER_CHECK = sa.Table(
    "ledger_check",
    META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    moment("at"),
    words("checked_by"),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("seq", NUMBER, nullable=False),
    words("hash"),
    sa.Column("bad_seq", NUMBER),
    words("error"),
    sa.CheckConstraint("id = 1", name="one_row"),
)


PERSON = sa.Table(
    "person",
    META,
    sa.Column("ref", Words, primary_key=True),
    words("salt"),
    sa.Column("person_key", Words, nullable=False, unique=True),
    words("label"),
)


STORE_SECRET = sa.Table(
    "store_secret",
    META,
    sa.Column("name", Words, primary_key=True),
    words("value"),
)


PLAN = sa.Table(
    "plan",
    META,
    sa.Column("plan_id", Words, primary_key=True),
    words("site"),
    words("digest"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("redacted_digest", Words),
    words("status"),
    words("first_status"),
    moment("created_at"),
    moment("expires_at"),
    words("policy_digest"),
    count("actions"),
    count("deferred"),
    words("violations"),
    sa.Column("overridden", sa.Boolean, nullable=False),
    sa.Column("approved_by", Words),
    sa.Column("approved_at", Moment),
    words("approve_reason"),
    sa.Column("run_id", Words),
    sa.Column("ended_at", Moment),
    words("note"),
    sa.Column("asked_by", Words),
    sa.Column("made_from", Words),
    sa.Index(None, "site", "created_at"),
    sa.Index(None, "status"),
)


RUN = sa.Table(
    "run",
    META,
    sa.Column("run_id", Words, primary_key=True),
    sa.Column("plan_id", Words, sa.ForeignKey("plan.plan_id"), nullable=False),
    words("site"),
    sa.Column("fence", NUMBER, nullable=False),
    words("actor"),
    words("os_account"),
    words("host"),
    moment("started_at"),
    sa.Column("ended_at", Moment),
    sa.Column("complete", sa.Boolean),
    words("note"),
    sa.Index(None, "plan_id"),
    sa.Index(None, "started_at"),
)


PLAN_ACTION = sa.Table(
    "plan_action",
    META,
    sa.Column("plan_id", Words, sa.ForeignKey("plan.plan_id"), primary_key=True),
    sa.Column("allocation_id", Words, primary_key=True),
    words("run_id"),
    words("site"),
    words("license_type"),
    words("person"),
    words("person_key"),
    words("user_id"),
    words("reason"),
    sa.Column("seat_last_used", Moment),
    sa.Column("intended_at", Moment),
    sa.Column("outcome", Words),
    words("detail"),
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
    words("site"),
    words("license_type"),
    words("person"),
    words("person_key"),
    words("why"),
    moment("intended_at"),
    sa.Column("outcome", Words),
    words("detail"),
    sa.Column("new_allocation_id", Words),
    sa.Column("settled_at", Moment),
    sa.Index(None, "plan_id", "allocation_id"),
    sa.Index(None, "person_key"),
)


FREEZE = sa.Table(
    "freeze",
    META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    words("actor"),
    words("reason"),
    moment("at"),
    sa.Column("until", Moment),
    sa.CheckConstraint("id = 1", name="one_row"),
)


LIMIT_OVERRIDE = sa.Table(
    "limit_override",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    words("site"),
    words("limit_name"),
    words("actor"),
    words("reason"),
    moment("at"),
    moment("until"),
    words("policy_digest"),
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
    sa.Column("fence", NUMBER, nullable=False),
)


JOB = sa.Table(
    "job",
    META,
    sa.Column("site", Words, primary_key=True),
    sa.Column("kind", Words, primary_key=True),
    words("spec"),
    sa.Column("due", Moment),
    sa.Column("last_run", Moment),
    count("interruptions"),
    sa.Index(None, "due"),
)


REQUEST = sa.Table(
    "request",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    words("kind"),
    words("site"),
    words("payload"),
    words("actor"),
    words("os_account"),
    words("host"),
    moment("asked_at"),
    words("state"),
    sa.Column("taken_by", Words),
    sa.Column("taken_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("result", Words),
    sa.Column("answers", Words),
    sa.Index(None, "state", "id"),
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
