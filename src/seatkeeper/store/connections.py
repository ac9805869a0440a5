"""The newest findings of `check`, of each site and of what concerns every site."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from seatkeeper.core.findings import Checked, Finding
from seatkeeper.core.model import person_key
from seatkeeper.store.columns import AnyRow, clean
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.watch_tables import CONNECTION_CHECK

_C = CONNECTION_CHECK.c

_FINDINGS = msgspec.json.Decoder(tuple[Finding, ...])


class Connections:
    """The kept findings of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def keep(self, checked: Checked) -> None:
        """Keep findings in place of those before."""
        row = {
            "site": checked.site,
            "at": checked.at,
            "actor": checked.by,
            "findings": clean(msgspec.json.encode(checked.findings).decode("utf-8")),
        }
        with self._db.writing() as conn:
            conn.execute(sa.delete(CONNECTION_CHECK).where(_C.site == checked.site))
            conn.execute(sa.insert(CONNECTION_CHECK).values(row))

    @threaded
    def all(self) -> dict[str, Checked]:
        """Return the findings by site; those of every site stand under an empty name."""
        with self._db.reading() as conn:
            rows = conn.execute(sa.select(CONNECTION_CHECK).order_by(_C.site)).all()
        return {row.site: _checked(row) for row in rows if _is_known(row)}


def forget_findings_naming(conn: sa.Connection, person: str) -> None:
    """Drop findings that name somebody who is erased; the next check finds anew."""
    key = person_key(person)
    for row in conn.execute(sa.select(CONNECTION_CHECK)).all():
        said = "" if not _is_known(row) else " ".join(f.text for f in _checked(row).findings)
        if key in said.casefold():
            conn.execute(sa.delete(CONNECTION_CHECK).where(_C.site == row.site))


def _is_known(row: AnyRow) -> bool:
    """Tell whether this version can read the findings; the next check replaces others."""
    try:
        _FINDINGS.decode(row.findings)
    except msgspec.ValidationError:
        return False
    return True


def _checked(row: AnyRow) -> Checked:
    return Checked(row.site, row.at, row.actor, _FINDINGS.decode(row.findings))
