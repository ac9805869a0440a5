"""The JSON Schema of the configuration, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from seatkeeper.settings.keys import walk
from seatkeeper.settings.root import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12); defaults stand in it as they are written."""
    schema = Settings.model_json_schema(by_alias=True, mode="validation")
    _describe(schema)
    return {
        "$schema": DIALECT,
        "title": "Configuration of Seatkeeper",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _describe(schema: dict[str, Any]) -> None:
    """Put meaning and default at each key, as the file has them; None is no value to propose."""
    blocks = {Settings.__name__: schema, **schema["$defs"]}
    owners = {key.path: key.part.__name__ for key in walk(Settings) if key.part is not None}
    for key in walk(Settings):
        above, _, name = key.path.rpartition(".")
        owner = owners[above.removesuffix("[]")] if above else Settings.__name__
        described = blocks[owner]["properties"][name]
        described.pop("title", None)
        described["description"] = key.field.description
        described.pop("default", None)
        if "$ref" in described and not key.required:
            # A block whose keys are all left out is as if it were left out itself.
            described["anyOf"] = [{"$ref": described.pop("$ref")}, {"type": "null"}]
        if key.default not in (None, "", ()):
            described["default"] = key.default
