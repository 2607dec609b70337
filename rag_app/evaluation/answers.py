"""Answers measured end to end: each question asked as a person would ask it, one case each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ingest.errors import UserError
from ingest.values import Value

from ..app import RagApp
from ..errors import (
    EmbedderError,
    KnowledgeBaseError,
    ModelNotInstalled,
    ModelRefused,
    OllamaUnreachable,
    SettingsError,
    StorageError,
)
from ..llm.select import provider_of
from ..settings import Settings, language
from ..types import Answer
from .answer_datasets import AnswerQuestion, AnswerSet
from .answer_measures import failed_marks, marks
from .cases import About, AnswerRun, Case, Cited, Shown
from .runs import open_run

_OF_THE_RUN = (
    *(EmbedderError, KnowledgeBaseError, SettingsError, StorageError),
    *(ModelNotInstalled, ModelRefused, OllamaUnreachable),
)
"""Errors that every further question would meet too."""


@dataclass(frozen=True, slots=True, repr=False)
class Verdict(Value):
    """What a judge says.

    Attributes:
        score: 0 to 1, None where it said nothing that can be understood. words: what it said.
    """

    score: float | None
    words: str


class Judge(Protocol):
    """A model that reads answers, see :class:`rag_app.evaluation.judge.ModelJudge`."""

    @property
    def name(self) -> str:
        """The model's name."""

    def verdicts(self, question: AnswerQuestion, answer: Answer) -> Mapping[str, Verdict]:
        """Measure → verdict."""


def evaluate_answers(
    app: RagApp,
    asked: AnswerSet,
    path: str | Path,
    *,
    kb: str | None = None,
    source: str | None = None,
    resume: bool = False,
    judge: Judge | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AnswerRun:
    """Ask all questions; each case is in the file before the next one is asked, and an exception loses none.

    Args:
        path: the run's file. resume: go on with it.
        source: what the run's file names as searched; the knowledge base unless given.
        progress: called with (questions done, questions in all); an exception out of it stops.

    Raises:
        DatasetError: the file can't be written, or not be gone on with. OllamaUnreachable and others that every
            question would meet; one that a single question meets becomes its case.
    """
    report = progress or (lambda done, total: None)
    about = About(
        dataset=asked.name,
        digest=asked.digest,
        total=len(asked.questions),
        source=source or kb or app.settings.kb,
        model=model_name(app.settings),
        judge=judge.name if judge else "",
        started=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
    )
    with open_run(path, about, resume=resume) as run:
        known = {case.question.id for case in run.done}
        report(len(known), about.total)
        for question in asked.questions:
            if question.id not in known:
                run.add(_case(app, question, kb, judge))
                report(len(run.done), about.total)
        places = {question.id: place for place, question in enumerate(asked.questions)}
        return replace(run.run, cases=tuple(sorted(run.done, key=lambda case: places[case.question.id])))


def open_judge(app: RagApp) -> Judge:
    """The app's language model as a judge.

    Raises:
        SettingsError, ModelError: it can't be had.
    """
    from .judge import ModelJudge  # LlamaIndex takes seconds to import

    return ModelJudge(app._store.models.chat_model())


def model_name(settings: Settings) -> str:
    """Who is to answer."""
    if settings.answers == "quotes":
        return "quotes"
    names = {"gguf": Path(settings.gguf_path).name, "openai": settings.openai_model, "ollama": settings.model}
    return names[provider_of(settings)]


def _case(app: RagApp, question: AnswerQuestion, kb: str | None, judge: Judge | None) -> Case:
    began = time.monotonic()
    try:
        answer = app.ask(question.question, kb)
    except _OF_THE_RUN:
        raise
    except UserError as error:
        return Case(question, error=error.text(language(app.settings)), marks=failed_marks(question))
    costs = {"seconds": round(time.monotonic() - began, 4)}
    tokens = {"prompt_tokens": answer.prompt_tokens, "answer_tokens": answer.answer_tokens}
    costs |= {name: float(count) for name, count in tokens.items() if count is not None}
    verdicts = judge.verdicts(question, answer) if judge and not answer.refused else {}
    judged = {name: verdict.score for name, verdict in verdicts.items() if verdict.score is not None}
    return Case(
        question=question,
        text=answer.text,
        model=answer.model,
        refused=answer.refused,
        complete=answer.complete,
        notice=answer.notice.text(language(app.settings)) if answer.notice else "",
        citations=tuple(
            Cited(one.number, one.document, one.page, one.where(answer.language), one.quote) for one in answer.citations
        ),
        passages=tuple(Shown(one.document, one.page, one.where(answer.language), one.text) for one in answer.passages),
        marks={**marks(question, answer), **judged, **costs},
        verdicts={name: verdict.words for name, verdict in verdicts.items()},
    )
