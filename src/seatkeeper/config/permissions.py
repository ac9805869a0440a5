"""Whether other people of this computer can read a file that only Seatkeeper should."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

ROOT = 0


def open_to_others(file: Path, what: str) -> Iterator[str]:
    """Yield a warning when others may read the file; a missing file is the business of `check`.

    A group may read what root owns: that is how a service account is given a key it cannot
    change. On Windows the mode of a file tells nothing, so nothing is said.
    """
    if os.name == "nt":
        return
    try:
        found = file.stat()
    except OSError:
        return
    mode = stat.S_IMODE(found.st_mode)
    by_group = mode & stat.S_IRGRP and found.st_uid != ROOT
    if mode & stat.S_IROTH or by_group:
        yield f"{what}: {file} can be read by others (mode {mode:04o}). Run: chmod 600 {file}"
