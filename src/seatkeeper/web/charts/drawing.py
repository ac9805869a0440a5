"""What every chart is drawn with. svg.py writes text as it is given: here alone it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import svg
from markupsafe import Markup, escape

Anchor = Literal["start", "middle", "end"]


def drawing(
    label: str,
    elements: Iterable[svg.Element],
    *,
    kind: str,
    height: float,
    width: float | None = None,
    box: tuple[float, float] | None = None,
) -> Markup:
    """Return a finished chart; `label` says the finding to those who listen.

    Without `width` it is as wide as there is room.
    """
    view = None if box is None else svg.ViewBoxSpec(0, 0, *box)
    root = svg.SVG(
        width=_share(100) if width is None else width,
        height=height,
        viewBox=view,
        class_=kind.split(),
        extra={"role": "img", "aria-label": str(escape(label))},
        elements=list(elements),
    )
    return Markup(str(root))  # noqa: S704 - every text in it went through `escape`


def words(text: str, x: float, y: float, kind: str = "", anchor: Anchor = "start") -> svg.Text:
    """Return a text at a place; `x` in per cent."""
    return svg.Text(
        x=_share(x), y=_round(y), text=str(escape(text)), class_=kind.split(), text_anchor=anchor
    )


def box(kind: str, x: float, width: float, y: float, height: float) -> svg.Rect:
    """Return a rectangle; `x` and `width` in per cent."""
    return svg.Rect(
        class_=kind.split(), x=_share(x), width=_share(width), y=_round(y), height=_round(height)
    )


def upright(kind: str, x: float, top: float, bottom: float) -> svg.Line:
    """Return a vertical line; `x` in per cent."""
    return svg.Line(
        class_=kind.split(), x1=_share(x), x2=_share(x), y1=_round(top), y2=_round(bottom)
    )


def level(kind: str, y: float) -> svg.Line:
    """Return a horizontal line across the whole chart."""
    return svg.Line(class_=kind.split(), x1=0, x2=_share(100), y1=_round(y), y2=_round(y))


def dot(kind: str, x: float, y: float, radius: float) -> svg.Circle:
    """Return a disc; `x` in per cent."""
    return svg.Circle(class_=kind.split(), cx=_share(x), cy=_round(y), r=_round(radius))


def path(kind: str, points: Sequence[tuple[float, float]], *, close: bool = False) -> svg.Path:
    """Return a line through points."""
    data: list[svg.PathData] = [
        svg.M(_round(x), _round(y)) if index == 0 else svg.L(_round(x), _round(y))
        for index, (x, y) in enumerate(points)
    ]
    return svg.Path(class_=kind.split(), d=[*data, svg.Z()] if close else data)


def plot(
    elements: Iterable[svg.Element], top: float, height: float, size: tuple[float, float]
) -> svg.SVG:
    """Return an inner drawing that is stretched to the width, words and dots outside of it."""
    return svg.SVG(
        class_=["plot"],
        x=0,
        y=_round(top),
        width=_share(100),
        height=_round(height),
        viewBox=svg.ViewBoxSpec(0, 0, *size),
        extra={"aria-hidden": "true", "preserveAspectRatio": "none"},
        elements=list(elements),
    )


def _round(value: float) -> float:
    return round(value, 2)


def _share(value: float) -> svg.Length:
    return svg.Length(_round(value), "%")
