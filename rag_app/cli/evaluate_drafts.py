"""``rag-app eval draft`` and ``rag-app eval review``: questions from the user's own documents."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ..errors import DatasetError
from ..evaluation import AnswerQuestion, Review, draft_questions
from ..evaluation.answers import model_name
from ..evaluation.drafting import supports
from ..evaluation.reviewing import write_questions
from ..settings import Settings, language
from .output import Output
from .session import session
from .texts import Texts

_COUNT = 20
_SHOWN = 600  # characters of a passage


def add(group: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @group.command(help=texts.help("cli.eval_draft", "rag-app eval draft -n 20 -o questions.jsonl"))
    def draft(
        path: Annotated[Path, typer.Option("--output", "-o", help=texts("cli.eval_draft_output"), show_default=False)],
        count: Annotated[int, typer.Option("--count", "-n", min=1, help=texts("cli.eval_draft_count"))] = _COUNT,
        kb: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            if path.exists():
                raise DatasetError("eval.file_exists", path=path)
            good: list[AnswerQuestion] = []
            flaws: Counter[str] = Counter()
            with output.counting("eval.drafting") as counted:
                counted(0, count)
                for one in draft_questions(rag, count, kb):
                    if one.question is None:
                        flaws[str(one.flaw)] += 1
                        continue
                    good.append(one.question)
                    write_questions(path, good)  # Ctrl-C keeps them
                    counted(len(good), count)
            if not good:
                raise DatasetError("eval.no_drafts", model=model_name(rag.settings), tried=flaws.total())
            output.report(
                {"file": path, "drafted": len(good), "thrown_away": flaws},
                "eval.drafted",
                count=len(good),
                failed=flaws.total(),
                path=path,
            )
            if not json:
                _say_why(flaws, output)

    @group.command(help=texts.help("cli.eval_review", "rag-app eval review questions.jsonl"))
    def review(
        path: Annotated[Path, typer.Argument(metavar="FILE", help=texts("cli.eval_review_file"), show_default=False)],
        accept_all: Annotated[bool, typer.Option("--accept-all", help=texts("cli.eval_accept_all"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        output = Output(language(Settings.load()), json=json)
        reviewed = Review(path)
        if accept_all:
            reviewed.accept_all()
        elif not json:
            _look_through(reviewed, output)
        output.report({"file": path, **reviewed.counts}, "eval.reviewed", **reviewed.counts)


def _say_why(flaws: Counter[str], output: Output) -> None:
    for flaw, count in flaws.most_common():
        output.note(output.texts("eval.dropped", reason=output.texts(f"eval.draft_{flaw}"), count=count))


def _look_through(review: Review, output: Output) -> None:
    drafts = review.drafts
    for place, question in enumerate(drafts, 1):
        output.line()
        output.line(output.texts("eval.review_count", place=place, total=len(drafts)), style="bold")
        if not _decide(review, question, output):
            return


def _decide(review: Review, question: AnswerQuestion, output: Output) -> bool:
    """Ask until there is a decision; False to stop."""
    _show(question, output)
    while True:
        key = _read(output.texts("eval.review_keys"))
        if key is None or key == "q":
            return False
        if key == "a":
            review.accept(question.id)
        elif key == "r":
            review.reject(question.id)
        elif key == "e":
            question = _edit(review, question, output)
            _show(question, output)
            continue
        elif key != "s":
            continue
        return True


def _show(question: AnswerQuestion, output: Output) -> None:
    output.line(question.passage[:_SHOWN] + ("…" if len(question.passage) > _SHOWN else ""), style="dim")
    output.line(output.texts("eval.review_question", question=question.question))
    answers = " | ".join(question.answers) or output.texts("eval.review_unanswerable")
    output.line(output.texts("eval.review_answers", answers=answers))
    if question.passage and not all(supports(question.passage, one) for one in question.answers):
        output.note(output.texts("eval.draft_not_in_passage"), style="yellow")


def _edit(review: Review, question: AnswerQuestion, output: Output) -> AnswerQuestion:
    asked = _read(output.texts("eval.review_new_question")) or ""
    given = _read(output.texts("eval.review_new_answers")) or ""
    return review.edit(question.id, question=asked, answers=given.split("|") if given else None)


def _read(prompt: str) -> str | None:
    """A line, None at the end of the input."""
    try:
        return input(f"{prompt}: ").strip()
    except EOFError:
        return None
