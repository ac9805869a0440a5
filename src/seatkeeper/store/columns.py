"""The kinds of columns that every table is made of, for SQLite and PostgreSQL alike.

Times are text in UTC with microseconds, so that they sort, read and hash the same in both
databases; only where very many stand in indexes they are numbers (`Since`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from seatkeeper.core.measures import MeasuredType

AnyRow: TypeAlias = "sa.Row[*tuple[Any, ...]]"
"""A row of any columns; their names are known where it was selected."""


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
    if text.isascii() and "\0" not in text:
        return text  # nearly every text: 100,000 people have a dozen each
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NEVER, UNKNOWN = -(2**62), 2**62
"""What stands before and after every time."""


def microseconds(at: datetime) -> int:
    """Return an aware time as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


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


_BY_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


class Key(sa.types.TypeDecorator[str]):
    """Text that is sorted by its bytes, as Python sorts it, in both databases."""

    impl = _BY_BYTES
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Clean the text."""
        return None if value is None else clean(value)


class Since(sa.types.TypeDecorator[datetime]):
    """A time as microseconds since 1970: half of the bytes, for what stands in many indexes.

    It has a place in an order also where there is none: before or after all others.
    """

    impl = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    cache_ok = True

    def __init__(self, none: int = NEVER) -> None:
        """Store "no time" as this number."""
        super().__init__()
        self.none = none

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn a time, or none, into its stored form."""
        return self.none if value is None else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Turn the stored form into a time."""
        return None if value in (None, self.none) else _EPOCH + timedelta(microseconds=int(value))


NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


META = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def words(name: str) -> sa.Column[str]:
    """Make a column for text that is always there."""
    return sa.Column(name, Words, nullable=False)


def moment(name: str) -> sa.Column[datetime]:
    """Make a column for a time that is always there."""
    return sa.Column(name, Moment, nullable=False)


def count(name: str) -> sa.Column[int]:
    """Make a column for a number that is always there."""
    return sa.Column(name, sa.Integer, nullable=False)
