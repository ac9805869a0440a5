"""The filter grammar of QRS: a text becomes a tree of comparisons, or a refusal with status 400.

Only the grammar stands here; which properties exist and what they hold is decided in `query`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from seatkeeper.simulator.answers import Rejection, bad_request
from seatkeeper.simulator.switches import Switches

OPERATORS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "sw", "ew", "so"})
_MAX_DEPTH = 100

_TOKEN = re.compile(
    r"\s*(?:(?P<paren>[()])|'(?P<text>(?:[^'\\]|\\.)*)'|(?P<word>[^\s()'\"]+))", re.DOTALL
)
_ESCAPE = re.compile(r"\\([\\'])")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a filter; whether it was quoted decides what it can mean."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison of a property with a value; path and operator are in lower case."""

    path: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Expression


Expression: TypeAlias = Compare | All | Any | Not
_Token: TypeAlias = tuple[str, str]


def parse_filter(text: str, switches: Switches) -> Expression:
    """Read a decoded filter text; what QRS would refuse raises the same 400."""
    parser = _Parser(text, switches)
    expression = parser.alternatives(0)
    if parser.peek() is not None:
        raise parser.unreadable()
    return expression


class _Parser:
    def __init__(self, text: str, switches: Switches) -> None:
        self._text = text
        self._switches = switches
        self._tokens = self._split(text.strip())
        self._next = 0

    def _split(self, text: str) -> list[_Token]:
        tokens: list[_Token] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self.unreadable()
            kind = found.lastgroup or ""
            tokens.append((kind, found[kind]))
            position = found.end()
        return tokens

    def unreadable(self) -> Rejection:
        return bad_request(f"Cannot parse the expression: {self._text}")

    def peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self) -> _Token:
        token = self.peek()
        if token is None:
            raise self.unreadable()
        self._next += 1
        return token

    def _keyword(self, *words: str) -> str:
        token = self.peek()
        if token is not None and token[0] == "word" and token[1].lower() in words:
            self._next += 1
            return token[1].lower()
        return ""

    def alternatives(self, depth: int) -> Expression:
        if self._switches.filter_precedence == "left_to_right":
            return self._left_to_right(depth)
        parts = [self._conjunction(depth)]
        while self._keyword("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _left_to_right(self, depth: int) -> Expression:
        expression = self._term(depth)
        while word := self._keyword("and", "or"):
            pair = (expression, self._term(depth))
            expression = All(pair) if word == "and" else Any(pair)
        return expression

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._term(depth)]
        while self._keyword("and"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _term(self, depth: int) -> Expression:
        if depth > _MAX_DEPTH:
            raise bad_request("Invalid expression")
        if self._switches.filter_extras == "accept" and self._keyword("not"):
            return Not(self._term(depth + 1))
        if self.peek() == ("paren", "("):
            return self._group(depth)
        return self._comparison()

    def _group(self, depth: int) -> Expression:
        self._take()
        if self.peek() == ("paren", ")"):
            raise bad_request("Invalid expression")
        expression = self.alternatives(depth + 1)
        if self._take() != ("paren", ")"):
            raise self.unreadable()
        return expression

    def _comparison(self) -> Compare:
        kind, path = self._take()
        if kind != "word":
            raise self.unreadable()
        kind, operator = self._take()
        if kind != "word" or operator.lower() not in OPERATORS:
            raise self.unreadable()
        kind, value = self._take()
        if kind == "paren":
            raise self.unreadable()
        if kind == "text":
            if not value and self._switches.filter_empty_text == "refuse":
                raise self.unreadable()
            return Compare(path.lower(), operator.lower(), Literal(_ESCAPE.sub(r"\1", value), True))
        return Compare(path.lower(), operator.lower(), Literal(value, quoted=False))
