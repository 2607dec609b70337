"""JSON and JSON Lines: a line a value, named by its path, so that each can be understood where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..errors import DamagedFile, NoText
from ..messages import Message, message
from ..types import Document, Page
from .building import ranges
from .encoding import decode
from .files import read_bytes

_DEEPEST = 200


def load(path: Path) -> Document:
    """Read JSON ("path.to.key: value" lines, items of an outermost list apart) or JSON Lines (a paragraph a record).

    Raises:
        DamagedFile: not JSON. NoText: nothing but white space. Unreadable: see :func:`read_bytes`.
    """
    text = decode(read_bytes(path))
    if not text.strip():
        raise NoText("file.no_text")
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _lines(path, text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        first = text.lstrip().partition("\n")[0]
        if "\n" in text.strip() and _parsed(first) is not None:  # JSON Lines by another name
            return _lines(path, text)
        raise DamagedFile("file.damaged", format="JSON", cause=error) from error
    records = value if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value) else [value]
    page = Page(1, "\n\n".join(_written(path, one) for one in records), kind="text")
    if not page.text.strip():
        raise NoText("file.no_text")
    return Document(path.stem, "json", (page,))


def _lines(path: Path, text: str) -> Document:
    parts: list[str] = []
    lines: list[tuple[int, int]] = []
    broken: list[int] = []
    length = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        found = _parsed(line)
        if found is None:
            broken.append(number)
            continue
        part = _written(path, found[0])
        lines.append((length, number))
        parts.append(part)
        length += len(part) + 2
    if not parts:
        raise DamagedFile("file.damaged", format="JSON Lines", cause=ranges(broken))
    warnings: tuple[Message, ...] = (message("file.lines_failed", lines=ranges(broken)),) if broken else ()
    return Document(path.stem, "jsonl", (Page(1, "\n\n".join(parts), kind="text", lines=tuple(lines)),), warnings)


def _parsed(text: str) -> tuple[object] | None:
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def _written(path: Path, value: object) -> str:
    try:
        return "\n".join(_leaves("", value, 0))
    except RecursionError as error:
        raise DamagedFile("file.damaged", format="JSON", cause=f"{path.name}: {_DEEPEST}+ levels") from error


def _leaves(name: str, value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner, depth + 1)
    elif isinstance(value, list) and any(isinstance(inner, (dict, list)) for inner in value):
        for index, inner in enumerate(value):
            yield from _leaves(f"{name}[{index}]", inner, depth + 1)
    else:
        shown = ", ".join(map(_scalar, value)) if isinstance(value, list) and value else _scalar(value)
        yield f"{name}: {shown}" if name else shown


def _scalar(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
