"""``rag-app ask --batch``: many questions, an answer a line; a rerun goes on where the last one ended.

A line that is written is on the disk before the next question is asked, so that Ctrl-C, or a kill, costs the question
at work only.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from ingest.errors import UserError

from ..app import RagApp
from ..errors import RagError
from ..types import Filters
from .answers import as_json
from .output import Output
from .shapes import BatchAnswerJson, BatchFailureJson

_EXAMPLE = '{"id": "1", "question": "…", "kb": "default"}'


class BatchError(RagError):
    """The questions can't be read, or the answers can't be written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the questions.

    Attributes:
        id: as the line has it, else the line's number.
        kbs: knowledge bases; those of the command line where it names none.
        flaw: why it is no question, None where it is one.
    """

    id: str
    question: str
    kbs: tuple[str, ...] = ()
    flaw: UserError | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions were answered, answered before, and not answered."""

    answered: int = 0
    skipped: int = 0
    failed: int = 0


def questions(lines: Iterable[str]) -> Iterator[Asked]:
    """The questions of JSON lines (``id``, ``question``, ``kb``) or of plain text; empty lines are passed over."""
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        line = line.strip().lstrip("\ufeff")
        if not line:
            continue
        asked = _of_json(line, number) if line.startswith("{") else Asked(str(number), line)
        if asked.id in seen and asked.flaw is None:
            asked = replace(asked, flaw=BatchError("batch.same_id", id=asked.id, line=number))
        seen.add(asked.id)
        yield asked


def _of_json(line: str, number: int) -> Asked:
    try:
        value: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Asked(str(number), line, flaw=BatchError("batch.bad_json", line=number, cause=error, example=_EXAMPLE))
    question, kbs = value.get("question"), value.get("kb") or []
    id = str(value.get("id", number))
    named = (kbs,) if isinstance(kbs, str) else tuple(kbs) if isinstance(kbs, list) else (None,)
    if not isinstance(question, str) or not all(isinstance(one, str) for one in named):
        return Asked(id, str(question or ""), flaw=BatchError("batch.no_question", line=number, example=_EXAMPLE))
    return Asked(id, question, tuple(one for one in named if one))


def count(path: Path) -> int | None:
    """How many lines there are to go through, None where that can't be told: standard input."""
    if str(path) == "-" or not path.is_file():
        return None
    with opened(path) as lines:
        return sum(bool(line.strip()) for line in lines)


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A file of questions, or standard input for ``-``.

    Raises:
        BatchError: it can't be read.
    """
    if str(path) == "-":
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
        yield sys.stdin
        return
    try:
        file = path.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise BatchError("batch.no_file", path=path, cause=error.strerror or error) from error
    with file:
        yield file


class Answers:
    """Where the answers go: a file that may hold some already, or standard output.

    Args:
        path: of the file; None for standard output.

    Attributes:
        done: id → question of what was answered before.
    """

    def __init__(self, path: Path | None, output: Output) -> None:
        self._path = path
        self._output = output
        self._file: TextIO | None = None
        self.done: dict[str, str] = {}

    def __enter__(self) -> Answers:
        if self._path is not None:
            try:
                self._take_up(self._path)
                self._file = self._path.open("a", encoding="utf-8", newline="\n")
            except OSError as error:
                raise BatchError("batch.unwritable", path=self._path, cause=error.strerror or error) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # each line was flushed; what failed was told then
                self._file.close()

    def add(self, line: BatchAnswerJson | BatchFailureJson) -> None:
        """Write a line; it has left this process when this returns.

        Raises:
            BatchError.
        """
        written = self._output.one_line(line)
        if self._file is None:
            print(written, flush=True)
            return
        try:
            self._file.write(written + "\n")
            self._file.flush()
        except OSError as error:
            raise BatchError("batch.unwritable", path=self._path, cause=error.strerror or error) from error

    def fail(self, asked: Asked, error: UserError) -> None:
        """Write, in place of an answer, why there is none.

        Raises:
            BatchError.
        """
        failure = self._output.failure(error)
        self.add({"id": asked.id, "question": asked.question, **failure})

    def _take_up(self, path: Path) -> None:
        """Read what was answered; a last line that was cut off goes, and so does what failed: it is asked again."""
        if not path.is_file():  # nothing yet, or a device
            path.parent.mkdir(parents=True, exist_ok=True)
            return
        *lines, cut = path.read_bytes().split(b"\n")
        kept = []
        for number, line in enumerate(lines, 1):
            try:
                answer = json.loads(line)
                id, question = answer["id"], answer["question"]
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise BatchError("batch.not_answers", path=path, line=number) from error
            if "error" not in answer:
                self.done[id] = question
                kept.append(line + b"\n")
        if cut or len(kept) != len(lines):
            fresh = path.with_name(f".{path.name}.part")
            fresh.write_bytes(b"".join(kept))
            os.replace(fresh, path)  # noqa: PTH105


def run(
    rag: RagApp,
    asked: Iterable[Asked],
    answers: Answers,
    kbs: Sequence[str],
    filters: Filters | None,
    tell: Callable[[Counts], None],
) -> Counts:
    """Answer one question after the other; what goes wrong with one is written in its place.

    Args:
        kbs: for questions that name no knowledge base.
        tell: called after each.

    Raises:
        BatchError: the answers are of other questions, or can't be written.
    """
    counts = Counts()
    for one in asked:
        if one.id in answers.done:
            if answers.done[one.id] != one.question and one.flaw is None:
                raise BatchError("batch.other_question", id=one.id, was=answers.done[one.id], now=one.question)
            counts = replace(counts, skipped=counts.skipped + 1)
        elif _answer(rag, one, answers, one.kbs or tuple(kbs), filters):
            counts = replace(counts, answered=counts.answered + 1)
        else:
            counts = replace(counts, failed=counts.failed + 1)
        tell(counts)
    return counts


def _answer(rag: RagApp, one: Asked, answers: Answers, kbs: Sequence[str], filters: Filters | None) -> bool:
    try:
        if one.flaw is not None:
            raise one.flaw
        answer = rag.ask(one.question, kbs or None, filters=filters)
        if not answer.complete:
            raise BatchError("batch.incomplete")
    except UserError as error:
        answers.fail(one, error)
        return False
    shown = as_json(answer)
    shown["question"] = one.question  # not trimmed: a rerun compares it
    answers.add({"id": one.id, **shown})
    return True
