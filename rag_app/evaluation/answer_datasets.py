"""Questions with their answers, from a file the user wrote or from a dataset's folder.

* CSV (UTF-8 with or without BOM; comma, semicolon or tab) with a header, or JSONL: ``question``, ``answer`` or
  ``answers``, and where they are known ``id``, ``document``, ``page`` or ``pages``. In CSV several ``answers`` or
  ``pages`` are separated by ``|``. No answer, or "N/A", says that the documents do not say.
* A folder with ``evidence.jsonl`` (and ``unanswerable.jsonl``), or with ``queries.jsonl`` and ``answers.jsonl`` beside
  the passages, see :mod:`rag_app.evaluation.datasets`.

Pages are 1-based physical pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ingest.messages import Message, message
from ingest.values import Value

from ..errors import DatasetError
from .datasets import Dataset, json_lines, load_dataset
from .tables import csv_rows

State = Literal["draft", "accepted", "rejected"]
Place = tuple[str, int | None]
"""A document's file name and a page of it, None where any page will do."""
_NO_ANSWER = "n/a"


@dataclass(frozen=True, slots=True, repr=False)
class AnswerQuestion(Value):
    """A question and what answers it.

    Attributes:
        answers: each is right by itself; none when the documents do not say.
        evidence: what must be cited: of each group one place. Empty when that is not known.
        state: only accepted questions are asked; those a model drafted wait for a person.
        passage: the text that a drafted question was made from.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[Place, ...], ...] = ()
    state: State = "accepted"
    passage: str = ""

    @property
    def answerable(self) -> bool:
        """False when the right answer is that the documents do not say."""
        return bool(self.answers)

    def as_json(self) -> dict[str, object]:
        """The row of a JSONL file that reads as this question."""
        row: dict[str, object] = {"id": self.id, "question": self.question, "answers": list(self.answers)}
        if self.evidence:
            row["evidence"] = [
                [{"document": document, "page": page} for document, page in one] for one in self.evidence
            ]
        if self.state != "accepted" or self.passage:
            row |= {"state": self.state, "passage": self.passage}
        return row


@dataclass(frozen=True, slots=True, repr=False)
class AnswerSet(Value):
    """Questions under a name.

    Attributes:
        waiting: drafted questions in the file that nobody has accepted; they are not among ``questions``.
        documents: what to ingest where the questions came with their documents.
    """

    name: str
    questions: tuple[AnswerQuestion, ...]
    waiting: int = 0
    documents: Dataset | None = field(default=None, repr=False)

    @property
    def digest(self) -> str:
        """Changes when a question or an answer does."""
        said = json.dumps([[one.id, one.question, one.answers] for one in self.questions], ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def some(self, most: int | None) -> AnswerSet:
        """At most that many questions, spread evenly."""
        if most is None or most >= len(self.questions):
            return self
        step = len(self.questions) / most
        chosen = tuple(self.questions[int(place * step)] for place in range(most))
        return AnswerSet(self.name, chosen, self.waiting, self.documents)


def load_answers(path: str | Path) -> AnswerSet:
    """Read and check questions.

    Raises:
        DatasetError: names the file, the line and the column.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path)
    questions = read_questions(path)
    accepted = tuple(one for one in questions if one.state == "accepted")
    waiting = sum(one.state == "draft" for one in questions)
    if not accepted:
        raise DatasetError("eval.only_drafts" if waiting else "eval.no_answers", path=path)
    return AnswerSet(path.stem, accepted, waiting)


def read_questions(path: Path) -> list[AnswerQuestion]:
    """All questions of a file, drafts included.

    Raises:
        DatasetError.
    """
    if path.suffix.lower() in (".csv", ".tsv"):
        return _unique(path, csv_rows(path))
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _unique(path, json_lines(path))
    raise DatasetError("eval.unknown_format", path=path)


def question_of(row: dict[str, Any], path: Path, line: int) -> AnswerQuestion:
    """The question of a row.

    Args:
        path, line: where it stands, to say what is wrong with it.

    Raises:
        DatasetError.
    """
    return _question(row, _Row(path, line))


