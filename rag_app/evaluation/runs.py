"""Runs kept: JSON lines, the first says what the run is of, each other one is a case.

Written case by case, so that a run that is stopped, or killed, loses the question at work only. They hold text of the
documents, so they are files where the user wants them and not part of the data folder: what is deleted there stays
deleted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from ingest.messages import message

from ..errors import DatasetError
from .answer_datasets import question_of
from .cases import About, AnswerRun, Case

_FORMAT = "rag-app answers 1"


def load_run(path: str | Path) -> AnswerRun:
    """Read a run; a last line that was cut off is left out.

    Raises:
        DatasetError: the file can't be read or is no run.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        about = _about(lines[0])
        cases = tuple(_case(line, path, number) for number, line in enumerate(lines[1:-1], 2))
    except OSError as error:
        raise DatasetError("eval.no_file", path=path, cause=error.strerror or error) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError("eval.no_run", path=path) from error
    return AnswerRun(about, cases)


def list_runs(folder: str | Path) -> list[tuple[Path, AnswerRun]]:
    """The runs in a folder, oldest first; other files are passed over.

    Raises:
        DatasetError: the folder can't be read.
    """
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix == ".jsonl" and path.is_file())
    except OSError as error:
        raise DatasetError("eval.no_file", path=folder, cause=error.strerror or error) from error
    runs = [(path, load_run(path)) for path in paths if _is_run(path)]
    return sorted(runs, key=lambda one: one[1].about.started)


class RunFile:
    """A run that is being written.

    Attributes:
        done: the cases it has.
    """

    def __init__(self, path: Path, file: TextIO, about: About, done: tuple[Case, ...]) -> None:
        self._path = path
        self._file = file
        self.about = about
        self.done = done

    def add(self, case: Case) -> None:
        """Write a case; it is on the disk when this returns.

        Raises:
            DatasetError.
        """
        with _written(self._path):
            self._file.write(_line(case.as_json()))
            self._file.flush()
        self.done = (*self.done, case)

    @property
    def run(self) -> AnswerRun:
        """All that is written."""
        return AnswerRun(self.about, self.done)


@contextmanager
def open_run(path: str | Path, about: About, *, resume: bool = False) -> Iterator[RunFile]:
    """A run file to write to.

    Args:
        resume: go on with what is there, questions that ended in an error aside.

    Raises:
        DatasetError: the file is there already; or, to resume, is of other questions, documents or models.
    """
    path = Path(path)
    done: tuple[Case, ...] = ()
    if resume:
        before = load_run(path)
        for name in ("digest", "source", "model", "judge"):
            if getattr(before.about, name) != getattr(about, name):
                raise DatasetError("eval.other_run", path=path, what=message(f"eval.other_{name}"))
        about = replace(about, started=before.about.started)
        done = tuple(case for case in before.cases if not case.error)
    elif path.exists():
        raise DatasetError("eval.run_exists", path=path)
    with _written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.part") if resume else path
        file = fresh.open("w", encoding="utf-8", newline="\n")
        file.write(_line({"format": _FORMAT, **asdict(about)}))
        file.writelines(_line(case.as_json()) for case in done)
        file.flush()
    if resume:
        file.close()
        with _written(path):
            os.replace(fresh, path)  # noqa: PTH105
            file = path.open("a", encoding="utf-8", newline="\n")
    with file:
        yield RunFile(path, file, about, done)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError("eval.unwritable", path=path, cause=error.strerror or error) from error


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def _about(line: str) -> About:
    content = json.loads(line)
    if content.pop("format") != _FORMAT:
        raise ValueError(line[:80])
    return About(**content)


def _case(line: str, path: Path, number: int) -> Case:
    plain = json.loads(line)
    return Case.of(plain, question_of(plain["question"], path, number))


def _is_run(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            _about(file.readline())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True
