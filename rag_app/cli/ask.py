"""``rag-app ask`` and ``rag-app suggest``."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import RagApp
from ..types import Filters
from . import batch
from .answers import as_json, show, show_prompt
from .exits import Exit
from .filtering import filters
from .output import Output
from .pages import draw, show_pages
from .session import session
from .texts import Texts

_COUNT = 4


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @app.command(help=texts.help("cli.ask", 'rag-app ask "How much memory does the 8B model need?"'))
    def ask(
        question: Annotated[
            str | None, typer.Argument(metavar="QUESTION", help=texts("cli.ask_question"), show_default=False)
        ] = None,
        kb: Annotated[list[str] | None, texts.kbs_option()] = None,
        document: Annotated[list[str] | None, texts.filter_option("doc")] = None,
        folder: Annotated[list[str] | None, texts.filter_option("folder")] = None,
        type_: Annotated[list[str] | None, texts.filter_option("type")] = None,
        tag: Annotated[list[str] | None, texts.filter_option("tag")] = None,
        since: Annotated[str | None, texts.filter_option("since")] = None,
        until: Annotated[str | None, texts.filter_option("until")] = None,
        image: Annotated[list[Path] | None, typer.Option("--image", help=texts("cli.ask_image"))] = None,
        pages: Annotated[
            Path | None, typer.Option("--pages", metavar="FOLDER", help=texts("cli.ask_pages"), show_default=False)
        ] = None,
        questions: Annotated[
            Path | None, typer.Option("--batch", metavar="FILE", help=texts("cli.ask_batch"), show_default=False)
        ] = None,
        answers: Annotated[
            Path | None,
            typer.Option("--output", "-o", metavar="FILE", help=texts("cli.ask_output"), show_default=False),
        ] = None,
        prompt: Annotated[bool, typer.Option("--show-prompt", help=texts("cli.show_prompt"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        if (question is None) == (questions is None):
            raise typer.BadParameter(texts("cli.ask_one_of"))
        if questions is not None and (image or pages or prompt):
            raise typer.BadParameter(texts("cli.ask_batch_alone"))
        if question is not None and answers is not None:
            raise typer.BadParameter(texts("cli.ask_output_alone"))
        with session(json=json) as (rag, output):
            chosen = filters(document, folder, type_, tag, since, until)
            if questions is not None:
                raise typer.Exit(_batch(rag, output, questions, answers, kb or [], chosen))
            stream = rag.stream(question or "", kb or None, (), chosen, image or ())
            if json:
                answer = stream.answer
                drawn = draw(rag, answer, pages) if pages is not None else None
                output.print_json(as_json(answer, stream.prompt if prompt else None, drawn))
                return
            answer = show(stream, output)
            if pages is not None:
                show_pages(draw(rag, answer, pages), output)
            if prompt:
                show_prompt(stream, output)

    @app.command(help=texts.help("cli.suggest", "rag-app suggest --kb work"))
    def suggest(
        kb: Annotated[str | None, texts.kb_option()] = None,
        count: Annotated[int, typer.Option("--count", "-n", min=1, help=texts("cli.suggest_count"))] = _COUNT,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            found = rag.suggested_questions(kb, count, output.texts.language)
            if json:
                output.print_json({"questions": found})
                return
            for one in found:
                output.line(one)


def _batch(
    rag: RagApp, output: Output, questions: Path, answers: Path | None, kbs: list[str], chosen: Filters | None
) -> Exit:
    """Ask all; Ctrl-C says how to go on."""
    counts = batch.Counts()
    stopped = False
    with batch.Answers(answers, output) as written, batch.opened(questions) as lines:
        total = batch.count(questions)
        with output.counting("cli.batch_asking", hidden=answers is None) as counted:

            def tell(now: batch.Counts) -> None:
                nonlocal counts
                counts = now
                counted(now.answered + now.skipped + now.failed, total)

            try:
                batch.run(rag, batch.questions(lines), written, kbs, chosen, tell)
            except KeyboardInterrupt:
                stopped = True
    values = {"answered": counts.answered, "skipped": counts.skipped, "failed": counts.failed}
    if answers is not None:
        output.report({"file": answers, **values}, "cli.batch_done", **values, file=answers)
    if stopped:
        output.note(output.texts("cli.batch_stopped"), style="yellow")
        return Exit.INTERRUPTED
    return Exit.FAILED if counts.failed else Exit.DONE