def _unique(path: Path, rows: Iterable[tuple[int, dict[str, Any]]]) -> list[AnswerQuestion]:
    questions: dict[str, AnswerQuestion] = {}
    for line, row in rows:
        question = _question(row, _Row(path, line))
        if question.id in questions:
            raise _Row(path, line).wrong("id", message("eval.twice", id=question.id))
        questions[question.id] = question
    return list(questions.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a row stands, to say what is wrong with it."""

    path: Path
    line: int

    def wrong(self, column: str, cause: Message) -> DatasetError:
        return DatasetError("eval.bad_column", path=self.path, line=self.line, column=column, cause=cause)


def _question(row: dict[str, Any], at: _Row) -> AnswerQuestion:
    asked = row.get("question")
    if not isinstance(asked, str) or not asked.strip():
        raise at.wrong("question", message("eval.needs_text"))
    if "answers" not in row and "answer" not in row:
        raise at.wrong("answers", message("eval.needs_answers"))
    state: State = row.get("state") or "accepted"
    if state not in get_args(State):
        raise at.wrong("state", message("eval.one_of", known=", ".join(get_args(State))))
    name = row.get("id", row.get("_id"))
    identifier = str(name).strip() if name not in (None, "") else question_id(asked)
    passage = row.get("passage") or ""
    return AnswerQuestion(identifier, asked.strip(), _answers(row, at), _evidence(row, at), state, str(passage))


def question_id(question: str) -> str:
    """An id that stays when rows before it come and go."""
    return "q" + hashlib.sha256(question.strip().encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _answers(row: dict[str, Any], at: _Row) -> tuple[str, ...]:
    column = "answers" if row.get("answers") not in (None, "") else "answer"
    given = row.get(column)
    listed = given if isinstance(given, list) else [given] if given is not None else []
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in listed):
        raise at.wrong(column, message("eval.needs_texts"))
    answers = tuple(dict.fromkeys(text for one in listed if (text := str(one).strip())))
    return () if [one.casefold() for one in answers] == [_NO_ANSWER] else answers


def _evidence(row: dict[str, Any], at: _Row) -> tuple[tuple[Place, ...], ...]:
    groups = row.get("evidence") or row.get("reference_pools")
    if groups:
        try:
            return tuple(tuple(_place(one, at) for one in group) for group in groups)
        except (TypeError, AttributeError) as error:
            raise at.wrong("evidence", message("eval.needs_places")) from error
    document = row.get("document", row.get("doc"))
    if document in (None, ""):
        return ()
    listed = row.get("pages") or row.get("page")
    pages = listed if isinstance(listed, list) else [listed] if listed not in (None, "") else [None]
    return tuple((_place({"document": document, "page": page}, at),) for page in pages)


def _place(one: dict[str, Any], at: _Row) -> Place:
    document, page = one.get("document", one.get("doc")), one.get("page")
    if not isinstance(document, str) or not document.strip():
        raise at.wrong("document", message("eval.needs_text"))
    if page is None:
        return document.strip(), None
    number = str(page).strip()
    if isinstance(page, bool) or not number.isdecimal() or int(number) < 1:
        raise at.wrong("page", message("eval.needs_page"))
    return document.strip(), int(number)


def _folder(folder: Path) -> AnswerSet:
    documents = load_dataset(folder)
    if documents.pages:
        path = folder / "evidence.jsonl"
        questions = _unique(path, json_lines(path))
        if (folder / "unanswerable.jsonl").is_file():
            questions += _unique(folder / "unanswerable.jsonl", json_lines(folder / "unanswerable.jsonl"))
    else:
        questions = list(_passage_questions(folder, documents))
    if not questions:
        raise DatasetError("eval.no_answers", path=folder)
    return AnswerSet(documents.name, tuple(questions), documents=documents)


def _passage_questions(folder: Path, documents: Dataset) -> Iterator[AnswerQuestion]:
    path = folder / "answers.jsonl"
    answers = {}
    for line, row in json_lines(path, "_id"):
        answers[str(row["_id"])] = _answers(row, _Row(path, line))
    files = documents.file_names()
    for question in documents.questions:
        if question.id in answers:
            places = tuple((files[unit], None) for unit in sorted(question.relevant) if unit in files)
            yield AnswerQuestion(question.id, question.text, answers[question.id], (places,) if places else ())
