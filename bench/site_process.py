"""A simulated site in a process of its own, so that its work is not counted as ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER = """
import json, sys
from pathlib import Path
from seatkeeper.simulator.faults import Faults
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import run
users, allocations, latency, folder = sys.argv[1:5]
faults = Faults.parse([f"latency={latency}"]) if int(latency) else Faults()
options = SimOptions(users=int(users), allocations=int(allocations), seed=7, port=0,
                     state_dir=Path(folder), faults=faults, control=True)
run(options, on_ready=lambda sim: print(json.dumps({"url": sim.url}), flush=True))
"""


@dataclass(frozen=True)
class BenchSite:
    """Where the simulated site listens, and its certificates."""

    url: str
    folder: Path

    @property
    def certificates(self) -> dict[str, str]:
        """Paths by what they are."""
        return {
            "ca": str(self.folder / "root.pem"),
            "cert": str(self.folder / "client.pem"),
            "key": str(self.folder / "client_key.pem"),
        }


@contextmanager
def a_site(users: int, allocations: int, *, latency: int = 0) -> Iterator[BenchSite]:
    """Serve a site of that size until the block ends; `latency` in milliseconds."""
    folder = Path(tempfile.mkdtemp(prefix="seatkeeper-bench-"))
    command = [
        sys.executable,
        "-c",
        SERVER,
        str(users),
        str(allocations),
        str(latency),
        str(folder),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit("the simulated site did not start")
        yield BenchSite(json.loads(line)["url"], folder)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def worker(name: str, site: BenchSite, **options: object) -> dict[str, float]:
    """Run one measurement in a fresh process and return what it measured."""
    here = Path(__file__).parent
    given = {"url": site.url, **site.certificates, **options}
    done = subprocess.run(
        [sys.executable, str(here / "workers.py"), name, json.dumps(given)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(here)},
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured
