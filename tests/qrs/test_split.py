"""An array cut while it arrives gives the same items as the whole, and never half of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatkeeper.qrs.split import ArraySplitter

DECODER: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[Any])

nasty = st.text(st.sampled_from('},{[]"\\: aö\U0001f600\n'), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | nasty,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(nasty, inner, max_size=4),
    max_leaves=8,
)
items = st.dictionaries(nasty, values, max_size=5)
arrays = st.lists(items, max_size=10)


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut bytes into pieces of these sizes, again and again."""
    found, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found.append(data[at : at + size])
        at += size
        turn += 1
    return found


def split(data: bytes, sizes: list[int], piece: int) -> list[Any]:
    splitter = ArraySplitter(DECODER, piece)
    found: list[Any] = []
    for part in pieces(data, sizes):
        found += splitter.feed(part)
    return found + splitter.close()


@settings(max_examples=150)
@given(
    arrays,
    st.lists(st.integers(1, 500), min_size=1, max_size=5),
    st.integers(1, 300),
    st.booleans(),
)
def test_the_pieces_are_the_whole(
    array: list[Any], sizes: list[int], piece: int, compact: bool
) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    data = json.dumps(array, separators=separators, ensure_ascii=False).encode()

    assert split(data, sizes, piece) == array


@settings(max_examples=100)
@given(
    arrays, st.lists(st.integers(1, 100), min_size=1, max_size=3), st.integers(1, 200), st.data()
)
def test_a_truncated_array_always_raises(
    array: list[Any], sizes: list[int], piece: int, data: st.DataObject
) -> None:
    whole = json.dumps(array, separators=(",", ":")).encode()
    end = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(msgspec.DecodeError):
        split(whole[:end], sizes, piece)


def test_every_truncation_of_one_nasty_array_raises() -> None:
    array = [{"a": "},{", "b": [{"c": 1}, {"d": '"},{'}]}, {"e": "\\"}, {}, {"f": [{}, {}]}]
    whole = json.dumps(array, separators=(",", ":")).encode()

    for end in range(len(whole)):
        with pytest.raises(msgspec.DecodeError):
            split(whole[:end], [7], 10)


def test_items_come_while_the_array_is_still_arriving() -> None:
    data = json.dumps([{"n": n, "t": [{}, {}]} for n in range(5000)], separators=(",", ":"))
    splitter = ArraySplitter(DECODER, 1000)
    early = [item for part in pieces(data.encode(), [500]) for item in splitter.feed(part)]

    assert len(early) > 4900
    assert len(early) + len(splitter.close()) == 5000


def test_one_enormous_item_is_still_read() -> None:
    array = [{"tags": [{"n": n} for n in range(5000)]}, {"tags": []}]
    data = json.dumps(array, separators=(",", ":")).encode()

    assert split(data, [1000], 2000) == array


def test_a_brace_in_a_text_does_not_stop_the_cutting() -> None:
    array = [{"n": n, "t": "{" if n == 3 else "", "u": [{}, {}]} for n in range(3000)]
    data = json.dumps(array, separators=(",", ":")).encode()
    splitter = ArraySplitter(DECODER, 2000)
    longest = 0

    for part in pieces(data, [500]):
        splitter.feed(part)
        longest = max(longest, len(splitter._buffer))

    assert longest < 10_000
