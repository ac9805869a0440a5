"""Every key of the configuration in the order of the models, for whoever explains them.

The JSON Schema, the example, the reference and the faults all draw on this one list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from seatkeeper.settings.kinds import Kind
from seatkeeper.settings.part import Part


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its name, its place (`sites[].policy.mode`) and what may stand there."""

    name: str
    path: str
    field: FieldInfo

    @property
    def part(self) -> type[Part] | None:
        """The block below the key, or of each entry of its list; None for a plain value."""
        return _part_in(self.field.annotation)

    @property
    def is_list(self) -> bool:
        """Whether the key holds a list of blocks."""
        return self.part is not None and _is_tuple(self.field.annotation)

    @property
    def kind(self) -> Kind | None:
        """How its plain value is read; None for a block."""
        found = [m for m in self.field.metadata if isinstance(m, Kind)]
        return found[0] if found else _kind_in(self.field.annotation)

    @property
    def required(self) -> bool:
        """Whether the key must be given."""
        return self.field.is_required()

    @property
    def default(self) -> Any:
        """The default as it is written in the file; None when there is none to show."""
        value = self.field.default
        if value is PydanticUndefined or value is None or self.part is not None:
            return None
        if self.kind is None or _is_tuple(self.field.annotation):
            return value
        written = self.field.examples[0] if self.field.examples else None
        if written is not None and not self.kind.secret and self.kind.read(written, None) == value:
            return written  # 72h, where `show` would write 3d
        return self.kind.show(value)

    @property
    def example(self) -> Any:
        """The first example, else the default, as it would be written in the file."""
        return self.field.examples[0] if self.field.examples else self.default


def keys_of(part: type[Part], path: str = "") -> tuple[Key, ...]:
    """Return the keys of one block."""
    return tuple(
        Key(name := field.alias or attribute, f"{path}.{name}" if path else name, field)
        for attribute, field in part.model_fields.items()
    )


def walk(part: type[Part], path: str = "") -> Iterator[Key]:
    """Yield every key of a block and of the blocks below it, in order."""
    for key in keys_of(part, path):
        yield key
        if key.part is not None:
            yield from walk(key.part, f"{key.path}[]" if key.is_list else key.path)


@cache
def all_keys(root: type[Part]) -> dict[str, Key]:
    """Return every key by its place."""
    return {key.path: key for key in walk(root)}


def _part_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    found = (_part_in(argument) for argument in get_args(annotation))
    return next((part for part in found if part is not None), None)


def _kind_in(annotation: Any) -> Kind | None:
    if isinstance(annotation, Kind):
        return annotation
    found = (_kind_in(argument) for argument in get_args(annotation))
    return next((kind for kind in found if kind is not None), None)


def _is_tuple(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is tuple
