"""Questions on a real terminal: the process gets one of its own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatkeeper.config import load
from served_site import ServedSite

pty = pytest.importorskip("pty", reason="terminals of POSIX")


class Terminal:
    """A person at a terminal: waits for a question, types an answer."""

    def __init__(self, process: subprocess.Popen[bytes], handle: int) -> None:
        self.process = process
        self._handle = handle
        self.seen = ""

    def reads(self, text: str, seconds: float = 60) -> None:
        """Wait until the text is on the screen after what was read before."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self._handle], [], [], 1)[0]:
                self.seen += self._more()
        self.seen = self.seen.partition(text)[2]

    def types(self, text: str) -> None:
        os.write(self._handle, f"{text}\n".encode())

    def presses_ctrl_c(self) -> None:
        """Press until it is heard: Python is deaf just between the question and the reading."""
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            os.killpg(self.process.pid, signal.SIGINT)
            select.select([self._handle], [], [], 1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=1)

    def ends(self) -> int:
        """Read on until the process ends; return its exit code."""
        while select.select([self._handle], [], [], 30)[0]:
            if not (more := self._more()):
                break
            self.seen += more
        return self.process.wait(timeout=30)

    def _more(self) -> str:
        try:
            return os.read(self._handle, 4096).decode()
        except OSError:  # Linux says so when the other side is closed
            return ""


@contextmanager
def terminal(*words: str, cwd: Path) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "seatkeeper", *words],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)


def test_init_asks_its_few_questions_and_each_proposal(site: ServedSite, tmp_path: Path) -> None:
    with terminal("init", cwd=tmp_path) as person:
        for question, answer in (
            ("Name of the site [prod]: ", "test"),
            ("Repository Service (QRS): ", site.url),
            ("Folder with the certificates [certs]: ", str(site.folder)),
            ("User to work as [INTERNAL\\sa_api]: ", ""),
            ("Time zone of the site [", "Europe/Stockholm"),
            ("Database [sqlite:///seatkeeper.db]: ", ""),
            ("protect user directory INTERNAL", "y"),
            ("protect pattern *\\svc_*", "n"),
        ):
            person.reads(question)
            person.types(answer)
        person.reads("protect")
        for _ in range(9):
            person.types("y")
        code = person.ends()

    settings = load(tmp_path / "seatkeeper.yaml", os.environ).settings.sites[0]
    matches = [e.match for e in settings.to_policy().exemptions]
    assert code == 0
    assert (settings.name, settings.zone.key) == ("test", "Europe/Stockholm")
    assert "INTERNAL" in matches
    assert "*\\svc_*" not in matches


def test_ctrl_c_at_a_question_is_130_and_writes_nothing(tmp_path: Path) -> None:
    with terminal("init", cwd=tmp_path) as person:
        person.reads("Name of the site")
        person.presses_ctrl_c()
        code = person.ends()

    assert code == 130
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in person.seen


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("", 2)])
def test_a_no_erases_nobody(config: Path, answer: str, code: int) -> None:
    words = ("ledger", "erase", "EXAMPLE\\anna", "--by", "DPO", "--reason", "asked")
    with terminal(*words, "-c", str(config), cwd=config.parent) as person:
        person.reads("Erase EXAMPLE\\anna")
        person.types(answer)
        ended = person.ends()

    assert ended == code
    assert "nothing was done" in person.seen
