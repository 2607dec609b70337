"""Every setting as a page shows it: its group, its value and where that comes from, and what else it could be."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ingest.values import Value

from .errors import SettingsError
from .settings import Settings, config_file, variable_in_force
from .settings_file import store

Source = Literal["default", "file", "environment"]
Kind = Literal["number", "switch", "choice", "text", "fixed"]

GROUPS: dict[str, tuple[str, ...]] = {
    "answering": ("answers", "mode", "thinking", "context_tokens", "answer_tokens", "nli_model", "prompts"),
    "models": (
        *("model", "vision_model", "ollama_url", "keep_alive", "gguf_path"),
        *("openai_url", "openai_model", "openai_api_key"),
    ),
    "searching": ("passages", "passage_tokens", "reranker", "embedder"),
    "reading": (
        *("ocr", "ocr_pages", "describe_images", "describe_pictures", "chunk_tokens", "parse_workers"),
        *("parse_seconds", "parse_memory_mb", "parse_pages", "parse_file_mb", "parse_unpacked_mb", "upload_mb"),
    ),
    "general": ("language", "kb", "data_dir", "model_dir"),
    "sharing": (
        *("port", "host", "ui_names", "ui_password", "ui_users", "ui_oidc"),
        *("serve_port", "serve_host", "serve_names", "serve_origins", "serve_questions", "serve_references"),
        "api_keys",
    ),
}
_FIXED = {
    # chosen on another page, where what it entails is seen to
    *("model", "embedder"),
    # they need a look at the folder, or at everything that was read
    *("data_dir", "model_dir", "chunk_tokens", "prompts", "gguf_path"),
    # where text of documents may go, and who may come in, is decided at the machine
    *("openai_url", "openai_model", "openai_api_key", *GROUPS["sharing"]),
}
_TABLES = {"ui_users"}  # more than one value
_SECRET = ("openai_api_key", "ui_password")


@dataclass(frozen=True, slots=True, repr=False)
class SettingView(Value):
    """A setting.

    Attributes:
        group: of settings about the same thing.
        value: in force. written: what the next start would take; the same unless it was changed meanwhile.
        source: where that comes from; ``where`` is its file or variable, "" for a default.
        kind: how it is chosen; "fixed" where a page should not. choices: of a "choice". least, most: of a "number".
    """

    name: str
    group: str
    value: str | int | bool
    written: str | int | bool
    source: Source
    where: str
    kind: Kind
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


def view(settings: Settings) -> dict[str, SettingView]:
    """All settings by name; secrets and hashes are only said to be there.

    Args:
        settings: those in force.

    Raises:
        SettingsError: what the next start would take is wrong.
    """
    file = config_file()
    in_file: set[str] = set(tomllib.loads(file.read_text(encoding="utf-8"))) if file is not None else set()
    next_time = Settings.load()
    named = ((group, name) for group, names in GROUPS.items() for name in names)
    return {name: _view(name, group, settings, next_time, file, in_file) for group, name in named}


def change(name: str, value: str | int | bool, *, at_machine: bool = False) -> Path:
    """Store a setting in ``rag.toml``, if it can have that value; it holds from the next :meth:`RagApp.open` on.

    Args:
        at_machine: whoever does so sits at the machine, and may change what no page may.

    Returns:
        The file.

    Raises:
        SettingsError: it can't have it, it is no setting to be changed so, or the file can't be written.
    """
    closed = _TABLES if at_machine else _FIXED
    if name in closed or name not in Settings.model_fields:
        raise SettingsError("settings.not_here", name=name)
    Settings.load(**{name: value})
    return store(name, value)


def _view(
    name: str, group: str, settings: Settings, next_time: Settings, file: Path | None, in_file: set[str]
) -> SettingView:
    variable = variable_in_force(name)
    source: Source = "environment" if variable else "file" if name in in_file else "default"
    where = variable or (str(file) if source == "file" else "")
    now, then = _plain(name, getattr(settings, name)), _plain(name, getattr(next_time, name))
    field = Settings.model_fields[name]
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    if name in _FIXED:
        kind = "fixed"
    elif field.annotation is bool:
        kind = "switch"
    elif field.annotation is int:
        kind = "number"
    elif get_origin(field.annotation) is Literal:
        kind, choices = "choice", get_args(field.annotation)
    return SettingView(
        *(name, group, now, then, source, where, kind, choices),
        next((one.ge for one in field.metadata if hasattr(one, "ge")), None),
        next((one.le for one in field.metadata if hasattr(one, "le")), None),
    )


def _plain(name: str, value: Any) -> str | int | bool:
    if name in _SECRET:
        return "…" if value.get_secret_value() else ""
    if isinstance(value, dict):
        return ", ".join(f"{who} ({entry.get_secret_value().partition(':')[0]})" for who, entry in value.items())
    return value if isinstance(value, bool | int) else str(value)
