"""``rag-app docs files``, ``docs show`` and ``docs types``: what a knowledge base has seen, and what was read."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..app import RagApp
from ..errors import UnknownDocument
from ..listing_types import FileList, FileOrder, ListedFile
from ..types import StoredDocument
from .figures import size
from .output import Output
from .session import session
from .texts import Texts

_PAGES = 20
_FILES = 50


class _State(StrEnum):
    read = "read"
    partial = "partial"
    refused = "refused"


def add(docs: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @docs.command(help=texts.help("cli.docs_files", "rag-app docs files --state refused"))
    def files(
        search: Annotated[str, typer.Option("--search", help=texts("cli.docs_search"), show_default=False)] = "",
        state: Annotated[
            list[_State] | None, typer.Option("--state", help=texts("cli.docs_state"), show_default=False)
        ] = None,
        type_: Annotated[list[str] | None, texts.filter_option("type")] = None,
        tag: Annotated[list[str] | None, texts.filter_option("tag")] = None,
        order: Annotated[FileOrder, typer.Option("--order", help=texts("cli.docs_order"))] = "name",
        offset: Annotated[int, typer.Option("--offset", min=0, help=texts("cli.docs_offset"))] = 0,
        limit: Annotated[int, typer.Option("--limit", min=1, help=texts("cli.docs_limit"))] = _FILES,
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            found = rag.list_files(
                kb,
                search=search,
                states=[one.value for one in state or ()],
                formats=type_ or (),
                tags=tag or (),
                order=order,
                offset=offset,
                limit=limit,
            )
            if json:
                output.print_json({"total": found.total, "counts": rag.file_counts(kb), "files": found.files})
            else:
                _table(found, output)

    @docs.command(help=texts.help("cli.docs_show", "rag-app docs show report.pdf --offset 6 --limit 1"))
    def show(
        path: Annotated[Path, typer.Argument(metavar="PATH", help=texts("cli.docs_show_path"), show_default=False)],
        offset: Annotated[int, typer.Option("--offset", min=0, help=texts("cli.docs_offset"))] = 0,
        limit: Annotated[int, typer.Option("--limit", min=1, help=texts("cli.docs_show_limit"))] = _PAGES,
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            document = _document(rag, path, kb)
            read = rag.read_pages(document.id, offset, limit)
            if json:
                output.print_json({"path": document.path, "total": read.total, "pages": read.pages})
                return
            for page in read.pages:
                label = f"{page.number} ({page.label})" if page.label else str(page.number)
                output.line(f"── {label} / {read.total}", style="bold")
                output.line(page.text)

    @docs.command(help=texts.help("cli.docs_types", "rag-app docs types"))
    def types(json: Annotated[bool, texts.json_option()] = False) -> None:
        with session(json=json) as (rag, output):
            suffixes = rag.readable_types()
            output.report({"types": suffixes}, "cli.docs_types_are", types=" ".join(suffixes))


def _document(rag: RagApp, path: Path, kb: str | None) -> StoredDocument:
    """The document of a file, named by its path or its file name alone.

    Raises:
        UnknownDocument: there is none, or several have that name.
    """
    documents = rag.documents(kb)
    wanted = path.expanduser().resolve()
    exact = [one for one in documents if wanted in one.paths or path in one.paths]
    named = exact or [one for one in documents if any(known.name == str(path) for known in one.paths)]
    if len(named) != 1:
        name = kb or rag.settings.kb
        raise UnknownDocument("cli.docs_ambiguous" if named else "document.unknown", path=path, kb=name)
    return named[0]


def _table(found: FileList, output: Output) -> None:
    names = ("path", "state", "type", "size", "pages", "chunks", "tags")
    output.table([output.texts(f"cli.column_{name}") for name in names], [_row(one, output) for one in found.files])
    if len(found.files) < found.total:
        output.note(output.texts("cli.docs_of", shown=len(found.files), total=found.total))


def _row(one: ListedFile, output: Output) -> Sequence[str]:
    state = output.texts(f"status.{one.state}")
    why = f": {one.reason.text(output.texts.language)}" if one.reason is not None else ""
    figures = (size(one.size), str(one.pages), str(one.chunks))
    return (str(one.path), f"{state}{why}", one.format, *figures, ", ".join(one.tags))
