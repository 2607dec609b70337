"""``rag-app retrieve``: the passages a question finds, and why."""

from typing import Annotated

import typer

from ..types import Passage, Retrieval
from .filtering import filters
from .output import Output
from .session import session
from .shapes import PassageJson, RetrievalJson
from .texts import Texts

_SHOWN = 300  # characters of a passage in a terminal


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the command."""

    @app.command(help=texts.help("cli.retrieve", 'rag-app retrieve "KV cache" --type pdf --explain'))
    def retrieve(
        question: Annotated[
            str, typer.Argument(metavar="QUESTION", help=texts("cli.ask_question"), show_default=False)
        ],
        kb: Annotated[list[str] | None, texts.kbs_option()] = None,
        limit: Annotated[int | None, typer.Option("--limit", min=1, max=50, help=texts("cli.limit"))] = None,
        explain: Annotated[bool, typer.Option("--explain", help=texts("cli.explain"))] = False,
        document: Annotated[list[str] | None, texts.filter_option("doc")] = None,
        folder: Annotated[list[str] | None, texts.filter_option("folder")] = None,
        type_: Annotated[list[str] | None, texts.filter_option("type")] = None,
        tag: Annotated[list[str] | None, texts.filter_option("tag")] = None,
        since: Annotated[str | None, texts.filter_option("since")] = None,
        until: Annotated[str | None, texts.filter_option("until")] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            chosen = filters(document, folder, type_, tag, since, until)
            found = rag.retrieve(question, kb or None, limit, chosen)
            if json:
                output.print_json(_as_json(found, explain=explain))
            else:
                _show(found, output, explain=explain)


def _show(found: Retrieval, output: Output, *, explain: bool) -> None:
    for note in found.notes:
        output.note(note)
    if not found.passages:
        output.line(output.texts("cli.nothing_found"))
    for number, passage in enumerate(found.passages, 1):
        where = passage.where(output.texts.language)
        output.line(f"{number}. {passage.document}, {where}  ({passage.score:.2f})", style="bold")
        for line in _explained(passage, output) if explain else ():
            output.line(f"   {line}", style="cyan")
        text = " ".join(passage.text.split())
        output.line(f"   {text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}", style="dim")


def _explained(passage: Passage, output: Output) -> list[str]:
    trace = passage.trace
    if trace is None:
        return []
    none = output.texts("explain.not_found")
    lines = []
    if trace.dense_rank is None or trace.similarity is None:
        lines.append(output.texts("explain.dense_none", none=none))
    else:
        lines.append(
            output.texts(
                "explain.dense", rank=trace.dense_rank, cosine=f"{trace.similarity:.4f}", evidence=f"{trace.dense:.2f}"
            )
        )
    if trace.lexical_rank is None or trace.bm25 is None:
        lines.append(output.texts("explain.lexical_none", none=none))
    else:
        lines.append(
            output.texts(
                "explain.lexical",
                rank=trace.lexical_rank,
                bm25=f"{trace.bm25:.2f}",
                evidence=f"{trace.lexical:.2f}",
                terms=", ".join(trace.matched) or "–",
            )
        )
    lines.append(output.texts("explain.fused", evidence=f"{trace.fused:.2f}"))
    return [*lines, *(step.text(output.texts.language) for step in trace.steps)]


def _as_json(found: Retrieval, *, explain: bool) -> RetrievalJson:
    return {
        "question": found.question,
        "coverage": found.coverage,
        "standing": found.standing,
        "notes": found.notes,
        "passages": [_passage_as_json(passage, explain=explain) for passage in found.passages],
    }


def _passage_as_json(passage: Passage, *, explain: bool) -> PassageJson:
    shown: PassageJson = {
        "document": passage.document,
        "path": passage.path,
        "kb": passage.kb,
        "page": passage.page,
        "page_label": passage.page_label,
        "headings": passage.headings,
        "described": passage.described,
        "start": passage.start,
        "end": passage.end,
        "score": passage.score,
        "text": passage.text,
    }
    if explain:
        shown["trace"] = passage.trace
    return shown
