"""What the YAML parser means, in words that lead to the cure.

The parser's own sentences are not shown: they quote the file, and a quoted line may hold a secret.
"""

from __future__ import annotations

from ruamel.yaml.error import MarkedYAMLError

from seatkeeper.config.faults import Fault

_QUOTE = "put the text in single quotes"

_KNOWN = (
    (
        "unknown escape character",
        "a backslash in double quotes begins an escape, and this is none",
        r"use single quotes, as in 'INTERNAL\sa_api'",
    ),
    (
        "undefined alias",
        "a text that begins with * is a reference to something that is not in the file",
        f"{_QUOTE}, as in '*/15 * * * *'",
    ),
    ("scanning an alias", "a text that begins with * is a reference", _QUOTE),
    ("scanning an anchor", "a text that begins with & names a value", _QUOTE),
    (
        "character '\\t'",
        "a tab, where only blanks may indent",
        "replace the tab with blanks",
    ),
    (
        "cannot start any token",
        "a text that begins with this character must be quoted",
        _QUOTE,
    ),
    (
        "mapping values are not allowed",
        "a colon where no key can be: the text is not quoted, or a line is indented wrongly",
        f"{_QUOTE}, or give the lines of a block the same indentation",
    ),
    ("another document", "a second document begins", "keep one document: delete the line ---"),
    ("unexpected end of stream", "a quote is opened and never closed", "close the quote"),
    ("expected ',' or ']'", "a list in brackets is not closed", "add ], or a comma before"),
    ("expected ',' or '}'", "a block in braces is not closed", "add }, or a comma before"),
    (
        "could not find expected ':'",
        "a line is neither a key nor part of the text before it",
        "add the colon and a blank after the key, or indent the line",
    ),
    (
        "expected <block end>",
        "this line does not fit the lines before it",
        "give the entries of a block, or of a list, the same indentation",
    ),
    ("parsing a tag", "a text that begins with ! is a YAML tag", _QUOTE),
)

_WHERE_IT_BEGAN = ("expected ','", "end of stream", "could not find expected ':'")
"""What is missed only later: the line that began it is the one to mend."""


def explain(error: MarkedYAMLError) -> Fault:
    """Return the fault that a parser's error stands for, at its line."""
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    said = f"{error.context or ''} {error.problem or ''}"
    if any(sign in said for sign in _WHERE_IT_BEGAN):
        mark = error.context_mark or mark
        line = 1 if mark is None else mark.line + 1
    for sign, problem, cure in _KNOWN:
        if sign in said:
            return Fault(line, (), problem, cure)
    return Fault(line, (), "this line is no YAML", "compare it with `seatkeeper config example`")
