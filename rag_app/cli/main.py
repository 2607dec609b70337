"""``rag-app``: the commands put together, and errors turned into exit codes (:mod:`rag_app.cli.exits`)."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ingest.errors import UserError
from ingest.messages import Language

from ..errors import SettingsError
from ..settings import Settings, language
from . import (
    ask,
    chat,
    conversations,
    documents,
    evaluate,
    ingest,
    knowledge_bases,
    mcp,
    models,
    password,
    retrieve,
    serve,
    settings,
    up,
)
from .exits import Exit, table
from .output import Output
from .texts import Texts


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: what follows the program's name; the process's own unless given.
    """
    given = sys.argv[1:] if arguments is None else arguments
    spoken = _language()
    try:
        build(spoken)(given, prog_name="rag-app")
    except UserError as error:
        Output(spoken, json="--json" in given).error(error)
        sys.exit(Exit.FAILED)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def build(spoken: Language) -> typer.Typer:
    """The command line with its help in ``spoken``."""
    texts = Texts(spoken)
    app = typer.Typer(
        help=texts("cli.help"),
        epilog=_epilogue(texts),
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def show_version(wanted: bool) -> None:
        if wanted:
            print(version("rag-app"))
            raise typer.Exit

    @app.callback()
    def options(
        _version: Annotated[
            bool, typer.Option("--version", callback=show_version, is_eager=True, help=texts("cli.version"))
        ] = False,
    ) -> None:
        pass

    up.add(app, texts)
    ingest.add(app, texts)
    ask.add(app, texts)
    chat.add(app, texts)
    conversations.add(app, texts)
    retrieve.add(app, texts)
    knowledge_bases.add(app, texts)
    documents.add(app, texts)
    evaluate.add(app, texts)
    models.add(app, texts)
    settings.add(app, texts)
    password.add(app, texts)
    serve.add(app, texts)
    mcp.add(app, texts)
    return app


def _epilogue(texts: Texts) -> str:
    codes = "; ".join(f"{code} {meaning}" for code, meaning in table(texts).items())
    return texts("exit.title", codes=codes)


def _language() -> Language:
    """The language of help and messages; settings that are wrong are reported by the command itself."""
    try:
        return language(Settings.load())
    except SettingsError:
        return language(None)
