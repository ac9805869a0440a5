"""A YAML 1.2 file as plain text values that remember their lines.

Every value stays the text it is in the file (`on`, `007`, `2026-11-01`); only an empty one is
None. What cannot be read at all (encoding, syntax) ends the reading; keys that stand twice and
the like are collected, so that they are listed with all other faults.
"""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from seatkeeper.config.faults import Fault, Place, config_error
from seatkeeper.config.syntax import explain

LARGEST = 10_000_000
"""Bytes; what is larger is no configuration."""
DEEPEST = 50
"""Blocks within blocks; ours are seven deep."""
MOST_VALUES = 300_000
"""Values after following references, so that a small file cannot fill the memory."""

_EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_SAVE = "save it as UTF-8 (in Windows PowerShell: ... | Out-File -Encoding utf8 seatkeeper.yaml)"
_PLAIN_TAG = "tag:yaml.org,2002:"
_REST = "The rest of the file cannot be judged until this is mended."


@dataclass(slots=True)
class Document:
    """The values of a file, the line of each place, each text as written, and faults so far."""

    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    written: dict[Place, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """Return the line of a place, or of the nearest one above it that is in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def blame(self, place: Place, problem: str, cure: str, *, line: int = 0) -> None:
        """Add a fault."""
        self.faults.append(Fault(line or self.line_of(place), place, problem, cure))


def read_document(file: Path, content: bytes) -> Document:
    """Read the content of a file; raises ConfigError when it cannot be read as YAML."""
    text = _decode(file, content)
    try:
        node = _compose(text)
    except MarkedYAMLError as error:
        raise config_error(file, [explain(error)], more=_REST) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = Fault(line, (), "a character that no text may hold", "delete it, or type it again")
        raise config_error(file, [fault], more=_REST) from None
    except (YAMLError, RecursionError, ValueError):
        fault = Fault(1, (), "this is no configuration", "see `seatkeeper config example`")
        raise config_error(file, [fault]) from None
    if not isinstance(node, MappingNode):
        raise config_error(file, [_not_a_block(node)])
    return _Builder().build(node)


def _compose(text: str) -> Node | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    return node


def _decode(file: Path, content: bytes) -> str:
    wide = content.startswith(_WIDE) or b"\0" in content[:200]
    if len(content) > LARGEST or (b"\0" in content and not wide):
        fault = Fault(1, (), "this is no configuration", "give a YAML file")
    elif wide:
        fault = Fault(1, (), "the file is not saved as UTF-8 but as UTF-16 or UTF-32", _SAVE)
    else:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            fault = Fault(line, (), "the file is not saved as UTF-8", _SAVE)
    raise config_error(file, [fault])


def _not_a_block(node: Node | None) -> Fault:
    if node is None or (isinstance(node, ScalarNode) and not node.value):
        cure = "begin with the output of `seatkeeper config example`"
        return Fault(1, (), "the file is empty", cure)
    what = "a list" if isinstance(node, SequenceNode) else "a single text"
    cure = "begin the file with `sites:`; see `seatkeeper config example`"
    return Fault(node.start_mark.line + 1, (), f"the file holds {what}, not keys", cure)


class _Builder:
    """Turns nodes into plain values, once for every place a reference leads to."""

    def __init__(self) -> None:
        self._document = Document()
        self._above: list[Node] = []
        self._values = 0

    def build(self, node: Node) -> Document:
        self._document.lines[()] = 1
        self._document.data = self._value(node, ())
        return self._document

    def _value(self, node: Node, place: Place) -> Any:
        self._document.lines.setdefault(place, node.start_mark.line + 1)
        self._values += 1
        if len(self._above) > DEEPEST:
            cure = "see `seatkeeper config example`"
            self._document.blame(place[:3], "blocks are nested too deep", cure)
            return None
        if node in self._above or self._values > MOST_VALUES:
            cure = "write the values out instead of referring to them"
            self._document.blame(place, "references lead in a circle or to too many values", cure)
            return None
        if not str(node.tag).startswith(_PLAIN_TAG):
            cure = "take the word that begins with ! out, or put the text in single quotes"
            self._document.blame(place, "a YAML tag means nothing here", cure)
            return None
        self._above.append(node)
        try:
            return self._plain(node, place)
        finally:
            self._above.pop()

    def _plain(self, node: Node, place: Place) -> Any:
        if isinstance(node, MappingNode):
            return self._block(node, place)
        if isinstance(node, SequenceNode):
            return [self._value(n, (*place, i)) for i, n in enumerate(node.value)]
        text = str(node.value)
        if isinstance(node, ScalarNode) and node.style is None and text in _EMPTY:
            return None
        self._document.written[place] = text
        return text

    def _block(self, node: MappingNode, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key, value in self._own_keys(node, place, first):
            below = (*place, key.value)
            self._document.lines[below] = key.start_mark.line + 1
            values[key.value] = self._value(value, below)
        for key, value in self._merged(node, place):
            if key.value not in values:
                values[key.value] = self._value(value, (*place, key.value))
        return values

    def _own_keys(
        self, node: MappingNode, place: Place, first: dict[str, int]
    ) -> Iterator[tuple[ScalarNode, Node]]:
        for key, value in node.value:
            line = key.start_mark.line + 1
            if _is_merge(key):
                continue
            if not isinstance(key, ScalarNode):
                cure = "write a single word before the colon, or put the text in quotes"
                self._document.blame(place, "a key is no text", cure, line=line)
            elif key.value in first:
                self._document.blame(
                    (*place, key.value),
                    f"this key stands twice, first in line {first[key.value]}",
                    "keep one of the two",
                    line=line,
                )
            else:
                first[key.value] = line
                yield key, value

    def _merged(self, node: MappingNode, place: Place) -> Iterator[tuple[ScalarNode, Node]]:
        """Yield the keys that `<<: *name` brings in; the block's own keys come first."""
        for key, value in node.value:
            if not _is_merge(key):
                continue
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in sources:
                if not isinstance(source, MappingNode) or source in self._above:
                    cure = "write <<: *name, where name is a block of keys"
                    line = key.start_mark.line + 1
                    self._document.blame(place, "<< takes in a block of keys", cure, line=line)
                    continue
                yield from self._own_keys(source, place, {})
                yield from self._merged(source, place)


def _is_merge(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.value == "<<" and key.style is None
