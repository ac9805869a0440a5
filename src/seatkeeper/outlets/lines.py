r"""Points as line protocol, one entry of the outbox a point.

A point is turned into its line when it is put into the outbox, with the tags that its target has
then: what was measured under which tags stays as it was, and sending is only joining lines.

influxdb-client does the escaping, with one mend. Line protocol cannot say a backslash at the end
of a tag: it would escape what comes next, and the library's own way out, a blank behind it, makes
the server lose the backslash. A zero-width space behind it keeps it, and is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seatkeeper.core.outbox import OutboxEntry
from seatkeeper.core.points import Point, when

KIND = "point"

_UNSEEN = "\N{ZERO WIDTH SPACE}"

Encode = Callable[[Sequence[Point]], list[OutboxEntry]]


def encoder(tags: Mapping[str, str]) -> Encode:
    """Return what turns points into entries of a target with these tags of its own."""
    own = tuple(tags.items())

    def encode(points: Sequence[Point]) -> list[OutboxEntry]:
        # A sixth of a second and 30 MB, for those alone who write points.
        from influxdb_client.client.write.point import Point as Line  # noqa: PLC0415

        return [
            OutboxEntry(KIND, _line(Line, point, own), point.key, when(point))
            for point in points
            if point.fields
        ]

    return encode


def _line(new: Any, point: Point, tags: Sequence[tuple[str, str]]) -> bytes:
    made = new(point.measurement).time(point.at)
    for name, value in (*tags, *point.tags):
        made.tag(name, f"{value}{_UNSEEN}" if value.endswith("\\") else value)
    for name, field in point.fields.items():
        made.field(name, field)
    return str(made.to_line_protocol()).encode("utf-8", "replace")
