"""How good answers and retrieval are, see :mod:`rag_app.evaluation`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ingest.types import Progress

from .base import Opened

if TYPE_CHECKING:
    from ..app import RagApp
    from ..evaluation import AnswerQuestion, AnswerRun, AnswerSet, Dataset, RetrievalReport


class Evaluating(Opened):
    """How good answers and retrieval are."""

    def evaluate(
        self,
        questions: str | Path | AnswerSet | Sequence[AnswerQuestion],
        kb: str | None = None,
        *,
        save: str | Path | None = None,
        resume: bool = False,
        judge: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> AnswerRun:
        """Ask questions whose answers are known; the measures are :attr:`AnswerRun.measures`.

        Args:
            questions: a CSV or JSONL file, as :func:`load_answers` reads it, or questions.
            save: the file that keeps each case as it is done. resume: go on with that file.
            judge: let the answering model judge the answers, too.
            progress: called with (questions done, questions in all); an exception out of it stops.

        Raises:
            DatasetError: a file can't be read, written or gone on with. What every question would meet:
            UnknownKnowledgeBase, EmbedderError, StorageError, SettingsError, OllamaUnreachable, ModelNotInstalled.
        """
        from ..evaluation import AnswerSet, evaluate_answers, load_answers
        from ..evaluation.answers import open_judge

        app = cast("RagApp", self)
        if isinstance(questions, str | Path):
            asked = load_answers(questions)
        else:
            asked = questions if isinstance(questions, AnswerSet) else AnswerSet("questions", tuple(questions))
        judged_by = open_judge(app) if judge else None
        if save is not None:
            return evaluate_answers(app, asked, save, kb=kb, resume=resume, judge=judged_by, progress=progress)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "answers.run.jsonl")
            return evaluate_answers(app, asked, file, kb=kb, judge=judged_by, progress=progress)

    def evaluate_retrieval(
        self,
        dataset: str | Path | Dataset,
        *,
        progress: Callable[[Progress], None] | None = None,
        asked: Callable[[int, int], None] | None = None,
    ) -> RetrievalReport:
        """Ingest a dataset's documents into a throw-away folder and ask all its questions; nothing here is touched.

        Args:
            dataset: its folder, as :func:`load_dataset` reads it.
            progress: called with the steps of ingestion. asked: with (questions asked, questions in all).

        Raises:
            DatasetError: it, or one of its documents, can't be read. And what ingestion and retrieval raise.
        """
        from ..evaluation import Dataset, evaluate_retrieval, load_dataset

        loaded = dataset if isinstance(dataset, Dataset) else load_dataset(dataset)
        store = self._store
        return evaluate_retrieval(
            loaded, self.settings, progress=progress, asked=asked, notify=store.notify, parts=store.parts
        )
