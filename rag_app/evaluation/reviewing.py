"""Drafted questions looked through by a person, one by one; each decision is on the disk at once."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import DatasetError
from .answer_datasets import AnswerQuestion, State, read_questions


class Review:
    """A file of questions under review.

    ::

        review = Review("questions.jsonl")
        for question in review.drafts:
            review.accept(question.id)

    Raises:
        DatasetError: the file can't be read, or is no JSONL.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".jsonl":
            raise DatasetError("eval.unknown_format", path=path)
        self._questions = {one.id: one for one in read_questions(self.path)}

    @property
    def questions(self) -> list[AnswerQuestion]:
        """All, in the order of the file."""
        return list(self._questions.values())

    @property
    def drafts(self) -> list[AnswerQuestion]:
        """Those that nobody has decided on."""
        return [one for one in self._questions.values() if one.state == "draft"]

    @property
    def counts(self) -> dict[State, int]:
        """How many there are in each state."""
        found = Counter(one.state for one in self._questions.values())
        return {"accepted": found["accepted"], "rejected": found["rejected"], "draft": found["draft"]}

    def accept(self, id: str) -> AnswerQuestion:
        """It will be asked.

        Raises:
            DatasetError: there is no such question, or the file can't be written.
        """
        return self._put(replace(self._get(id), state="accepted"))

    def reject(self, id: str) -> AnswerQuestion:
        """It will not be asked; it stays in the file.

        Raises:
            DatasetError.
        """
        return self._put(replace(self._get(id), state="rejected"))

    def edit(self, id: str, *, question: str = "", answers: Sequence[str] | None = None) -> AnswerQuestion:
        """Put other words in its place; its id and state stay.

        Args:
            question: "" leaves it. answers: None leaves them, none says that the documents do not say.

        Raises:
            DatasetError.
        """
        before = self._get(id)
        kept = tuple(one.strip() for one in answers if one.strip()) if answers is not None else before.answers
        return self._put(replace(before, question=question.strip() or before.question, answers=kept))

    def accept_all(self) -> int:
        """Accept all drafts; returns how many there were.

        Raises:
            DatasetError.
        """
        drafts = self.drafts
        self._questions |= {one.id: replace(one, state="accepted") for one in drafts}
        write_questions(self.path, self.questions)
        return len(drafts)

    def _get(self, name: str) -> AnswerQuestion:
        if name not in self._questions:
            raise DatasetError("eval.no_such_question", path=self.path, id=name)
        return self._questions[name]

    def _put(self, question: AnswerQuestion) -> AnswerQuestion:
        self._questions[question.id] = question
        write_questions(self.path, self.questions)
        return question


def write_questions(path: Path, questions: Iterable[AnswerQuestion]) -> None:
    """Write a file of questions, whole or not at all.

    Raises:
        DatasetError.
    """
    part = path.with_name(f".{path.name}.part")
    rows = (json.dumps(one.as_json(), ensure_ascii=False).encode("utf-8", "replace").decode() for one in questions)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")
        os.replace(part, path)  # noqa: PTH105
    except OSError as error:
        raise DatasetError("eval.unwritable", path=path, cause=error.strerror or error) from error
