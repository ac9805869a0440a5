from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command_line import Command, process

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

SMALL = ("sim", "--users", "60", "--seed", "3", "--port", "0", "--state-dir", "site")


@contextmanager
def running(*words: str, cwd: Path, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the real command until its stderr says something; give what it said so far."""
    command = [sys.executable, "-m", "seatkeeper", *words]
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stderr is not None
        said = ""
        while until not in said:
            line = started.stderr.readline()
            assert line, said
            said += line
        try:
            yield started, said
        finally:
            if started.poll() is None:
                started.kill()


def test_a_site_is_served_until_ctrl_c_and_its_configuration_works(tmp_path: Path) -> None:
    words = (*SMALL, "--write-config", "sim.yaml")

    with running(*words, cwd=tmp_path, until="sim.yaml is written") as (started, said):
        assert "listens at https://127.0.0.1:" in said
        assert "site/root.pem" in said
        checked = process("check", "-c", "sim.yaml", "--site", "sim", "-o", "json", cwd=tmp_path)
        planned = process("-c", "sim.yaml", "plan", "--detailed-exitcode", cwd=tmp_path)
        started.send_signal(signal.SIGINT)
        out, rest = started.communicate(timeout=30)

    assert checked.code == 0, checked
    assert checked.json["counts"]["warning"] == 0
    assert planned.code == 4, planned
    assert (started.returncode, out) == (0, "")
    assert "Traceback" not in rest


def test_a_past_can_be_made_in_seconds(tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(days=20)
    past = ("--clock-from", f"{began:%Y-%m-%d}", "--speed", "1000000", "--write-config", "sim.yaml")

    with running(*SMALL, *past, cwd=tmp_path, until="sim.yaml is written") as (started, _):
        told: list[str] = []
        while not told or told[-1] != "ok":  # the site has caught up with the machine's clock
            shown = process("check", "-c", "sim.yaml", "--site", "sim", "-o", "json", cwd=tmp_path)
            told += [one["state"] for one in shown.json["checks"] if one["area"] == "clock"]
            assert len(told) < 30, told
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=30)


def test_the_block_to_paste_goes_to_stdout(tmp_path: Path) -> None:
    with running(*SMALL, cwd=tmp_path, until="certificates: ") as (started, _):
        started.send_signal(signal.SIGTERM)
        out, _ = started.communicate(timeout=30)

    (tmp_path / "pasted.yaml").write_text(out)
    shown = process("check", "-c", "pasted.yaml", "-o", "json", "--site", "sim", cwd=tmp_path)
    assert shown.json["checks"][0]["area"] == "configuration"
    assert out.startswith("sites:\n  - name: sim\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--switch", "nonsense=1"), "switch 'nonsense' is not known"),
        (("--switch", "delete_status=500"), "possible: 204, 200"),
        (("--fault", "status=99"), "from 400 to 599"),
        (("--allocations", "999"), "hold at most"),
        (("--speed", "1e9"), "at most 10,000,000"),
    ],
)
def test_what_a_site_cannot_be_is_a_usage_error(
    seatkeeper: Command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ended = seatkeeper("sim", "--state-dir", tmp_path / "site", "--users", 60, *words)

    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / "site").exists()


def test_a_file_of_somebody_else_is_never_written_over(seatkeeper: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("sites: []")

    ended = seatkeeper(
        "sim", "--state-dir", tmp_path / "site", "--write-config", tmp_path / "mine.yaml"
    )

    assert ended.code == 2
    assert (tmp_path / "mine.yaml").read_text() == "sites: []"


def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with running(*SMALL, cwd=tmp_path, until="certificates: ") as (started, said):
        port = said.partition("https://127.0.0.1:")[2].partition("/")[0]
        other = [port if word == "0" else word for word in SMALL[:-1]] + ["other"]
        ended = process(*other, cwd=tmp_path)
        started.kill()

    assert ended.code == 1
    assert "Address already in use" in ended.err
    assert "Traceback" not in ended.err
