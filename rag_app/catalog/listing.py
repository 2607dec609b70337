"""Files and pages of a catalog to be looked through: searched, filtered, ordered and cut into parts by SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.messages import Message

from ..listing_types import FileCounts, FileList, FileOrder, FileState, ListedFile, ReadPage, ReadPages
from .database import Database

_FROM = "FROM file LEFT JOIN document ON document.id = file.document WHERE file.kb = :kb"
_STATE = (
    "CASE WHEN file.reason IS NOT NULL THEN 'refused' WHEN document.warnings <> '[]' THEN 'partial' ELSE 'read' END"
)
_SHOWN = "replace(file.path, :uploads, '')"  # where an upload lies is nobody's business
_COLUMNS = (
    f"file.path, {_STATE}, document.id, document.title, document.format, coalesce(document.size, file.size), "
    "document.ingested, coalesce(document.pages, 0), coalesce(document.chunks, 0), "
    "coalesce(json_array_length(document.recognized), 0), coalesce(json_array_length(document.empty), 0), "
    "coalesce((SELECT sum(described) FROM page WHERE page.document = document.id), 0), document.warnings, file.reason, "
    "(SELECT json_group_array(name) FROM (SELECT name FROM tag WHERE tag.kb = file.kb AND tag.path = file.path "
    "ORDER BY name))"
)
_ORDERS: dict[FileOrder, str] = {
    "name": f"{_SHOWN} COLLATE NOCASE, file.path",
    "newest": "document.ingested IS NULL DESC, document.ingested DESC, file.path",
    "largest": "coalesce(document.size, file.size) DESC, file.path",
}


class Listing:
    """What a catalog holds, to be looked through."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def files(
        self,
        kb: str,
        uploads: Path,
        *,
        search: str = "",
        states: Sequence[FileState] = (),
        formats: Sequence[str] = (),
        tags: Sequence[str] = (),
        order: FileOrder = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> FileList:
        """Files of a knowledge base: those that match all of what is given.

        Args:
            uploads: the folder whose files are the app's own.
            search: words that must all stand in the path or the title, whatever their letter case.
        """
        prefix = f"{uploads}/" if "/" in str(uploads) else f"{uploads}\\"
        where = [_FROM]
        values: dict[str, object] = {"kb": kb, "uploads": prefix, "limit": limit, "offset": offset}
        for place, word in enumerate(search.split()):
            values[f"word{place}"] = f"%{_escaped(word)}%"
            where.append(f"({_SHOWN} || ' ' || coalesce(document.title, '')) LIKE :word{place} ESCAPE '\\'")
        for name, expression, chosen in (("states", _STATE, states), ("formats", "(document.format)", formats)):
            if chosen:
                values[name] = json.dumps(list(chosen))
                where.append(f"{expression} IN (SELECT value FROM json_each(:{name}))")
        if tags:
            values["tags"] = json.dumps(list(tags))
            where.append(
                "EXISTS (SELECT 1 FROM tag WHERE tag.kb = file.kb AND tag.path = file.path "
                "AND tag.name IN (SELECT value FROM json_each(:tags)))"
            )
        matching = " AND ".join(where)
        total = self._database.value(f"SELECT count(*) {matching}", values)
        chosen_paths = f"SELECT file.path {matching} ORDER BY {_ORDERS[order]} LIMIT :limit OFFSET :offset"
        rows = self._database.rows(
            f"SELECT {_COLUMNS} {_FROM} AND file.path IN ({chosen_paths}) ORDER BY {_ORDERS[order]}", values
        )
        return FileList(total, tuple(_file(row, uploads) for row in rows))

    def counts(self, kb: str) -> FileCounts:
        """How many files there are of each kind."""
        values = {"kb": kb}
        states = self._database.rows(f"SELECT {_STATE}, count(*) {_FROM} GROUP BY 1", values)
        formats = self._database.rows(
            f"SELECT document.format, count(*) {_FROM} AND document.id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
            values,
        )
        tags = self._database.rows("SELECT name, count(*) FROM tag WHERE kb = :kb GROUP BY 1 ORDER BY 1", values)
        return FileCounts(dict(states), dict(formats), dict(tags))

    def pages(self, document: int, offset: int, limit: int) -> ReadPages:
        """Some pages of a document, in order, each description of pictures after its page."""
        total = self._database.value("SELECT count(*) FROM page WHERE document = ?", (document,))
        rows = self._database.rows(
            "SELECT number, label, text, kind, ocr, described, (SELECT json_group_array(json_array(start, stop)) FROM "
            "(SELECT start, stop FROM chunk WHERE chunk.page = page.id ORDER BY start)) "
            "FROM page WHERE document = ? ORDER BY number, described LIMIT ? OFFSET ?",
            (document, limit, offset),
        )
        return ReadPages(total, tuple(_page(row) for row in rows))


def _file(row: tuple[Any, ...], uploads: Path) -> ListedFile:
    path, state, document, title, form, size, ingested, *counts, warnings, reason, tags = row
    pages, chunks, recognized, empty, described = counts
    return ListedFile(
        Path(path),
        state,
        document,
        title or "",
        form or "",
        max(0, size),
        datetime.fromisoformat(ingested) if ingested else None,
        pages,
        chunks,
        recognized,
        empty,
        described,
        tuple(map(Message.of, json.loads(warnings or "[]"))),
        Message.of(json.loads(reason)) if reason else None,
        tuple(json.loads(tags)),
        Path(path).is_relative_to(uploads),
    )


def _page(row: tuple[Any, ...]) -> ReadPage:
    number, label, text, kind, ocr, described, chunks = row
    spans = tuple((start, stop) for start, stop in json.loads(chunks))
    return ReadPage(number, label, text, kind, bool(ocr), described > 0, spans)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
