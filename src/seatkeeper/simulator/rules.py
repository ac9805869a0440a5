"""The part of the security-rule language that license rules use: who gets a seat at login.

Knows `user.attribute = "text"`, `!=`, `like` with `*`, `and`/`&&`, `or`/`||`, `!`, parentheses,
`user.@Property`, a list of texts in brackets, and the literals true and false. It is another
grammar than that of filters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

Attributes: TypeAlias = Callable[[str], Sequence[str]]
"""Gives the values of one attribute of a user, named in lower case (`group`, `@department`)."""
Rule: TypeAlias = Callable[[Attributes], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<op>\(|\)|\[|\]|,|&&|\|\||!=|==|=|!)"
    r"|\"(?P<text>[^\"]*)\"|(?P<word>[@\w.$-]+(?:\(\))?))"
)


def compile_rule(text: str) -> Rule:
    """Turn a rule's text into a test; one that cannot be read is a ValueError."""
    parser = _Parser(text)
    rule = parser.alternatives()
    if parser.peek() != ("end", ""):
        raise parser.unreadable()
    return rule


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            found = _TOKEN.match(stripped, position)
            if found is None:
                raise self.unreadable()
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            position = found.end()
        self._next = 0

    def unreadable(self) -> ValueError:
        return ValueError(f"not a rule this site can read: {self._text[:80]!r}")

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _skip(self, *texts: str) -> bool:
        kind, text = self.peek()
        if kind in {"op", "word"} and text.lower() in texts:
            self._next += 1
            return True
        return False

    def alternatives(self) -> Rule:
        rules = [self._conjunction()]
        while self._skip("or", "||"):
            rules.append(self._conjunction())
        return rules[0] if len(rules) == 1 else lambda user: any(rule(user) for rule in rules)

    def _conjunction(self) -> Rule:
        rules = [self._term()]
        while self._skip("and", "&&"):
            rules.append(self._term())
        return rules[0] if len(rules) == 1 else lambda user: all(rule(user) for rule in rules)

    def _term(self) -> Rule:
        if self._skip("!"):
            inner = self._term()
            return lambda user: not inner(user)
        if self._skip("("):
            rule = self.alternatives()
            if not self._skip(")"):
                raise self.unreadable()
            return rule
        if self._skip("true"):
            return lambda _user: True
        if self._skip("false", "user.isanonymous()"):
            return lambda _user: False
        return self._comparison()

    def _comparison(self) -> Rule:
        kind, name = self.peek()
        if kind != "word" or not name.lower().startswith("user."):
            raise self.unreadable()
        self._next += 1
        attribute = name[5:].lower()
        _, operator = self.peek()
        if not self._skip("=", "==", "!=", "like"):
            raise self.unreadable()
        matches = _like if operator.lower() == "like" else str.__eq__
        wanted = [text.casefold() for text in self._texts()]

        def any_matches(user: Attributes) -> bool:
            values = [value.casefold() for value in user(attribute)]
            return any(matches(value, text) for value in values for text in wanted)

        if operator == "!=":
            return lambda user: not any_matches(user)
        return any_matches

    def _texts(self) -> list[str]:
        if not self._skip("["):
            return [self._one_text()]
        texts = [self._one_text()]
        while self._skip(","):
            texts.append(self._one_text())
        if not self._skip("]"):
            raise self.unreadable()
        return texts

    def _one_text(self) -> str:
        kind, text = self.peek()
        if kind != "text":
            raise self.unreadable()
        self._next += 1
        return text


def _like(value: str, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), value, re.DOTALL) is not None
