"""Questions and runs that are kept beside a knowledge base; what is deleted there leaves them too."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import ClassVar

from ingest.messages import Language

from ..app import RagApp
from ..errors import DatasetError
from ..kept_runs import questions_of, runs_of
from .answer_datasets import AnswerQuestion, AnswerSet, Place, question_id, read_questions
from .answers import evaluate_answers
from .cases import AnswerRun
from .compare import Change, compare
from .drafting import Draft, draft_questions
from .report import Comparison, write_report
from .reviewing import Review, write_questions
from .runs import list_runs, load_run


class Keeping:
    """The evaluation of one knowledge base.

    ::

        kept = Keeping(app, "default")
        kept.add("When was the harbour rebuilt?", ["1962"], "harbour.pdf", 3)
        run = kept.run()

    Raises:
        UnknownKnowledgeBase.
    """

    _writing: ClassVar[threading.Lock] = threading.Lock()  # a draft may come while a person decides on another

    def __init__(self, app: RagApp, kb: str | None = None) -> None:
        self._app = app
        self._kb = app._store.kb(kb)
        self._runs = runs_of(app.settings.data_dir, self._kb.id)
        self.path = questions_of(app.settings.data_dir, self._kb.id)

    def questions(self) -> list[AnswerQuestion]:
        """All, drafts included.

        Raises:
            DatasetError.
        """
        return read_questions(self.path) if self.path.is_file() else []

    def add(self, question: str, answers: Sequence[str], document: str = "", page: int | None = None) -> AnswerQuestion:
        """Add one that a person wrote.

        Args:
            answers: each right by itself; none when the documents do not say. document: file name to be cited.

        Raises:
            DatasetError: there is no text, or the same question is there.
        """
        if not question.strip():
            raise DatasetError("eval.question_empty")
        place: Place = (document.strip(), page)
        evidence = ((place,),) if document.strip() else ()
        said = tuple(dict.fromkeys(one.strip() for one in answers if one.strip()))
        added = AnswerQuestion(question_id(question), question.strip(), said, evidence)
        self.put([added])
        return added

    def put(self, questions: Sequence[AnswerQuestion]) -> None:
        """Add some.

        Raises:
            DatasetError: one is there already.
        """
        with self._writing:
            there = self.questions()
            known = {one.id for one in there} | {one.question for one in there}
            for one in questions:
                if one.id in known or one.question in known:
                    raise DatasetError("eval.question_twice", question=one.question)
            write_questions(self.path, [*there, *questions])

    def take_in(self, name: str, data: bytes) -> int:
        """Add those of a CSV or JSONL file that are not there yet; returns how many.

        Raises:
            DatasetError: names the line and the column.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, PurePath(name.replace("\\", "/")).name or "questions.csv")
            file.write_bytes(data)
            try:
                found = read_questions(file)
            except DatasetError as error:
                raise _named(error, file) from error
        known = {one.id for one in self.questions()} | {one.question for one in self.questions()}
        fresh = [one for one in found if one.id not in known and one.question not in known]
        self.put(fresh)
        return len(fresh)

    def decide(self, id: str, *, accept: bool) -> None:
        """Accept a draft, or reject it: it is kept, so that it is not drafted again.

        Raises:
            DatasetError.
        """
        with self._writing:
            review = Review(self.path)
            if accept:
                review.accept(id)
            else:
                review.reject(id)

    def edit(self, id: str, question: str, answers: Sequence[str]) -> None:
        """Put other words in its place.

        Raises:
            DatasetError.
        """
        with self._writing:
            Review(self.path).edit(id, question=question, answers=answers)

    def remove(self, id: str) -> None:
        """Take a question out; runs that asked it keep it.

        Raises:
            DatasetError.
        """
        with self._writing:
            write_questions(self.path, [one for one in self.questions() if one.id != id])

    def run(self, *, progress: Callable[[int, int], None] | None = None) -> AnswerRun:
        """Ask all accepted questions; the run is kept, also when it is stopped.

        Raises:
            DatasetError: there are none. And what :func:`rag_app.evaluation.evaluate_answers` raises.
        """
        accepted = tuple(one for one in self.questions() if one.state == "accepted")
        if not accepted:
            raise DatasetError("eval.no_questions_yet")
        path = self._runs / f"{datetime.now():%Y%m%d-%H%M%S-%f}.jsonl"
        asked = AnswerSet(self._kb.name, tuple(replace(one, passage="") for one in accepted))
        return evaluate_answers(self._app, asked, path, kb=self._kb.name, progress=progress)

    def draft(self, count: int) -> Iterator[Draft]:
        """Let the model draft questions; those that are good and new are added, to be decided on.

        Raises:
            What :func:`rag_app.evaluation.draft_questions` raises, while iterating.
        """
        for one in draft_questions(self._app, count, self._kb.name):
            if one.question is not None and one.question.id in {old.id for old in self.questions()}:
                yield Draft(one.passage, None, "repeated")
                continue
            if one.question is not None:
                self.put([one.question])
            yield one

    def runs(self) -> list[tuple[str, AnswerRun]]:
        """The runs with at least one case, by their names, oldest first.

        Raises:
            DatasetError.
        """
        if not self._runs.is_dir():
            return []
        return [(path.stem, run) for path, run in list_runs(self._runs) if run.cases]

    def compared(self, before: str, after: str) -> list[Change]:
        """How each measure moved from one run to another, by their names.

        Raises:
            DatasetError: they have no question in common.
        """
        return compare(load_run(self._file(before)), load_run(self._file(after)))

    def report(self, name: str, language: Language, *, html: bool, against: str | None = None) -> bytes:
        """A run as a page to read or as Markdown, with what moved since another run.

        Raises:
            DatasetError.
        """
        run = load_run(self._file(name))
        comparison = Comparison(against, tuple(self.compared(against, name))) if against is not None else None
        with tempfile.TemporaryDirectory() as folder:
            page = write_report(run, folder, language, comparison)
            return page.with_suffix(".html" if html else ".md").read_bytes()

    def _file(self, name: str) -> Path:
        return self._runs / f"{PurePath(name).name}.jsonl"

    def forget_run(self, name: str) -> None:
        """Delete a run.

        Raises:
            DatasetError: there is none of that name, or it can't be deleted.
        """
        path = self._file(name)
        load_run(path)
        try:
            path.unlink()
        except OSError as error:
            raise DatasetError("eval.unwritable", path=path, cause=error.strerror or error) from error


def _named(error: DatasetError, file: Path) -> DatasetError:
    """The same with the file's own name: where it lay for a moment says nothing."""
    values = {name: file.name if str(value) == str(file) else value for name, value in error.message.values}
    return DatasetError(error.message.key, **values)
