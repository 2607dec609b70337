"""``rag-app docs …`` and ``rag-app doctor``."""

from pathlib import Path
from typing import Annotated

import typer

from ..doctor import examine
from ..settings import Settings, language
from . import document_files
from .exits import Exit
from .output import Output
from .session import session
from .texts import Texts

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    docs = typer.Typer(help=texts("cli.docs"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(docs, name="docs")

    @docs.command("list", help=texts.help("cli.docs_list", "rag-app docs list --kb work"))
    def list_(
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            documents = rag.documents(kb)
            if json:
                output.print_json({"documents": [{"path": d.path, **output.plain(d)} for d in documents]})
                return
            columns = [output.texts(f"cli.column_{name}") for name in ("path", "title", "pages", "chunks", "tags")]
            output.table(
                columns,
                [
                    ("\n".join(map(str, d.paths)), d.title, str(d.pages), str(d.chunks), ", ".join(d.tags))
                    for d in documents
                ],
            )

    document_files.add(docs, texts)

    @docs.command(help=texts.help("cli.docs_tag", "rag-app docs tag ~/papers/2024 --add survey"))
    def tag(
        paths: Annotated[
            list[Path], typer.Argument(metavar="PATH…", help=texts("cli.docs_tag_paths"), show_default=False)
        ],
        add: Annotated[list[str] | None, typer.Option("--add", metavar="TAG", help=texts("cli.docs_tag_add"))] = None,
        drop: Annotated[
            list[str] | None, typer.Option("--remove", metavar="TAG", help=texts("cli.docs_tag_remove"))
        ] = None,
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            tagged = rag.tag(*paths, add=add or (), drop=drop or (), kb=kb)
            output.report({"documents": tagged}, "cli.docs_tagged", count=len(tagged))

    @docs.command(help=texts.help("cli.docs_remove", "rag-app docs remove ~/papers/old.pdf"))
    def remove(
        paths: Annotated[
            list[Path], typer.Argument(metavar="PATH…", help=texts("cli.docs_remove_paths"), show_default=False)
        ],
        kb: Annotated[str | None, texts.kb_option()] = None,
        verify: Annotated[bool, typer.Option("--verify", help=texts("cli.verify"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            gone = rag.remove(*paths, kb=kb, verify=verify)
            output.report({"removed": gone}, "cli.docs_removed", count=len(gone))

    @app.command(help=texts.help("cli.doctor", "rag-app doctor"))
    def doctor(json: Annotated[bool, texts.json_option()] = False) -> None:
        settings = Settings.load()  # and no session: the doctor comes when the app can't be opened
        output = Output(language(settings), json=json)
        checks = examine(settings)
        if json:
            output.print_json({"checks": checks})
        else:
            for check in checks:
                output.line(
                    f"{_MARKS[check.status]} {check.finding.text(output.texts.language)}", _STYLES[check.status]
                )
                if check.remedy is not None:
                    output.line(f"  → {check.remedy.text(output.texts.language)}")
        raise typer.Exit(Exit.FAILED if any(check.status == "fail" for check in checks) else Exit.DONE)
