"""Running `seatkeeper` from tests: in this process through `main`, or as the real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Command = Callable[..., "Ran"]
"""Runs a command in this process; the fixture `seatkeeper` is one."""

CONFIG = """\
sites:
  - name: prod
    qrs:
      url: {url}
      ca_file: {folder}/root.pem
      cert_file: {folder}/client.pem
      key_file: {folder}/client_key.pem
    license_shared_with: []
    policy:
      never_release:
        patterns: ['*\\svc_*']
store: {{url: 'sqlite:///{store}'}}
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds, which must be JSON and nothing else."""
        return json.loads(self.out)


def process(*words: str, cwd: Path, env: dict[str, str] | None = None, stdin: str = "") -> Ran:
    """Run the real command to its end."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SEATKEEPER_")}
    done = subprocess.run(
        [sys.executable, "-m", "seatkeeper", *words],
        cwd=cwd,
        env=kept | (env or {}),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
