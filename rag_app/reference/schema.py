"""The JSON that commands print, as JSON Schema (2020-12), from the types in :mod:`rag_app.cli.shapes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from ingest.messages import Message

from ..cli.shapes import LINES, OUTPUTS, FailureJson

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _AsPrinted(GenerateJsonSchema):
    """Messages are printed as texts, and a frozen dataclass always has all of its fields."""

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        if schema["cls"] is Message:
            return {"type": "string", "description": "A text in the language of the settings."}
        found = super().dataclass_schema(schema)
        found["required"] = list(found["properties"])
        for one in found["properties"].values():
            one.pop("default", None)
        return found


def output_schema() -> dict[str, Any]:
    """One schema for all commands: its ``properties`` are the commands, each with what it prints.

    ``$defs`` holds the shapes; ``x-lines`` what is printed as JSON Lines. Any command may print ``FailureJson``.
    """
    shapes = [*OUTPUTS.values(), *LINES.values(), (FailureJson,)]
    kinds = list(dict.fromkeys(kind for some in shapes for kind in some))
    mode: Literal["serialization"] = "serialization"
    adapters = [(kind, mode, TypeAdapter(kind)) for kind in kinds]
    made, definitions = TypeAdapter.json_schemas(adapters, schema_generator=_AsPrinted)
    of = {kind: made[kind, mode] for kind in kinds}

    def one_of(shapes: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        return {name: {"anyOf": [of[kind] for kind in (*some, FailureJson)]} for name, some in shapes.items()}

    return {
        "$schema": _DIALECT,
        "title": "rag-app --json",
        "properties": one_of(OUTPUTS),
        "x-lines": one_of(LINES),
        **definitions,
    }
