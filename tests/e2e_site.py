"""A simulated site in a process of its own, and what a test asks of it through the control door."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from e2e_processes import Running, wait_until

_XRFKEY = "Zk3vQ9aB7mN1xT5c"
_MAIN = Path(__file__).with_name("e2e_simulated_site.py")
TYPES = ("professional", "analyzer")
EFFECTS = ("removed", "quarantined")


@dataclass(frozen=True)
class Delete:
    """One DELETE as the site saw it."""

    allocation_id: str
    status: int
    """0: no answer was given."""
    effective: bool
    """Whether a user lost a seat by it."""


class SiteProcess:
    """One running simulated site."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self._options = {"users": 200, "seed": 1, "port": 0, **options, "state_dir": str(folder)}
        self._running: Running | None = None
        self._connection: http.client.HTTPSConnection | None = None
        self._lock = threading.Lock()
        self._seen: list[dict[str, Any]] = []

    @property
    def port(self) -> int:
        """The port it listens on, the same after a restart."""
        return int(self._options["port"])

    def start(self) -> None:
        """Start it and wait until it answers."""
        process = Running([sys.executable, str(_MAIN), json.dumps(self._options)])
        self._running = process
        wait_until(
            lambda: process.output().endswith("\n") or not process.lives, "the site starts", 60
        )
        assert process.lives, process.errors()
        self._options["port"] = int(process.output().strip().rpartition(":")[2].split("/")[0])

    def stop(self) -> None:
        """End it; its state stays."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
        if self._running is not None:
            if self._running.lives:
                self._running.popen.terminate()
                self._running.wait(20)
            self._running.close()
            self._running = None

    # The control door

    def faults(self, *texts: str) -> None:
        """Let these go wrong from now on, and nothing else."""
        self.ask("POST", "/sim/faults", {"faults": list(texts)})

    def switches(self, *texts: str) -> None:
        """Show other behaviours from now on."""
        self.ask("POST", "/sim/switches", {"switches": list(texts)})

    def use(self, allocation_id: str) -> None:
        """Let the holder of a seat use it now."""
        self.ask("POST", "/sim/touch", {"allocation_id": allocation_id})

    def log(self) -> list[dict[str, Any]]:
        """What Seatkeeper asked since `forget`, in the order of arrival."""
        return [e for e in self.ask("GET", "/sim/requests") if e["user"]]

    def forget(self) -> None:
        """Begin a new log; what it held still counts in `deletes`."""
        self._seen += self.log()
        self.ask("DELETE", "/sim/requests")

    def everything(self) -> list[dict[str, Any]]:
        """What Seatkeeper ever asked."""
        return self._seen + self.log()

    def deletes(self, *, ever: bool = False) -> list[Delete]:
        """The DELETEs since `forget`, or all there ever were."""
        entries = self.everything() if ever else self.log()
        return [_delete(e) for e in entries if e["method"] == "DELETE"]

    def held(self) -> dict[str, dict[str, Any]]:
        """Every seat somebody holds now, by id; quarantined rows are not held."""
        return {i: row for i, row in self.rows().items() if not row["quarantined"]}

    def rows(self) -> dict[str, dict[str, Any]]:
        """Every row of both license types by id."""
        lists = [self.get(f"license/{kind}accesstype/full") for kind in TYPES]
        return {row["id"]: row for rows in lists for row in rows}

    def get(self, path: str) -> Any:
        """Read something of QRS."""
        return self.ask("GET", f"/qrs/{path}")

    def user_id(self, name: str) -> str:
        r"""Give the id of `DIR\\id`, in any case."""
        directory, _, login = name.casefold().partition("\\")
        for user in self.get("user/full"):
            if (user["userDirectory"].casefold(), user["userId"].casefold()) == (directory, login):
                return str(user["id"])
        raise AssertionError(f"the site has no user {name}")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request as the system; anything but 2xx is a failed test."""
        with self._lock:
            status, content = self._ask(method, path, body)
        assert 200 <= status < 300, f"{method} {path}: {status} {content[:300]!r}"
        return json.loads(content) if content else None

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=30, context=self._context()
            )
        separator = "&" if "?" in path else "?"
        where = f"{quote(path, safe='/?=&%')}{separator}xrfkey={_XRFKEY}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Qlik-Xrfkey": _XRFKEY, "Content-Type": "application/json"}
        try:
            self._connection.request(method, where, data, headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "root.pem"))
        context.load_cert_chain(self.folder / "client.pem", self.folder / "client_key.pem")
        return context


def _delete(entry: dict[str, Any]) -> Delete:
    return Delete(
        allocation_id=entry["path"].rpartition("/")[2],
        status=entry["status"],
        effective=any(effect in entry["outcome"].split() for effect in EFFECTS),
    )


@contextlib.contextmanager
def a_site(folder: Path, **options: Any) -> Iterator[SiteProcess]:
    """Run a simulated site for as long as the block."""
    site = SiteProcess(folder, **options)
    try:
        site.start()
        yield site
    finally:
        site.stop()
