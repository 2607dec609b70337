"""``docs/reference/settings.md``: every setting by group, with its default and bounds."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from ingest.messages import Language, text

from ..settings import Settings
from ..settings_view import GROUPS
from .markdown import cell, notice, row

_DIFFER = ("data_dir", "model_dir", "parse_workers")
"""Their defaults differ from machine to machine."""


def settings_page(language: Language) -> str:
    """The page in one language."""
    lines = [f"# {text('reference.settings', language)}", "", *notice("settings", language)]
    lines += [text("reference.settings_intro", language), ""]
    columns = [text(f"reference.{name}", language) for name in ("setting", "default_value", "values", "meaning")]
    for group, names in GROUPS.items():
        lines += [f"## {text(f'ui.settings_{group}', language)}", "", row(columns), row(["---"] * len(columns))]
        for name in names:
            cells = (f"`{name}`", _default(name, language), _values(name, language))
            lines.append(row((*cells, cell(text(f"setting.{name}", language)))))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _default(name: str, language: Language) -> str:
    if name in _DIFFER:
        return text(f"reference.default_{name}", language)
    default = Settings.model_fields[name].get_default(call_default_factory=True)
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if hasattr(default, "get_secret_value"):
        default = default.get_secret_value()
    return f"`{default}`" if default not in ("", {}) else "–"


def _values(name: str, language: Language) -> str:
    field = Settings.model_fields[name]
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(kind))
    if kind is bool:
        return "`true`, `false`"
    bounds = {key: getattr(one, key) for one in field.metadata for key in ("ge", "le") if hasattr(one, key)}
    if bounds:
        return text("reference.from_to", language, least=f"{bounds['ge']:,}", most=f"{bounds['le']:,}")
    return text("reference.a_table" if get_origin(kind) is dict else "reference.a_text", language)
