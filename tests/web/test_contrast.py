"""The colours of the console by their roles: WCAG 2.2 AA in light and in dark."""

from __future__ import annotations

import re

import pytest

from seatkeeper.web.render import HERE

TOKENS = (HERE / "static" / "tokens.css").read_text(encoding="utf-8")
LOOK = (HERE / "static" / "console.css").read_text(encoding="utf-8")
_COLOUR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOURS = {name: (light, dark) for name, light, dark in _COLOUR.findall(TOKENS)}
SCHEMES = pytest.mark.parametrize("scheme", [0, 1], ids=("light", "dark"))

GROUNDS = ("sunken", "paper", "surface", "hover")
WORDS = ("ink", "ink-2", "ink-3", "accent", "accent-hover", "good", "warn", "bad")
"""What people read, on any ground."""
ON_TINTS = tuple((word, f"{word}-tint") for word in ("good", "warn", "bad"))
READ = (
    *((word, ground) for word in WORDS for ground in GROUNDS),
    *ON_TINTS,
    *((word, f"{tint}-tint") for tint in ("good", "warn") for word in ("ink", "ink-2")),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
)
SEEN = (
    *((edge, ground) for edge in ("line-strong", "accent") for ground in GROUNDS),
    *((f"{state}-mark", ground) for state in ("good", "warn", "bad") for ground in GROUNDS),
    *((f"{state}-mark", f"{state}-tint") for state in ("good", "warn", "bad")),
    *(("on-mark", f"{state}-mark") for state in ("good", "warn", "bad")),
    *(
        (f"seat-{part}", "surface")
        for part in ("used", "idle", "quarantined", "available-edge", "excess")
    ),
    ("chart-axis", "surface"),
    ("chart-line", "surface"),
)
"""Edges of controls, signs, and parts of charts: told apart, not read."""


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2 between two colours."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@SCHEMES
@pytest.mark.parametrize(("word", "ground"), READ)
def test_what_is_read_stands_out_by_4_5_to_1(word: str, ground: str, scheme: int) -> None:
    assert contrast(COLOURS[word][scheme], COLOURS[ground][scheme]) >= 4.5


@SCHEMES
@pytest.mark.parametrize(("mark", "ground"), SEEN)
def test_what_is_only_seen_stands_out_by_3_to_1(mark: str, ground: str, scheme: int) -> None:
    assert contrast(COLOURS[mark][scheme], COLOURS[ground][scheme]) >= 3


@SCHEMES
def test_used_and_idle_seats_differ_for_those_who_see_no_colours(scheme: int) -> None:
    assert contrast(COLOURS["seat-used"][scheme], COLOURS["seat-idle"][scheme]) >= 1.5


def test_the_look_names_no_colour_by_itself() -> None:
    assert not re.findall(
        r"#[0-9a-fA-F]{3,8}\b(?!\")|rgb\(|hsl\(", LOOK.replace('url("#hatch")', "")
    )


def test_the_ratio_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_has_a_light_and_a_dark_side() -> None:
    named = set(re.findall(r"--([\w-]+): [^;]*#", TOKENS.partition("@media print")[0]))
    assert named == set(COLOURS)
