"""Serve a simulated site as a process of its own; the options come as JSON in the first word."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from seatkeeper.simulator.faults import Faults
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import run
from seatkeeper.simulator.switches import Switches


def options_from(told: dict[str, Any]) -> SimOptions:
    """Turn JSON into options; the control door is always open."""
    more = dict(told)
    return SimOptions(
        state_dir=Path(more.pop("state_dir")),
        faults=Faults.parse(more.pop("faults", [])),
        switches=Switches.parse(more.pop("switches", [])),
        control=True,
        **more,
    )


if __name__ == "__main__":
    run(options_from(json.loads(sys.argv[1])), lambda site: print(site.url, flush=True))  # noqa: T201 - its only output
