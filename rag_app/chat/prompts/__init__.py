"""What models are asked, in both languages: one file a prompt, each with a version, each to be replaced by a user's."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.messages import Language

from ...errors import SettingsError

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Prompt:
    """The texts of one prompt.

    Attributes:
        name: of its file. version: as the file says; with a "+" where a user's file replaced it.
        texts: language → name → text.
    """

    name: str
    version: str
    texts: Mapping[Language, Mapping[str, Any]]

    @property
    def label(self) -> str:
        """Name and version, as reports have them."""
        return f"{self.name}/{self.version}"

    def text(self, key: str, language: Language, /, **values: object) -> str:
        """One of its texts, filled in."""
        return str(self.texts[language][key]).strip("\n").format(**values)

    def raw(self, key: str, language: Language) -> str:
        """One of its texts as it is."""
        return str(self.texts[language][key]).strip("\n")

    def phrases(self, key: str, language: Language) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(map(str, self.texts[language][key]))


def load(name: str, folder: Path | None = None) -> Prompt:
    """The built-in prompt, what a file of the same name in ``folder`` holds put in its place.

    Raises:
        SettingsError: that file can't be read, or a text in it names a value that there is none of.
    """
    built_in = _read(_HERE / f"{name}.toml")
    file = folder / f"{name}.toml" if folder is not None else None
    if file is None or not file.is_file():
        return Prompt(name, str(built_in["version"]), {"en": built_in["en"], "zh": built_in["zh"]})
    own = _read(file)
    texts: dict[Language, dict[str, Any]] = {"en": dict(built_in["en"]), "zh": dict(built_in["zh"])}
    for language, known in texts.items():
        for key, value in dict(own.get(language, {})).items():
            if key not in known or type(value) is not type(known[key]):
                raise SettingsError("settings.prompt_key", file=file, key=f"{language}.{key}", known=", ".join(known))
            _check(file, f"{language}.{key}", value, known[key])
            known[key] = value
    return Prompt(name, f"{own.get('version', '')}+", texts)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("settings.bad_toml", file=file, cause=error) from error


def _check(file: Path, key: str, value: object, built_in: object) -> None:
    """A text may leave values out, but not name others; braces of its own are doubled."""
    if not isinstance(value, str):
        return
    try:
        named = {field for _, field, _, _ in string.Formatter().parse(value) if field is not None}
    except ValueError as error:
        raise SettingsError("settings.prompt_braces", file=file, key=key, cause=error) from error
    allowed = {field for _, field, _, _ in string.Formatter().parse(str(built_in)) if field}
    if named - allowed:
        unknown = ", ".join(f"{{{field}}}" for field in sorted(named - allowed))
        known = ", ".join(f"{{{field}}}" for field in sorted(allowed)) or "–"
        raise SettingsError("settings.prompt_value", file=file, key=key, unknown=unknown, known=known)
