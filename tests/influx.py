"""Real servers that take points: influxd 1.x, and VictoriaMetrics for the write API of version 2.

Both are Debian's packages, started on free loopback ports with a folder of their own. A stopped
server can be started again on its data: `influx.stop()`, later `influx.start()`.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_SECONDS = 60.0

_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
auth-enabled = {auth}
log-enabled = false
https-enabled = {https}
https-certificate = "{certificate}"
https-private-key = "{key}"
[continuous_queries]
enabled = false
[ifql]
enabled = false
"""


def free_port() -> int:
    """Return a port that nobody listens on now.

    Below those that a system gives to outgoing connections: a server that is stopped for a while
    must find its port free again.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - a port, no secret
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


@dataclass
class Server:
    """One real server; it runs between `start` and `stop`."""

    folder: Path
    port: int = field(default_factory=free_port)
    _running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return what starts it."""
        raise NotImplementedError

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def start(self) -> None:
        """Start it and wait until it answers."""
        program, *_ = command = self.command()
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is missing; script/packages names its Debian package")
        with (self.folder / "log").open("ab") as log:
            self._running = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        until = time.monotonic() + START_SECONDS
        while not self.is_up():
            if self._running.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it; what it holds stays."""
        if self._running is not None:
            self._running.terminate()
            try:
                self._running.wait(20)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
            self._running = None


@dataclass
class Influx(Server):
    """An influxd 1.x; with `auth` it knows `admin` / `s3cret` once `add_admin` was called."""

    auth: bool = False
    certificate: Path | None = None
    key: Path | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Write its configuration and return what starts it."""
        config = self.folder / "influxdb.conf"
        config.write_text(
            _CONFIG.format(
                rpc=free_port(),
                port=self.port,
                folder=self.folder,
                auth=str(self.auth).lower(),
                https=str(self.certificate is not None).lower(),
                certificate=self.certificate or "",
                key=self.key or "",
            )
        )
        return ["influxd", "-config", str(config)]

    def is_up(self) -> bool:
        """Whether it listens; over TLS no more is asked."""
        if self.certificate is None:
            return super().is_up()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    def add_admin(self) -> None:
        """Create the administrator of a server with `auth`."""
        self.ask("CREATE USER admin WITH PASSWORD 's3cret' WITH ALL PRIVILEGES")

    def ask(self, statement: str, database: str = "", **more: str) -> list[dict[str, Any]]:
        """Run InfluxQL and return its series; `u` and `p` sign in.

        Raises AssertionError with what the server says.
        """
        body = urllib.parse.urlencode({"q": statement}).encode()
        where = f"{self.url}/query?" + urllib.parse.urlencode({"db": database, **more})
        try:
            with urllib.request.urlopen(where, body, timeout=60) as answer:
                (result,) = json.load(answer)["results"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        assert "error" not in result, result["error"]
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def rows(self, statement: str, database: str = "butler") -> list[dict[str, Any]]:
        """Run a query and return each row as a dictionary, tags of GROUP BY among its keys."""
        return [
            dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
            for series in self.ask(statement, database, epoch="ns")
            for values in series["values"]
        ]

    def write(self, lines: str, database: str = "butler") -> None:
        """Write line protocol as somebody else would."""
        where = f"{self.url}/write?" + urllib.parse.urlencode({"db": database})
        with urllib.request.urlopen(where, lines.encode(), timeout=60):
            pass


@dataclass
class Victoria(Server):
    """A VictoriaMetrics: takes `/write` and `/api/v2/write`, and is asked by PromQL."""

    def command(self) -> list[str]:
        """Return what starts it."""
        return [
            "victoria-metrics",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
        ]

    def exported(self, selector: str) -> list[dict[str, Any]]:
        """Return every series that the selector finds, with its values and timestamps."""
        flush = f"{self.url}/internal/force_flush"
        with urllib.request.urlopen(flush, timeout=60):
            pass
        where = f"{self.url}/api/v1/export?" + urllib.parse.urlencode({"match[]": selector})
        with urllib.request.urlopen(where, timeout=60) as answer:
            return [json.loads(line) for line in answer]


@contextlib.contextmanager
def an_influx(**options: Any) -> Iterator[Influx]:
    """Run an influxd of its own, without any database."""
    with _folder() as folder:
        server = Influx(folder, **options)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def a_victoria() -> Iterator[Victoria]:
    """Run a VictoriaMetrics of its own."""
    with _folder() as folder:
        server = Victoria(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="seatkeeper-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
