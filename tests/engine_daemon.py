"""The real daemon with another idea of what a large site is: `engine_daemon.py CONFIG LARGE`.

Imported, it starts itself as a process that tests talk to through signals, files and its log.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from command_line import process

POLICY = """\
    policy:
      mode: approve
      agreement_reviewed: {by: Jane Doe, on: 2026-01-15}
      professional: {release_after: 30d}
      analyzer: {release_after: 30d}
      limits: {max_per_run: 60, max_per_day: 500, max_share: 50%}
    schedule: {monitor: every 30 days, release: every 30 days}
"""

CONFIG = """\
sites:
  - name: prod
    qrs:
      url: {url}
      ca_file: {folder}/root.pem
      cert_file: {folder}/client.pem
      key_file: {folder}/client_key.pem
      concurrency: 1
    license_shared_with: []
{policy}
store: {{url: 'sqlite:///{store}'}}
console: {{listen: '127.0.0.1:0'}}
log: {{format: json}}
"""

LONG = 60.0


class Daemon:
    """One running daemon."""

    def __init__(self, folder: Path, large: int) -> None:
        self.folder = folder
        self._log = folder / f"daemon-{time.monotonic_ns()}.log"
        with self._log.open("w") as log:
            self._popen = subprocess.Popen(
                [sys.executable, __file__, str(folder / "seatkeeper.yaml"), str(large)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        self.process = psutil.Process(self._popen.pid)

    def events(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """What it has logged under a name, with these fields."""
        lines = [line for line in self._log.read_text().splitlines() if line.startswith("{")]
        entries = [json.loads(line) for line in lines]
        return [
            entry
            for entry in entries
            if entry["event"] == name and all(entry.get(k) == v for k, v in fields.items())
        ]

    def wait_for(self, name: str, **fields: Any) -> dict[str, Any]:
        """Wait until it has logged this, and return the first of it."""
        found: list[dict[str, Any]] = wait_until(lambda: self.events(name, **fields), self.said)
        return found[0]

    def said(self) -> str:
        """Everything it has logged."""
        return self._log.read_text()

    def child(self) -> psutil.Process:
        """Wait for its child process."""
        children: list[psutil.Process] = wait_until(self.process.children, self.said)
        return children[0]

    def kill(self) -> None:
        """End it as a power cut would."""
        self._popen.kill()
        self._popen.wait()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end; returns its exit code and the seconds it took."""
        began = time.monotonic()
        self._popen.send_signal(number)
        code = self._popen.wait(LONG)
        return code, time.monotonic() - began

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self._popen.wait(LONG)

    def close(self) -> None:
        """Make sure that nothing of it is left."""
        children = self.process.children() if self.process.is_running() else []
        self._popen.kill()
        self._popen.wait()
        for child in children:
            child.kill()


@contextmanager
def a_daemon(folder: Path, large: int = 20_000) -> Iterator[Daemon]:
    """Run a daemon until the block ends."""
    daemon = Daemon(folder, large)
    try:
        yield daemon
    finally:
        daemon.close()


def wait_until(happened: Callable[[], Any], tell: Callable[[], str], seconds: float = LONG) -> Any:
    """Wait until something is so; a test that waits in vain says what is known."""
    end = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < end, f"waited {seconds} s in vain\n{tell()}"
        time.sleep(0.01)
    return answer


def command(folder: Path, *words: str) -> Any:
    """Run a command to its end and return its JSON."""
    ran = process(*words, "-o", "json", cwd=folder)
    assert ran.code == 0, ran.err
    return ran.json


def write_config(folder: Path, url: str, site: Path, policy: str = POLICY) -> None:
    """Write the configuration of one site."""
    text = CONFIG.format(url=url, folder=site, policy=policy, store=folder / "store.db")
    (folder / "seatkeeper.yaml").write_text(text)


if __name__ == "__main__":
    from seatkeeper import logs
    from seatkeeper.cli.serve import run_daemon
    from seatkeeper.config import load

    logs.set_up("debug", "json")
    sys.exit(run_daemon(load(Path(sys.argv[1]), os.environ), int(sys.argv[2])))
