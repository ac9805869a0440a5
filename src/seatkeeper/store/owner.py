"""Who holds a lease: one run of one process on one machine, and whether it still lives."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

import msgspec
import psutil

from seatkeeper.core.canonical import canonical_bytes


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """One start of one process.

    `started` tells two processes apart that had the same pid: ticks since boot on Linux, where
    the usual start time moves with the clock, else seconds since 1970. `boot` names the start of
    the machine and the space its pids live in (containers have their own), empty where neither
    can be told. `instance` is random.
    """

    host: str
    pid: int
    started: float
    boot: str
    command: str
    instance: str

    @classmethod
    def this_process(cls, command: str = "") -> Owner:
        """Describe the process that runs; `command` is what people see, without secrets."""
        pid = os.getpid()
        return cls(
            host=socket.gethostname(),
            pid=pid,
            started=_started(pid) or 0.0,
            boot=_boot(),
            command=command or Path(sys.argv[0] or "python").name,
            instance=secrets.token_hex(8),
        )

    @classmethod
    def parse(cls, facts: str | None) -> Owner | None:
        """Read an owner from its row; None for one that cannot be understood."""
        try:
            return msgspec.json.decode(facts or "", type=cls)
        except msgspec.DecodeError:
            return None

    @property
    def facts(self) -> str:
        """The text kept in the row of a lease."""
        return canonical_bytes(self).decode("utf-8")

    @property
    def words(self) -> str:
        """How people find this process."""
        return f"{self.command} (pid {self.pid} on {self.host})"

    def is_dead(self, observer: Owner) -> bool:
        """Whether this process has certainly ended, as far as `observer` can tell.

        Only a process of the same machine, since the same boot and among the same pids, can be
        called dead; of any other nobody knows.
        """
        if (self.host, self.boot) != (observer.host, observer.boot):
            return False
        try:
            started = _started(self.pid)
        except psutil.AccessDenied:
            return False
        if started is None:
            return not _is_there(self.pid)
        return started != self.started


def _started(pid: int) -> float | None:
    """Return when a living process began, None when there is none (or only its exit status)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return _ticks(pid) or process.create_time()
    except psutil.NoSuchProcess:
        return None


def _is_there(pid: int) -> bool:
    """Whether there is such a process although nothing can be read of it.

    A hardened /proc (hidepid, ProtectProc) hides the processes of other accounts; a signal that
    is not sent tells. A zombie is no process any more.
    """
    if os.name != "posix" or _is_zombie(pid):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _ticks(pid: int) -> float | None:
    """Return the start of a process in clock ticks since boot; None where Linux's /proc is not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command in parentheses may hold anything; field 22 is the 20th after it (proc(5)).
    return float(stat.rpartition(")")[2].split()[19])


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - not a path, a name
    except OSError:
        return ""
