"""The state directory: a base file, a journal of the changes since, and one owner at a time.

A change is in the journal before its answer leaves, so a killed process loses nothing that it
acknowledged (a power failure of the machine is not guarded against). The lock is SQLite's own,
which ends with its process on every system.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import msgspec

from seatkeeper.errors import SiteBusy, StoreError
from seatkeeper.simulator.records import Contents, Records

_BASE = "site.msgpack"
_OWNER = "owner.txt"


class _Base(msgspec.Struct):
    generation: int
    contents: Contents


class StateStore:
    """The files of one site; made with the directory locked, or SiteBusy is raised."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._lock = _lock(directory)
        self._generation = 0
        self._journal: int | None = None

    def load(self) -> Records | None:
        """Read the site as it was; None when the directory holds none."""
        path = self._directory / _BASE
        if not path.is_file():
            return None
        try:
            base = msgspec.msgpack.decode(path.read_bytes(), type=_Base)
        except msgspec.MsgspecError as error:
            msg = f"{path} is not the state of a simulated site; delete the directory to begin anew"
            raise StoreError(msg) from error
        self._generation = base.generation
        records = Records.of(base.contents)
        self._replay(records)
        self._open_journal()
        return records

    def _replay(self, records: Records) -> None:
        path = self._journal_path()
        if not path.is_file():
            return
        with path.open("rb+") as file:
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):  # the process died while it wrote: never answered
                    break
                records.replay(line)
                whole += len(line)
            file.truncate(whole)

    def checkpoint(self, records: Records) -> None:
        """Write everything into a new base file and begin an empty journal."""
        old = self._journal_path()
        self._generation += 1
        path = self._directory / _BASE
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.msgpack.encode(_Base(self._generation, records.contents())))
        self._close_journal()
        fresh.replace(path)
        self._open_journal()
        old.unlink(missing_ok=True)

    def append(self, notes: bytes) -> None:
        """Add noted changes to the journal in one write."""
        if self._journal is None:
            msg = "the state directory of the simulated site is closed"
            raise StoreError(msg)
        os.write(self._journal, notes)

    def close(self) -> None:
        """Let go of the directory."""
        self._close_journal()
        self._lock.close()

    def _journal_path(self) -> Path:
        return self._directory / f"journal-{self._generation}.jsonl"

    def _open_journal(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._journal = os.open(self._journal_path(), flags, 0o644)

    def _close_journal(self) -> None:
        if self._journal is not None:
            os.close(self._journal)
            self._journal = None


def _lock(directory: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(directory / "lock.db", timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        owner = "another process"
        with contextlib.suppress(OSError):
            owner = (directory / _OWNER).read_text(encoding="utf-8").strip()
        msg = f"the simulated site in {directory} is served already, by {owner}"
        raise SiteBusy(msg) from error
    (directory / _OWNER).write_text(f"process {os.getpid()}\n", encoding="utf-8")
    return connection
