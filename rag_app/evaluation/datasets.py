"""Questions with what answers them, from a folder in one of two layouts.

* Passages: ``corpus.jsonl`` ({_id, title, text}), ``queries.jsonl`` ({_id, text}) and ``qrels.tsv`` (a header; query,
  passage, score), as BEIR has them (Thakur et al. 2021).
* Documents: files under ``pdfs/`` and ``evidence.jsonl`` ({_id, question, doc, page or pages or reference_pools});
  pages are 1-based physical pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.values import Value

from ..errors import DatasetError
from ..types import Passage


@dataclass(frozen=True, slots=True, repr=False)
class Question(Value):
    """A question and the units (passages or pages) that answer it, by name."""

    id: str
    text: str
    relevant: frozenset[str]


@dataclass(frozen=True, slots=True, repr=False)
class Dataset(Value):
    """What to ask, and of what.

    Attributes:
        folder: where the documents or passages are. pages: whether a unit is a page, else a whole file.
    """

    name: str
    folder: Path
    questions: tuple[Question, ...]
    pages: bool

    @property
    def documents(self) -> int:
        """How many files there are to ingest."""
        if self.pages:
            return sum(1 for path in (self.folder / "pdfs").rglob("*") if path.is_file())
        return sum(1 for _ in json_lines(self.folder / "corpus.jsonl"))

    def files(self, work: Path) -> tuple[Path, dict[str, str]]:
        """The folder to ingest, and of passages the file's name → the unit's.

        Args:
            work: an empty folder, for passages: each becomes a file, Markdown with its title or plain text without.

        Raises:
            DatasetError.
        """
        if self.pages:
            return self.folder / "pdfs", {}
        units: dict[str, str] = {}
        for name, passage in self._passages():
            title = passage.get("title", "")
            text = f"# {title}\n\n{passage['text']}" if title else passage["text"]
            (work / name).write_text(text, encoding="utf-8")
            units[name] = str(passage["_id"])
        return work, units

    def file_names(self) -> dict[str, str]:
        """Of passages, the unit's name → that of the file which :meth:`files` makes of it.

        Raises:
            DatasetError.
        """
        return {} if self.pages else {str(passage["_id"]): name for name, passage in self._passages()}

    def _passages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, (_, passage) in enumerate(json_lines(self.folder / "corpus.jsonl", "_id", "text")):
            yield f"{number:06}.md" if passage.get("title") else f"{number:06}.txt", passage

    def unit(self, passage: Passage, units: dict[str, str]) -> str:
        """The unit that a passage is of."""
        return _page(passage.document, passage.page) if self.pages else units[passage.document]


def load_dataset(folder: str | Path, queries: str | Path | None = None) -> Dataset:
    """Read and check a folder.

    Args:
        queries: another folder of the first layout whose questions are asked of this one's passages, e.g. in another
            language; by default the folder's own.

    Raises:
        DatasetError: names the file and the line.
    """
    folder = Path(folder)
    asked = Path(queries) if queries is not None else folder
    pages = queries is None and (folder / "evidence.jsonl").is_file()
    questions = tuple(_page_questions(folder) if pages else _passage_questions(asked))
    if not questions:
        raise DatasetError("eval.no_questions", path=asked)
    if not (folder / ("pdfs" if pages else "corpus.jsonl")).exists():
        raise DatasetError("eval.no_dataset", path=folder)
    name = "/".join(folder.resolve().parts[-2:])
    if asked != folder:
        name = f"{asked.resolve().name} → {name}"
    return Dataset(name, folder, questions, pages)


def _passage_questions(folder: Path) -> Iterator[Question]:
    relevant: dict[str, set[str]] = {}
    path = folder / "qrels.tsv"
    for number, line in enumerate(read_text(path).splitlines()[1:], 2):
        try:
            asked, unit, score = line.split("\t")
            if float(score) > 0:
                relevant.setdefault(asked, set()).add(unit)
        except ValueError as error:
            raise DatasetError("eval.bad_line", path=path, line=number, cause=error) from error
    for _, query in json_lines(folder / "queries.jsonl", "_id", "text"):
        if query["_id"] in relevant:
            yield Question(str(query["_id"]), query["text"], frozenset(relevant[query["_id"]]))


def _page_questions(folder: Path) -> Iterator[Question]:
    for _, case in json_lines(folder / "evidence.jsonl", "_id", "question"):
        pools = [evidence for pool in case.get("reference_pools", ()) for evidence in pool]
        pages = case.get("pages") or ([case["page"]] if case.get("page") else [])
        where = [(one["doc"], one["page"]) for one in pools] or [(case.get("doc"), page) for page in pages]
        if where:
            yield Question(str(case["_id"]), case["question"], frozenset(_page(doc, page) for doc, page in where))


def _page(document: str, page: int) -> str:
    return f"{document}#p{page}"


def json_lines(path: Path, *needed: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of each line of a JSONL file that is not blank.

    Args:
        needed: names that every object must have.

    Raises:
        DatasetError.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):  # JSON may hold what other line ends look like
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            missing = [name for name in needed if name not in row]
            if not isinstance(row, dict):
                raise TypeError(type(row).__name__)
        except (ValueError, TypeError, RecursionError) as error:
            raise DatasetError("eval.bad_line", path=path, line=number, cause=error) from error
        if missing:
            raise DatasetError("eval.bad_line", path=path, line=number, cause=", ".join(missing))
        yield number, row


def read_text(path: Path) -> str:
    """A file's text, UTF-8 with or without a byte order mark.

    Raises:
        DatasetError.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError("eval.no_file", path=path, cause=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise DatasetError("eval.not_utf8", path=path) from error
