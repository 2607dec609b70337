"""``rag-app ask`` and ``rag-app chat``."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ingest.errors import UserError

from ..app import RagApp
from ..chat.answering import Thought
from ..types import Answer, Filters, Turn
from .filtering import filters
from .output import Output
from .session import session
from .texts import Texts


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @app.command(help=texts.help("cli.ask", 'rag-app ask "How much memory does the 8B model need?"'))
    def ask(
        question: Annotated[
            str, typer.Argument(metavar="QUESTION", help=texts("cli.ask_question"), show_default=False)
        ],
        kb: Annotated[list[str] | None, texts.kbs_option()] = None,
        document: Annotated[list[str] | None, texts.filter_option("doc")] = None,
        folder: Annotated[list[str] | None, texts.filter_option("folder")] = None,
        type_: Annotated[list[str] | None, texts.filter_option("type")] = None,
        tag: Annotated[list[str] | None, texts.filter_option("tag")] = None,
        since: Annotated[str | None, texts.filter_option("since")] = None,
        until: Annotated[str | None, texts.filter_option("until")] = None,
        image: Annotated[list[Path] | None, typer.Option("--image", help=texts("cli.ask_image"))] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            chosen = filters(document, folder, type_, tag, since, until)
            if json:
                output.print_json(_as_json(rag.ask(question, kb or None, filters=chosen, images=image or ())))
            else:
                _show(rag, output, question, kb or None, (), chosen, image or ())

    @app.command(help=texts.help("cli.chat", "rag-app chat --kb work"))
    def chat(kb: Annotated[str | None, texts.kb_option()] = None) -> None:
        with session() as (rag, output):
            rag.preload()
            output.note(output.texts("cli.chat_hello"))
            history: list[Turn] = []
            while (question := _read(output)) is not None:
                if not question:
                    continue
                with suppress(KeyboardInterrupt):  # stops this answer, not the conversation
                    try:
                        answer = _show(rag, output, question, kb, history)
                    except UserError as error:
                        output.error(error)
                        continue
                    history += [Turn("user", question), Turn("assistant", answer.text)]


def _read(output: Output) -> str | None:
    """A question, "" for an empty line, None at the end."""
    try:
        if sys.stdin.isatty():
            output.line()
        line = input("> " if sys.stdin.isatty() else "").strip()
    except (EOFError, KeyboardInterrupt):
        return None
    return None if line in ("/exit", "/quit", "/退出") else line


def _show(
    rag: RagApp,
    output: Output,
    question: str,
    kb: str | list[str] | None,
    history: Sequence[Turn],
    chosen: Filters | None = None,
    images: Sequence[Path] = (),
) -> Answer:
    stream = rag.stream(question, kb, history, chosen, images)
    try:
        with output.waiting() as waits:
            for event in stream.events():
                if isinstance(event, str):
                    waits(None)
                    output.piece(event)
                elif isinstance(event, Thought):
                    output.thought(event.text)
                else:
                    waits(event.message if event.name != "writing" else None)
    finally:
        stream.close()
        output.line()
    answer = stream.answer
    if answer.citations:
        output.line()
        output.line(output.texts("cite.sources"), style="bold")
    for citation in answer.citations:
        output.line(f"[{citation.number}] {citation.document}, {citation.where(output.texts.language)}", style="cyan")
        output.line(f"    {' '.join(citation.quote.split())}", style="dim")
    if answer.context_tokens and answer.prompt_tokens:
        output.note(output.texts("cli.tokens", used=answer.prompt_tokens, available=answer.context_tokens))
    if not answer.complete:
        output.note(output.texts("cli.incomplete"), style="yellow")
    if answer.notice is not None:
        output.note(answer.notice)
    return answer


def _as_json(answer: Answer) -> dict[str, object]:
    return {
        "question": answer.question,
        "text": answer.text,
        "model": answer.model,
        "language": answer.language,
        "refused": answer.refused,
        "complete": answer.complete,
        "citations": [
            {
                "number": citation.number,
                "document": citation.document,
                "path": citation.path,
                "page": citation.page,
                "page_label": citation.page_label,
                "headings": citation.headings,
                "lines": citation.lines,
                "ocr": citation.ocr,
                "described": citation.described,
                "where": citation.where(answer.language),
                "quote": citation.quote,
            }
            for citation in answer.citations
        ],
        "notice": answer.notice or "",
        "thinking": answer.thinking,
        "prompt_tokens": answer.prompt_tokens,
        "answer_tokens": answer.answer_tokens,
        "context_tokens": answer.context_tokens,
    }
