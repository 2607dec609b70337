"""What the data folder keeps of evaluations: questions and runs of each knowledge base.

They hold words of documents, so they go with them: of a case that shows a deleted document only its marks stay, and
questions that a model drafted from it go.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from .errors import StorageError

_FOLDER = "evaluation"
_QUESTIONS = "questions.jsonl"
_RUNS = "runs"
_GONE = "…"


def folder_of(data_dir: Path, kb: str) -> Path:
    """Where the evaluations of a knowledge base lie; it may not be there."""
    return data_dir / _FOLDER / kb


def questions_of(data_dir: Path, kb: str) -> Path:
    """The file of its questions."""
    return folder_of(data_dir, kb) / _QUESTIONS


def runs_of(data_dir: Path, kb: str) -> Path:
    """The folder of its runs."""
    return folder_of(data_dir, kb) / _RUNS


def forget_all(data_dir: Path, kb: str) -> None:
    """Delete what there is.

    Raises:
        StorageError.
    """
    folder = folder_of(data_dir, kb)
    if folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StorageError("storage.evaluation", path=folder, cause=error.strerror or error) from error


def forget_documents(data_dir: Path, kb: str, names: Collection[str]) -> None:
    """Take the words of documents out.

    Args:
        names: of their files.

    Raises:
        StorageError.
    """
    folder = folder_of(data_dir, kb)
    if not names or not folder.exists():
        return
    try:
        for path in (questions_of(data_dir, kb), *sorted(runs_of(data_dir, kb).glob("*.jsonl"))):
            if path.is_file():
                _rewrite(path, set(names))
    except OSError as error:
        raise StorageError("storage.evaluation", path=folder, cause=error.strerror or error) from error


def _rewrite(path: Path, names: set[str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = "".join(f"{line}\n" for line in _kept(before.split("\n"), names))
    if after != before:
        part = path.with_name(f".{path.name}.part")
        part.write_text(after, encoding="utf-8", newline="\n")
        os.replace(part, path)  # noqa: PTH105


def _kept(lines: list[str], names: set[str]) -> Iterator[str]:
    for line in lines:
        if not line:
            continue
        try:
            row = json.loads(line)
        except ValueError:  # cut off by a kill: nobody reads it
            continue
        if isinstance(row.get("question"), dict):  # a case of a run
            yield json.dumps(_bare(row), ensure_ascii=False) if _shows(row, names) else line
        elif not (row.get("passage") and _evidence(row) & names):
            yield line


def _shows(row: dict[str, Any], names: set[str]) -> bool:
    shown = {one["document"] for kind in ("citations", "passages") for one in row.get(kind, ())}
    return bool((shown | _evidence(row["question"])) & names)


def _evidence(question: dict[str, Any]) -> set[str]:
    return {str(place.get("document")) for group in question.get("evidence", ()) for place in group}


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """Id and marks; whether there was an answer to find."""
    question = row["question"]
    said = [_GONE] if question.get("answers") else []
    bare: dict[str, Any] = {"id": question["id"], "question": _GONE, "answers": said}
    nothing = {"text": "", "notice": "", "citations": [], "passages": [], "verdicts": {}}
    return {**row, **nothing, "error": _GONE if row.get("error") else "", "question": bare}
