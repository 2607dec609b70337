"""Every text a person reads, in English and 简体中文, from one catalogue: ``messages.toml`` beside this file.

It stands at the bottom of the house because every layer above reports to people: ``ingest`` says why a file was
refused, ``rag_app`` why a question was, ``ui`` labels its buttons.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Message:
    """A text that is not yet in any language.

    Attributes:
        key: its key in the catalogue.
        values: what it names, as (name, value) pairs; a value may be a Message itself.
    """

    key: str
    values: tuple[tuple[str, object], ...] = ()

    def text(self, language: Language = "en") -> str:
        """The message for a person who reads ``language``."""
        values = {name: value.text(language) if isinstance(value, Message) else value for name, value in self.values}
        return _template(self.key, language).format(**values)

    def plain(self) -> list[object]:
        """Key and values as JSON has them; :meth:`of` makes the message of it again."""
        return [self.key, {name: value.plain() if isinstance(value, Message) else value for name, value in self.values}]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> Message:
        """The message of what :meth:`plain` gave."""
        key, values = plain
        made = {name: cls.of(value) if isinstance(value, list) else value for name, value in values.items()}
        return message(key, **made)

    def __str__(self) -> str:
        return self.text("en")


def message(key: str, /, **values: object) -> Message:
    """A :class:`Message`; values are kept in the order given, as text where JSON or another process has no such."""
    return Message(key, tuple((name, _simple(value)) for name, value in values.items()))


def _simple(value: object) -> object:
    return value if isinstance(value, str | int | float | Message | None) else str(value)


def text(key: str, language: Language, /, **values: object) -> str:
    """The catalogue's text for ``key`` in ``language``."""
    return message(key, **values).text(language)


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """All messages: key → language → text."""
    with (Path(__file__).parent / "messages.toml").open("rb") as file:
        sections: dict[str, dict[str, Any]] = tomllib.load(file)
    return {f"{section}.{name}": entry for section, entries in sections.items() for name, entry in entries.items()}


def _template(key: str, language: Language) -> str:
    return catalogue()[key][language]
