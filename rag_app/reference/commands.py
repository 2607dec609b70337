"""``docs/reference/cli.md``: every command with its arguments, options and what it prints for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from ingest.messages import Language, text

from ..cli.exits import table
from ..cli.main import build
from ..cli.shapes import LINES, OUTPUTS
from ..cli.texts import Texts
from .markdown import anchor, cell, notice, row, suffix

_HELP = ("--help", "-h")


def commands(language: Language = "en") -> Iterator[tuple[str, Any]]:
    """All commands by name, those of groups as ``group command``, in the order of ``--help``."""
    yield from _below(typer.main.get_command(build(language)), ())


def cli_page(language: Language) -> str:
    """The page in one language."""
    lines = [f"# {text('reference.cli', language)}", "", *notice("cli", language)]
    lines += [text("reference.cli_intro", language), "", *_exit_codes(language)]
    for name, command in commands(language):
        lines += _command(name, command, language)
    return "\n".join(lines).rstrip() + "\n"


def _below(group: Any, above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        path = (*above, name)
        if hasattr(command, "commands"):
            yield from _below(command, path)
        else:
            yield " ".join(path), command


def _exit_codes(language: Language) -> list[str]:
    lines = [f"## {text('reference.exit_codes', language)}", ""]
    lines += [row((text("reference.code", language), text("reference.meaning", language))), row(("---", "---"))]
    return [*lines, *(row((str(code), meaning)) for code, meaning in table(Texts(language)).items()), ""]


def _command(name: str, command: Any, language: Language) -> list[str]:
    about, _, example = command.help.partition("\n\n")
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and _HELP[0] not in one.opts]
    usage = " ".join(["rag-app", name, *(_argument(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    lines = [f"## rag-app {name}", "", about, "", f"`{usage}`", "", example, ""]
    rows = [(f"`{_argument(one)}`", one.help or "") for one in arguments]
    rows += [(_option(one), _meaning(one, language)) for one in options]
    if rows:
        lines += [row((text("reference.option", language), text("reference.meaning", language))), row(("---", "---"))]
        lines += [*(row((shown, cell(help))) for shown, help in rows), ""]
    return [*lines, *_output(name, language)]


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    return name if one.required or name.startswith("[") else f"[{name}]"


def _option(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
    if one.is_flag:
        return names
    return f"{names} {one.metavar or _value(one.type_descriptor.annotation)}"


def _value(kind: Any) -> str:
    """What an option takes, as ``--help`` writes it."""
    if get_origin(kind) is list:
        return _value(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return "\\|".join(get_args(kind))
    if issubclass(kind, Enum):
        return "\\|".join(one.value for one in kind)
    return {int: "INTEGER", float: "FLOAT", Path: "PATH"}.get(kind, "TEXT")


def _meaning(one: Any, language: Language) -> str:
    default = one.default
    if one.required or one.is_flag or default in (None, "", ()) or callable(default):
        return str(one.help or "")
    return f"{one.help} {text('reference.default', language, value=getattr(default, 'value', default))}"


def _output(name: str, language: Language) -> list[str]:
    shapes: Sequence[Any] = OUTPUTS.get(name, ())
    lines = [one for command, some in LINES.items() if command.startswith(f"{name} ") for one in some]
    page = f"json{suffix(language)}.md"

    def links(kinds: Sequence[Any]) -> str:
        return ", ".join(f"[{kind.__name__}]({page}#{anchor(kind.__name__)})" for kind in kinds)

    found = [text("reference.prints", language, shapes=links(shapes))] if shapes else []
    found += [text("reference.prints_lines", language, shapes=links(lines))] if lines else []
    return [*found, ""] if found else []
