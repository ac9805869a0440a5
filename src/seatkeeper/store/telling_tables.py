"""The tables of telling: what waits to be told, alerts, and who asked not to be told.

What stands here is what the migrations build (a test holds them together). Qlik users appear in
`outbox` bodies until they are delivered, and nowhere else.
"""

from __future__ import annotations

import sqlalchemy as sa

from seatkeeper.store.columns import (
    META,
    NUMBER,
    Moment,
    Words,
    count,
    moment,
    words,
)

OUTBOX = sa.Table(
    "outbox",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    words("target"),
    words("kind"),
    words("entry_key"),
    moment("at"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    words("state"),
    count("tries"),
    sa.Column("not_before", Moment),
    words("error"),
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


OUTBOX_LOSS = sa.Table(
    "outbox_loss",
    META,
    sa.Column("target", Words, primary_key=True),
    sa.Column("rows", NUMBER, nullable=False),
    moment("newest"),
    moment("dropped_at"),
)


HOOK_PLACE = sa.Table(
    "hook_place",
    META,
    sa.Column("target", Words, primary_key=True),
    sa.Column("seq", NUMBER, nullable=False),
    moment("at"),
    words("told"),
)


ALERT_STATE = sa.Table(
    "alert_state",
    META,
    sa.Column("rule", Words, primary_key=True),
    sa.Column("site", Words, primary_key=True),
    sa.Column("subject", Words, primary_key=True),
    words("state"),
    words("severity"),
    moment("since"),
    moment("seen"),
    words("says"),
    words("numbers"),
    count("step"),
    sa.Column("fired_at", Moment),
    sa.Column("fine_since", Moment),
    sa.Column("resolved_at", Moment),
    sa.Column("told", Words),
    sa.Column("told_at", Moment),
    count("told_step"),
    sa.Index(None, "site"),
)


SILENCE = sa.Table(
    "silence",
    META,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
    sa.Column("rule", Words),
    sa.Column("site", Words),
    sa.Column("severity", Words),
    words("actor"),
    words("reason"),
    moment("at"),
    moment("until"),
    words("ended_by"),
    sa.Index(None, "until"),
)
