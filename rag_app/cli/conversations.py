"""``rag-app conversations …``."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..app import RagApp
from ..chat.export import as_json, file_name
from ..conversation_types import ConversationInfo, ConversationMessage
from ..errors import ConversationError, RagError
from .answers import show_sources
from .output import Output
from .session import session
from .texts import Texts


class _Format(StrEnum):
    markdown = "markdown"
    json = "json"


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    group = typer.Typer(help=texts("cli.conversations"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(group, name="conversations")
    _add_reading(group, texts)
    _add_changing(group, texts)


def _add_reading(group: typer.Typer, texts: Texts) -> None:
    @group.command("list", help=texts.help("cli.conversations_list", "rag-app conversations list --kb work"))
    def list_(
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            _table(rag.conversations(kb=kb), output)

    @group.command(help=texts.help("cli.conversations_search", "rag-app conversations search server log"))
    def search(
        words: Annotated[
            list[str], typer.Argument(metavar="WORDS…", help=texts("cli.conversations_words"), show_default=False)
        ],
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            _table(rag.conversations(" ".join(words), kb), output, found=True)

    @group.command(help=texts.help("cli.conversations_show", "rag-app conversations show 3"))
    def show(
        id: Annotated[int, texts.conversation_argument()],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            conversation = rag.conversation(id)
            if json:
                print(as_json(conversation.info, conversation.messages), end="")
                return
            output.line(conversation.info.title, style="bold")
            show_messages(conversation.messages, output)

    @group.command(help=texts.help("cli.conversations_export", "rag-app conversations export 3 --format json"))
    def export(
        id: Annotated[int, texts.conversation_argument()],
        file: Annotated[
            Path | None,
            typer.Argument(metavar="[FILE]", help=texts("cli.conversations_export_file"), show_default=False),
        ] = None,
        format: Annotated[_Format, typer.Option("--format", help=texts("cli.conversations_format"))] = _Format.markdown,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            written = _export(rag, id, file, format)
            output.report({"file": written}, "cli.conversations_exported", file=written)


def _add_changing(group: typer.Typer, texts: Texts) -> None:
    @group.command(help=texts.help("cli.conversations_rename", 'rag-app conversations rename 3 "Server logs"'))
    def rename(
        id: Annotated[int, texts.conversation_argument()],
        title: Annotated[str, typer.Argument(metavar="TITLE", show_default=False)],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            renamed = rag.conversation(id).rename(title)
            output.report(renamed, "cli.conversations_renamed", id=id, title=renamed.title)

    @group.command(help=texts.help("cli.conversations_delete", "rag-app conversations delete 3 --yes"))
    def delete(
        id: Annotated[int, texts.conversation_argument()],
        yes: Annotated[bool, typer.Option("--yes", "-y", help=texts("cli.yes"))] = False,
        verify: Annotated[bool, typer.Option("--verify", help=texts("cli.verify"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            conversation = rag.conversation(id)
            gone = conversation.info
            if json and not yes:
                raise RagError("cli.yes_needed")
            if not yes:
                question = output.texts("cli.conversations_delete_confirm", title=gone.title, messages=gone.messages)
                typer.confirm(question, abort=True, err=True)
            conversation.delete(verify=verify)
            output.report(gone, "cli.conversations_deleted", title=gone.title, messages=gone.messages)


def show_messages(messages: Sequence[ConversationMessage], output: Output) -> None:
    """Print what was said."""
    for one in messages:
        output.line()
        if one.role == "user":
            output.line(f"> {one.text}", style="bold")
            if one.rewritten:
                output.line(output.texts("conversation.rewritten", question=one.rewritten), style="dim")
            continue
        output.line(one.text)
        if one.answer is not None:
            show_sources(one.answer, output)
        if one.error is not None:
            output.line(one.error.text(output.texts.language), style="yellow")
        elif one.state != "complete":
            output.line(output.texts(f"conversation.{one.state}"), style="yellow")


def _export(rag: RagApp, identifier: int, file: Path | None, format: _Format) -> Path:
    """Write a conversation to a file, one that is not there yet unless it is named.

    Raises:
        UnknownConversation; ConversationError: the file can't be written.
    """
    conversation = rag.conversation(identifier)
    exported = conversation.export(format.value)
    written = file or _free(Path(file_name(conversation.info, format.value)))
    try:
        written.write_text(exported, encoding="utf-8")
    except OSError as error:
        raise ConversationError("export.unwritable", path=written, cause=error.strerror or error) from error
    return written.resolve()


def _free(path: Path) -> Path:
    """The path, with a number where there is such a file."""
    number, free = 2, path
    while free.exists():
        free = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return free


def _table(infos: Sequence[ConversationInfo], output: Output, *, found: bool = False) -> None:
    if output.json:
        output.print_json({"conversations": infos})
        return
    names = ("id", "title", "kbs", "updated", "messages", *(("found",) if found else ()))
    columns = [output.texts(f"cli.column_{name}") for name in names]
    rows = []
    for one in infos:
        row = [str(one.id), one.title, ", ".join(one.kbs), f"{one.updated.astimezone():%Y-%m-%d %H:%M}"]
        rows.append([*row, str(one.messages), *((one.found,) if found else ())])
    output.table(columns, rows)
