"""How a value of the configuration is read, shown and described: one `Kind` for each sort.

A kind reads text as it stands in the file (and the Python value, for code that builds settings).
It says what is wrong and the cure, never the value itself: a value may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

BESIDE = ".."
"""First step of `Wrong.at` when the fault stands at another key of the same block."""


class Wrong(ValueError):
    """A value that is refused: what is wrong, the cure, and where from here the fault stands."""

    def __init__(self, problem: str, cure: str, *, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(problem)
        self.cure = cure
        self.at = at


class Surroundings(Protocol):
    """Where the settings come from: given as validation context by `config`, absent in code."""

    def resolve(self, path: Path) -> Path:
        """Return the path as it counts from the folder of the configuration file."""
        ...

    def read_secret(self, path: Path) -> str:
        """Return the text of a file that holds a secret; raises OSError or ValueError."""
        ...


Read = Callable[[Any, Surroundings | None], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One sort of value: its name for the reference, how it is read and shown, its JSON Schema."""

    name: str
    read: Read
    show: Callable[[Any], Any] = str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    secret: bool = False

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def read(value: Any, info: ValidationInfo) -> Any:
            return self.read(value, info.context)

        return core_schema.with_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.show),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


def simple(read: Callable[[Any], Any]) -> Read:
    """Make a reader of one that needs nothing from its surroundings."""
    return lambda value, _surroundings: read(value)


def plain_text(value: Any) -> str:
    """Return a text on one line without blanks around it; raises Wrong on anything else."""
    if not isinstance(value, str):
        raise Wrong(f"a text is wanted, not {what_it_is(value)}", "write one text")
    text = value.strip()
    if not text:
        raise Wrong("the text is empty", "write a text, or take the key out")
    if not text.isprintable() or "\N{NO-BREAK SPACE}" in text:
        raise Wrong(
            "the text holds a line break or another character that cannot be seen",
            "put it in single quotes: in double quotes a backslash makes such characters",
        )
    return text


def what_it_is(value: object) -> str:
    """Name the shape of a value for people."""
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "nothing" if value is None else "a single value"
