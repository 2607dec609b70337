"""Frozen dataclasses as JSON has them, and back: how the catalog and exports keep answers.

Fields that have their default value are left out, and what a later version no longer knows is passed over, so what is
stored outlives small changes of the types.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ingest.messages import Message

T = TypeVar("T")


def plain(value: object) -> Any:
    """Dataclasses, messages, tuples, paths and times as JSON has them."""
    if isinstance(value, Message):
        return value.plain()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {field.name: plain(held) for field, held in fields if held != field.default}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def restored(kind: type[T], value: Any) -> T:
    """The value of a type that :func:`plain` was given.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    made: T = _restored(kind, value)
    return made


def _restored(kind: Any, value: Any) -> Any:
    if value is None or kind is Any:
        return value
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return _restored(next(one for one in arguments if one is not types.NoneType), value)
    if typing.get_origin(kind) is tuple:
        kinds = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        return tuple(_restored(one, item) for one, item in zip(kinds, value, strict=True))
    if kind is Message:
        return Message.of(value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _restored(hints[name], item) for name, item in value.items() if name in hints})
    if kind is Path:
        return Path(value)
    return kind.fromisoformat(value) if kind in (datetime, date) else value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
