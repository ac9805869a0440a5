"""The tables of signing in: accounts, sessions, tokens for programs, and links that work once.

What stands here is what the migrations build (a test holds them together). Passwords are kept as
argon2id; sessions, tokens and links as the SHA-256 of a random secret that only their holder has.
"""

from __future__ import annotations

import sqlalchemy as sa

from seatkeeper.store.columns import META, Moment, Words, clean, count, moment, words


def account_key(name: str) -> str:
    """Return what an account is found by, whatever the letter case."""
    return clean(name.strip()).casefold()


ACCOUNT = sa.Table(
    "account",
    META,
    sa.Column("account_key", Words, primary_key=True),
    words("name"),
    words("password"),
    words("grants"),
    moment("added_at"),
    words("added_by"),
    moment("password_at"),
    count("failures"),
    sa.Column("failed_at", Moment),
    sa.Column("signed_in_at", Moment),
)


WEB_SESSION = sa.Table(
    "web_session",
    META,
    sa.Column("session_hash", Words, primary_key=True),
    words("name"),
    words("via"),
    words("grants"),
    words("csrf"),
    moment("began_at"),
    moment("seen_at"),
    moment("ends_at"),
    sa.Column("address", Words),
    sa.Index(None, "ends_at"),
    sa.Index(None, "name"),
)


API_TOKEN = sa.Table(
    "api_token",
    META,
    sa.Column("token_hash", Words, primary_key=True),
    sa.Column("name", Words, nullable=False, unique=True),
    words("owner"),
    words("grants"),
    moment("made_at"),
    moment("ends_at"),
    sa.Column("used_at", Moment),
)


SIGN_IN_LINK = sa.Table(
    "sign_in_link",
    META,
    sa.Column("link_hash", Words, primary_key=True),
    words("grants"),
    moment("made_at"),
    moment("ends_at"),
)


API_ANSWER = sa.Table(
    "api_answer",
    META,
    sa.Column("key_hash", Words, primary_key=True),
    words("fingerprint"),
    moment("at"),
    words("owner"),
    words("state"),
    count("status"),
    words("headers"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "at"),
)
