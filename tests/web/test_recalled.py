"""What was read once is not read again, unless it is of another moment."""

from __future__ import annotations

import pytest

from seatkeeper.web.recalled import MOST, Recalled


class Shelf:
    """Something that is read, and counts how often."""

    def __init__(self) -> None:
        self.reads = 0

    async def read(self) -> int:
        """Return how often it was read."""
        self.reads += 1
        return self.reads


async def test_the_same_moment_is_read_once() -> None:
    """Every further look recalls the first answer."""
    recalled, shelf = Recalled[int](), Shelf()
    assert [await recalled.of("prod", 1, shelf.read) for _ in range(3)] == [1, 1, 1]


async def test_a_new_reading_takes_the_place_of_the_one_before() -> None:
    """A console that runs for years holds one answer about each site, not one a reading."""
    recalled, shelf = Recalled[int](), Shelf()
    found = [await recalled.of("prod", at, shelf.read) for at in range(500)]
    assert found == list(range(1, 501))
    assert len(recalled._known) == 1


async def test_one_site_takes_no_place_of_another() -> None:
    """Sites are read at moments of their own."""
    recalled, shelf = Recalled[int](), Shelf()
    found = [await recalled.of(site, 1, shelf.read) for site in ("prod", "test", "prod")]
    assert found == [1, 2, 1]


async def test_the_oldest_is_forgotten() -> None:
    """Plans are made for years: no more than so many are recalled."""
    recalled, shelf = Recalled[int](), Shelf()
    for number in range(MOST + 1):
        await recalled.of(f"plan-{number}", None, shelf.read)
    assert await recalled.of(f"plan-{MOST}", None, shelf.read) == MOST + 1
    assert await recalled.of("plan-0", None, shelf.read) == MOST + 2


async def test_a_failed_read_is_tried_again() -> None:
    """A store that gives no answer now may give one at the next look."""
    recalled, shelf = Recalled[int](), Shelf()

    async def fail() -> int:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await recalled.of("prod", 1, fail)
    assert await recalled.of("prod", 1, shelf.read) == 1
