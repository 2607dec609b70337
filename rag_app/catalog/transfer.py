"""All rows of a knowledge base, to be taken elsewhere, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..retrieval.language import language_of
from .database import Database
from .documents import DocumentFields
from .lexical_index import LexicalIndex

Rows = dict[str, list[Sequence[Any]]]

_COLUMNS = {
    "document": "id digest suffix reader title format size ingested pages chunks recognized empty warnings",
    "file": "document path size modified_ns digest reader reason",
    "tag": "path name",
    "note": "content text",
    "page": "id document number label text kind columns ocr described",
    "chunk": "id page start stop headings lines context content",
}
_LATER = {"page": 0}
"""Table → the value of its last column where an archive of an earlier version has none."""
_FROM = {
    "document": "document WHERE kb = ?",
    "file": "file WHERE kb = ?",
    "tag": "tag WHERE kb = ?",
    "note": "note WHERE kb = ?",
    "page": "page WHERE document IN (SELECT id FROM document WHERE kb = ?)",
    "chunk": "chunk WHERE page IN (SELECT page.id FROM page JOIN document ON document.id = page.document WHERE kb = ?)",
}


def dump(database: Database, kb: str) -> Rows:
    """Table → rows, each in the order of their first column; of chunks and pages that is their id."""
    return {
        table: [tuple(row) for row in database.rows(f"SELECT {_listed(table)} FROM {_FROM[table]} ORDER BY 1", (kb,))]
        for table in _COLUMNS
    }


def load(
    database: Database,
    lexical: LexicalIndex,
    kb: str,
    rows: Mapping[str, Sequence[Sequence[Any]]],
    chunk_ids: Sequence[int],
    tokens: Callable[[str], list[str]],
) -> None:
    """Write the rows of another knowledge base into an empty one, inside the caller's transaction.

    Args:
        chunk_ids: the ids that its chunks get, in the order of ``rows["chunk"]``.

    Raises:
        KeyError, IndexError, TypeError: the rows do not fit together.
    """
    documents = {row[0]: _insert(database, "document", {"kb": kb}, [None, *row[1:]], "id") for row in rows["document"]}
    paths: dict[int, list[Path]] = {}
    for row in rows["file"]:
        document = documents[row[0]] if row[0] is not None else None
        _insert(database, "file", {"kb": kb}, [document, *row[1:]])
        if document is not None:
            paths.setdefault(document, []).append(Path(row[1]))
    for row in rows.get("tag", ()):  # an archive of an earlier version has none
        _insert(database, "tag", {"kb": kb}, row)
    notes = {row[0]: row[1] for row in rows.get("note", ())}
    for row in rows.get("note", ()):
        _insert(database, "note", {"kb": kb}, row)
    titles = {documents[row[0]]: row[4] for row in rows["document"]}
    pages: dict[int, tuple[int, int, int, str]] = {}
    first: dict[int, tuple[int, str]] = {}
    for row in rows["page"]:
        document, number, text = documents[row[1]], row[2], row[4]
        pages[row[0]] = (_insert(database, "page", {}, [None, document, *row[2:]], "id"), document, number, text)
        if text.strip() and number < first.get(document, (number + 1, ""))[0]:
            first[document] = number, text
    fields = {
        document: DocumentFields(title, paths.get(document, []), first.get(document, (0, "")), tokens)
        for document, title in titles.items()
    }
    for chunk, row in zip(chunk_ids, rows["chunk"], strict=True):
        page, document, number, text = pages[row[1]]
        piece, note = text[row[2] : row[3]], notes.get(row[7], "")
        _insert(database, "chunk", {"language": language_of(piece)}, [chunk, page, *row[2:]])
        lexical.add(kb, chunk, fields[document].of(number, json.loads(row[4]), piece, note))


def _listed(table: str) -> str:
    return ", ".join(_COLUMNS[table].split())


def _insert(
    database: Database, table: str, fixed: Mapping[str, object], values: Sequence[object], leave_out: str = ""
) -> int:
    """Insert a row; the column ``leave_out`` is the database's to choose. Returns the row's id."""
    columns = _COLUMNS[table].split()
    if table in _LATER and len(values) == len(columns) - 1:
        values = [*values, _LATER[table]]
    given = {**fixed, **dict(zip(columns, values, strict=True))}
    given.pop(leave_out, None)
    marks = ", ".join("?" * len(given))
    return database.execute(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks})", tuple(given.values()))
