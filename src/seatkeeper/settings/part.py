"""The shape every block of the configuration has: unknown keys refused, values frozen."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    """A block of keys. A key without a value (`tags:` and nothing behind it) is as if left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {f.alias or name for name, f in cls.model_fields.items()}
        return {k: v for k, v in data.items() if v is not None or k not in known}


def block(description: str) -> Any:
    """Declare a key that holds a block of keys, all of which have defaults."""
    return Field(default_factory=dict, validate_default=True, description=description)
