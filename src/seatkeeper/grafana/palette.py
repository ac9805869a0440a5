"""The colours of series: a license type, bucket or kind looks the same on every dashboard."""

from __future__ import annotations

DASHED = "(total|budget|on schedule)$"
"""Limits are drawn as dashed lines, so that they do not read as demand."""

SERIES: tuple[tuple[str, str], ...] = (
    ("professional", "#8E5BD0"),
    ("analyzer", "#2F7ED8"),
    ("capacity", "#E08A1E"),
    ("token", "#1FA187"),
    ("0-7d", "#37872D"),
    ("7-30d", "#96B83C"),
    ("30-90d", "#E8B923"),
    ("90-180d", "#E8762C"),
    (r"180d\+", "#C4162A"),
    ("never", "#8C6D5A"),
    ("unclear", "#9AA0A6"),
    (r"(^|\s)idle$", "#E8762C"),
    ("in use", "#37872D"),
    ("savings", "#37872D"),
    ("budget", "#CCCCDC"),
    ("on schedule", "#9AA0A6"),
    ("released", "#37872D"),
    ("came back", "#C4162A"),
    ("violations", "#C4162A"),
    ("warning", "#E8762C"),
    ("set_aside|critical", "#C4162A"),
)
"""Pattern of a series' name and its colour; the last that matches wins."""
