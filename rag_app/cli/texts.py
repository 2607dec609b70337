"""The catalogue in one language, and the options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer

from ingest.messages import Language, text

from . import completing


@dataclass(frozen=True, slots=True)
class Texts:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str, /, **values: object) -> str:
        """The catalogue's text for ``key``."""
        return text(key, self.language, **values)

    def help(self, key: str, example: str) -> str:
        """A command's help: what it does, then an example."""
        return f"{self(key)}\n\n{self('cli.example')} `{example}`"

    def kb_option(self) -> Any:
        """``--kb``."""
        return typer.Option(
            "--kb",
            "-k",
            metavar="NAME",
            help=self("cli.kb_option"),
            show_default=False,
            autocompletion=completing.knowledge_bases,
        )

    def json_option(self) -> Any:
        """``--json``."""
        return typer.Option("--json", help=self("cli.json_option"))

    def kbs_option(self) -> Any:
        """``--kb``, which may be given several times."""
        return typer.Option(
            "--kb",
            "-k",
            metavar="NAME",
            help=self("cli.kbs_option"),
            show_default=False,
            autocompletion=completing.knowledge_bases,
        )

    def filter_option(self, name: str) -> Any:
        """An option that narrows where to search: ``--doc``, ``--folder``, ``--type``, ``--tag``, ``--since``, …"""
        metavar = "YYYY-MM-DD" if name in ("since", "until") else name.upper()
        return typer.Option(
            f"--{name}",
            metavar=metavar,
            help=self(f"cli.filter_{name}"),
            show_default=False,
            autocompletion=completing.FILTERS.get(name),
        )

    def kb_argument(self) -> Any:
        """The name of a knowledge base that is there."""
        return typer.Argument(metavar="NAME", show_default=False, autocompletion=completing.knowledge_bases)

    def conversation_argument(self) -> Any:
        """The id of a stored conversation."""
        return typer.Argument(metavar="ID", show_default=False, autocompletion=completing.conversations)
