"""Chunks as retrieval reads them: which there are, their languages, and what stands around them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.messages import Language

from ..types import Passage
from .database import Database

CHUNK_TEXT = "substr(page.text, chunk.start + 1, chunk.stop - chunk.start)"
CHUNKS_OF_KB = "chunk JOIN page ON page.id = chunk.page JOIN document ON document.id = page.document"


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk on its page: ``page.text[start:end]``; headings and lines are JSON, as they are stored."""

    id: int
    start: int
    end: int
    headings: str
    lines: str


class Passages:
    """The visible chunks of a catalog, to be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def some_chunk_ids(self, kb: str, most: int) -> list[int]:
        """At most that many visible chunks, spread evenly over the knowledge base."""
        rows = self._database.rows(f"SELECT chunk.id FROM {CHUNKS_OF_KB} WHERE document.kb = ? ORDER BY 1", (kb,))
        ids = [row[0] for row in rows]
        return ids[:: max(1, -(-len(ids) // most))]

    def of_document(self, document: int) -> list[int]:
        """All visible chunks of a document, in reading order."""
        rows = self._database.rows(
            f"SELECT chunk.id FROM {CHUNKS_OF_KB} WHERE document.id = ? ORDER BY page.number, page.id, chunk.start",
            (document,),
        )
        return [row[0] for row in rows]

    def documents_with(self, chunk_ids: Sequence[int]) -> set[int]:
        """The documents that chunks are of."""
        rows = self._database.rows(
            f"SELECT DISTINCT document.id FROM {CHUNKS_OF_KB} WHERE chunk.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(chunk_ids)),),
        )
        return {row[0] for row in rows}

    def base_of(self, document: int) -> str:
        """The id of the knowledge base that a document is in."""
        return str(self._database.rows("SELECT kb FROM document WHERE id = ?", (document,))[0][0])

    def languages(self, chunk_ids: Sequence[int]) -> dict[int, Language]:
        """Which language each chunk is in."""
        return dict(self._database.rows(f"SELECT id, language FROM chunk WHERE id IN ({marks(chunk_ids)})", chunk_ids))

    def selected(self, sql: str, values: Sequence[object]) -> list[int]:
        """The chunk ids that a query gives."""
        return [row[0] for row in self._database.rows(sql, values)]

    def pages_of(self, chunk_ids: Sequence[int]) -> dict[int, tuple[str, list[StoredChunk]]]:
        """Chunk id → text of its page and that page's chunks in reading order, one list for all of them."""
        wanted = f"(SELECT page FROM chunk WHERE id IN ({marks(chunk_ids)}))"
        texts = dict(self._database.rows(f"SELECT id, text FROM page WHERE id IN {wanted}", chunk_ids))
        chunks: dict[int, list[StoredChunk]] = {}
        where: dict[int, int] = {}
        for page, *stored in self._database.rows(
            f"SELECT page, id, start, stop, headings, lines FROM chunk WHERE page IN {wanted} ORDER BY page, start",
            chunk_ids,
        ):
            chunk = StoredChunk(*stored)
            chunks.setdefault(page, []).append(chunk)
            where[chunk.id] = page
        return {chunk: (texts[where[chunk]], chunks[where[chunk]]) for chunk in chunk_ids if where.get(chunk) in texts}

    def page_texts(self, path: Path, number: int) -> list[str]:
        """The text of a file's page, in whichever knowledge bases; without descriptions of pictures."""
        rows = self._database.rows(
            "SELECT DISTINCT text FROM page WHERE number = ? AND described = 0 "
            "AND document IN (SELECT document FROM file WHERE path = ?)",
            (number, str(path)),
        )
        return [row[0] for row in rows]

    def some_headings(self, kb: str, documents: int, chunks: int) -> list[tuple[str, str, Language, tuple[str, ...]]]:
        """(file, title, language, heading path) of the first chunks of the latest documents, in reading order."""
        rows = self._database.rows(
            "SELECT (SELECT min(path) FROM file WHERE file.document = latest.id), latest.title, chunk.language, "
            "chunk.headings FROM (SELECT id, title FROM document WHERE kb = ? ORDER BY id DESC LIMIT ?) AS latest "
            "JOIN chunk ON chunk.id IN (SELECT chunk.id FROM page JOIN chunk ON chunk.page = page.id "
            "WHERE page.document = latest.id ORDER BY page.number, chunk.start LIMIT ?) ORDER BY latest.id, chunk.id",
            (kb, documents, chunks),
        )
        return [(path, title, language, tuple(json.loads(headings))) for path, title, language, headings in rows]

    def of(self, chunk_ids: Sequence[int]) -> dict[int, Passage]:
        """Visible chunks by id, without scores, ``kb`` the knowledge base's id; others are left out."""
        rows = self._database.rows(
            "SELECT chunk.id, (SELECT min(path) FROM file WHERE file.document = document.id), document.title, "
            "page.number, page.label, (SELECT max(number) FROM page AS p WHERE p.document = document.id), "
            f"chunk.headings, chunk.start, chunk.stop, {CHUNK_TEXT}, page.kind, chunk.lines, page.columns, page.ocr, "
            "document.kb, page.described "
            f"FROM {CHUNKS_OF_KB} WHERE chunk.id IN (SELECT value FROM json_each(?))",  # may be all of a document
            (json.dumps(list(chunk_ids)),),
        )
        return {row[0]: _passage(row) for row in rows}


def marks(values: Sequence[object]) -> str:
    """As many question marks."""
    return ", ".join("?" * len(values))


def _passage(row: tuple[Any, ...]) -> Passage:
    identifier, path, title, page, label, pages, headings, start, stop, text, kind, lines, columns, *rest = row
    ocr, kb, described = rest
    return Passage(
        chunk_id=identifier,
        document=Path(path).name,
        path=Path(path),
        title=title,
        page=page,
        page_label=label,
        pages=pages,
        headings=tuple(json.loads(headings)),
        start=start,
        end=stop,
        text=text,
        kind=kind,
        lines=tuple((offset, line) for offset, line in json.loads(lines)),
        columns=columns,
        ocr=bool(ocr),
        kb=kb,
        described=described > 0,
    )
