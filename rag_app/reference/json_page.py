"""``docs/reference/json.md``: the shapes of ``output.schema.json`` for people."""

from __future__ import annotations

from typing import Any

from ingest.messages import Language, text

from .markdown import anchor, cell, notice, row


def json_page(schema: dict[str, Any], language: Language) -> str:
    """The page in one language; what the shapes' own descriptions say is English in both."""
    lines = [f"# {text('reference.json', language)}", "", *notice("json", language)]
    lines += [text("reference.json_intro", language), ""]
    columns = (text("reference.key", language), text("reference.type", language))
    for name, shape in sorted(schema["$defs"].items()):
        lines += [f"## {name}", ""]
        if language == "en" and "description" in shape:
            lines += [cell(shape["description"].partition("\n\n")[0]), ""]
        if "properties" not in shape:
            lines += [_type(shape, language), ""]
            continue
        required = shape.get("required", ())
        lines += [row(columns), row(("---", "---"))]
        for key, value in shape["properties"].items():
            maybe = "" if key in required else f" {text('reference.sometimes', language)}"
            lines.append(row((f"`{key}`", f"{_type(value, language)}{maybe}")))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _type(value: dict[str, Any], language: Language) -> str:
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{anchor(name)})"
    if "anyOf" in value:
        return text("reference.or", language).join(dict.fromkeys(_type(one, language) for one in value["anyOf"]))
    if "enum" in value or "const" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
    kind = value.get("type", "any")
    if kind == "array":
        items: dict[str, Any] = value.get("items") or next(iter(value.get("prefixItems", [])), {})
        return text("reference.array_of", language, items=_type(items, language))
    if kind == "object" and isinstance(value.get("additionalProperties"), dict):
        return text("reference.object_of", language, values=_type(value["additionalProperties"], language))
    return f"{kind} ({value['format']})" if "format" in value else str(kind)
