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


async def test_the_same_key_is_read_once() -> None:
    """Every further look recalls the first answer."""
    recalled, shelf = Recalled[int](), Shelf()
    assert [await recalled.of("a", shelf.read) for _ in range(3)] == [1, 1, 1]


async def test_another_moment_is_read_anew() -> None:
    """The key says of which reading an answer is; the earlier one still stands under its own."""
    recalled, shelf = Recalled[int](), Shelf()
    found = [await recalled.of(("site", at), shelf.read) for at in (1, 2, 1)]
    assert found == [1, 2, 1]


async def test_the_oldest_is_forgotten() -> None:
    """A console that runs for years holds no more than so many answers."""
    recalled, shelf = Recalled[int](), Shelf()
    for key in range(MOST + 1):
        await recalled.of(key, shelf.read)
    assert await recalled.of(MOST, shelf.read) == MOST + 1
    assert await recalled.of(0, shelf.read) == MOST + 2


async def test_a_failed_read_is_tried_again() -> None:
    """A store that gives no answer now may give one at the next look."""
    recalled, shelf = Recalled[int](), Shelf()

    async def fail() -> int:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await recalled.of("a", fail)
    assert await recalled.of("a", shelf.read) == 1
