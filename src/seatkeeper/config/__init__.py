"""Find, read and validate the configuration: every fault at once, each with file:line and cure."""

from __future__ import annotations

from seatkeeper.config.loading import DEFAULT_NAME, VARIABLE, Loaded, content_of, find, load

__all__ = ["DEFAULT_NAME", "VARIABLE", "Loaded", "content_of", "find", "load"]
