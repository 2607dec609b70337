"""What every value that reaches a user can do: become JSON, and be read in a shell or a notebook.

It stands at the bottom of the house, beside the messages, because every layer above hands out values.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Set
from datetime import date
from html import escape
from pathlib import PurePath
from typing import Any, Protocol, runtime_checkable

from .messages import Language, Message

_LONGEST = 60  # characters of a text in a repr
_LONGEST_CELL = 300  # in a notebook
_MOST_ITEMS = 3  # of a tuple of plain things in a repr


@runtime_checkable
class _Dictable(Protocol):
    def to_dict(self, language: Language = "en") -> dict[str, Any]: ...


class Value:
    """Base of the frozen dataclasses that the API returns; they are made with ``repr=False``.

    ``to_dict`` and ``to_json`` give all fields, messages in words; ``repr`` is one short line, long texts cut.
    """

    __slots__ = ()

    def to_dict(self, language: Language = "en") -> dict[str, Any]:
        """The fields as JSON has them: times in ISO 8601, paths and messages as text, bytes in base 64.

        Args:
            language: of the messages.
        """
        return _fields(self, language) | self._also(language)

    def _also(self, language: Language) -> dict[str, Any]:
        """What programs need beside the fields."""
        return {}

    def to_json(self, language: Language = "en", indent: int | None = None) -> str:
        """:meth:`to_dict` as text; any characters but ASCII stay as they are."""
        return to_json(self, language, indent)

    def __repr__(self) -> str:
        shown = (f"{name}={_short(value)}" for name, value in _told(self))
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = (
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(_short(value, _LONGEST_CELL, quoted=False))}</td></tr>"
            for name, value in _told(self)
        )
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"


def jsonable(value: object, language: Language = "en") -> Any:
    """Any result of the API as JSON has it: a value, or lists, tuples and dicts of values.

    Args:
        language: of the messages in it.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, Message):
        return value.text(language)
    if isinstance(value, _Dictable) and not isinstance(value, type):
        return value.to_dict(language)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value, language)
    if isinstance(value, Mapping):
        return {str(name): jsonable(item, language) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item, language) for item in value]
    if isinstance(value, Set):
        return sorted(jsonable(item, language) for item in value)
    return _simple(value)


def to_json(value: object, language: Language = "en", indent: int | None = None) -> str:
    """:func:`jsonable` as text; half a character, as a file's name may have, becomes a question mark."""
    text = json.dumps(jsonable(value, language), ensure_ascii=False, allow_nan=False, indent=indent)
    return text.encode("utf-8", "replace").decode()


def _fields(value: Any, language: Language) -> dict[str, Any]:
    return {field.name: jsonable(getattr(value, field.name), language) for field in dataclasses.fields(value)}


def _simple(value: object) -> Any:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is no value that JSON has")


def _told(value: Any) -> Iterator[tuple[str, object]]:
    """The fields that say something: none that has its default."""
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        if field.repr and held != field.default and held not in ((), {}, "", None):
            yield field.name, held


def _short(value: object, most: int = _LONGEST, *, quoted: bool = True) -> str:
    if isinstance(value, Message | PurePath):
        return _short(str(value), most, quoted=quoted)
    if isinstance(value, str):
        line = " ".join(value.split())
        line = line if len(line) <= most else f"{line[: most - 1]}…"
        return repr(line) if quoted else line
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list) and value:
        first = value[0]
        if dataclasses.is_dataclass(first) or len(value) > _MOST_ITEMS:
            return f"<{len(value)} × {type(first).__name__}>"
        items = ", ".join(_short(item, most, quoted=quoted) for item in value)
        return f"({items},)" if len(value) == 1 and quoted else f"({items})"
    if isinstance(value, Mapping) and len(value) > _MOST_ITEMS:
        return f"<{len(value)} entries>"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)
