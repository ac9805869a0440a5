from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from seatkeeper.cli.reference import configuration_page
from seatkeeper.settings import Settings
from seatkeeper.settings.exempt import ExemptionSettings
from seatkeeper.settings.keys import keys_of, walk

ROOT = Path(__file__).parents[2]


def test_the_generated_pages_are_in_step_with_the_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "script/docs", "--check"], capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_every_key_of_the_configuration_is_in_the_reference() -> None:
    page = configuration_page()
    entries = {"match", "name", "value"}

    for key in [*walk(Settings), *keys_of(ExemptionSettings)]:
        row = f"| `{key.name}` | "
        assert row in page or (key.name in entries and f"`{key.name}`" in page), key.path
