"""Real processes of tests: started, waited for with a limit, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

SEATKEEPER = Path(sys.executable).with_name("seatkeeper")
LONG = 60.0
"""Seconds after which a process that should have ended counts as hanging."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended: exit code, stdout, stderr, seconds."""

    code: int
    out: str
    err: str
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        """Its stdout as JSON."""
        return json.loads(self.out)

    def expect(self, *codes: int) -> Ended:
        """Fail unless it ended with one of these codes; give itself back."""
        assert self.code in codes, f"exit {self.code}, not {codes}\n{self.out}\n{self.err}"
        return self


class Running:
    """A process that runs; its output goes to files, so that no pipe can fill up."""

    def __init__(self, words: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._err: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as above
        self.began = time.monotonic()
        self.popen = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **(environment or {})},
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def wait(self, seconds: float = LONG) -> Ended:
        """Wait for its end and give its output; a process that hangs is a failed test."""
        try:
            code = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"still running after {seconds} s\n{self.errors()}") from None
        return Ended(code, _text(self._out), self.errors(), time.monotonic() - self.began)

    def kill(self) -> Ended:
        """End it as a power cut would."""
        self.popen.kill()
        return self.wait()

    def end(self, number: signal.Signals = signal.SIGTERM, within: float = 15.0) -> Ended:
        """Ask it to end by a signal and expect that within so many seconds."""
        asked = time.monotonic()
        self.send(number)
        ended = self.wait(within)
        return Ended(ended.code, ended.out, ended.err, time.monotonic() - asked)

    def errors(self) -> str:
        """What it has said on stderr so far."""
        return _text(self._err)

    def output(self) -> str:
        """What it has said on stdout so far."""
        return _text(self._out)

    def close(self) -> None:
        """Make sure that it is gone."""
        if self.lives:
            self.popen.kill()
            self.popen.wait()
        self._out.close()
        self._err.close()


def _text(file: IO[bytes]) -> str:
    """Read from the start without moving the place where the child writes."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0).decode("utf-8", "replace")


@contextlib.contextmanager
def running(words: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[Running]:
    """Run a process for as long as the block."""
    process = Running(words, environment)
    try:
        yield process
    finally:
        process.close()


def wait_until(
    happened: Callable[[], Any], what: str, seconds: float = 30.0, pause: float = 0.03
) -> Any:
    """Ask again and again until the answer is true, and give it; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(pause)
    return answer
