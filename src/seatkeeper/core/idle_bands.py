"""Seats by how long nobody used them, in bands that a page leads into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EDGES = (7, 30, 90, 180)
"""Days; a seat that is idle for exactly so long belongs to the longer band, as in `IdleBucket`."""


@dataclass(frozen=True, slots=True)
class IdleBand:
    """Seats that nobody used for `at_least` days and for less than `below` (None: no end).

    Of a seat never used the days count since it was given; `never` says how many of these are.
    """

    at_least: int
    below: int | None
    seats: int = 0
    never: int = 0

    @property
    def words(self) -> str:
        """The band for a sentence."""
        if self.below is None:
            return f"{self.at_least} days and more"
        return f"{self.at_least} to {self.below - 1} days"

    @property
    def short(self) -> str:
        """The band in a few characters; days are meant."""
        if self.below is None:
            return f"{self.at_least}+"
        return f"{self.at_least}\u2013{self.below - 1}"


@dataclass(frozen=True, slots=True)
class IdleBands:
    """The seats of a list by band, the shortest first; of `unclear` ones nobody can tell."""

    bands: tuple[IdleBand, ...]
    unclear: int = 0

    @classmethod
    def of(cls, counted: Iterable[tuple[int, int, int]]) -> IdleBands:
        """Add up counts: number of the band (-1: nobody can tell), seats, never used ones."""
        seats, never = [0] * (len(EDGES) + 1), [0] * (len(EDGES) + 1)
        unclear = 0
        for number, some, unused in counted:
            if number < 0:
                unclear += some
            else:
                seats[number] += some
                never[number] += unused
        begins, ends = (0, *EDGES), (*EDGES, None)
        bands = map(IdleBand, begins, ends, seats, never)
        return cls(tuple(bands), unclear)

    @property
    def most(self) -> int:
        """The seats of the largest band."""
        return max(band.seats for band in self.bands)

    @property
    def never(self) -> int:
        """Seats that were never used, in all bands."""
        return sum(band.never for band in self.bands)
