"""`python -m seatkeeper` is the command `seatkeeper`."""

from __future__ import annotations

from seatkeeper.cli.main import main

if __name__ == "__main__":
    main()
