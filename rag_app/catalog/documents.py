"""Documents, their pages and chunks."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from ingest.messages import Message
from ingest.types import Chunk, Document, FileReport, Page, SourceFile

from ..types import Passage, StoredDocument
from .database import Database
from .lexical_index import LexicalIndex

_HAS_TEXT = "trim(text, ' ' || char(10)) <> ''"
_CHUNKS = "SELECT count(*) FROM chunk JOIN page ON page.id = chunk.page WHERE page.document ="
_SELECT = f"""
SELECT document.id, document.path, document.title, document.format, document.size, document.ingested,
    (SELECT count(*) FROM page WHERE document = document.id AND {_HAS_TEXT}),
    ({_CHUNKS} document.id)
FROM document
"""


class Documents:
    """The documents of a catalog."""

    def __init__(self, database: Database, lexical: LexicalIndex) -> None:
        self._database = database
        self._lexical = lexical

    def all(self, kb: str) -> list[StoredDocument]:
        """All documents of a knowledge base, by path."""
        return [_stored(row) for row in self._database.rows(f"{_SELECT} WHERE document.kb = ? ORDER BY path", (kb,))]

    def find(self, kb: str, path: Path) -> StoredDocument | None:
        """The document stored under ``path``."""
        row = self._database.row(f"{_SELECT} WHERE document.kb = ? AND path = ?", (kb, str(path)))
        return _stored(row) if row else None

    def below(self, kb: str, path: Path) -> list[StoredDocument]:
        """The document at ``path`` and all documents in that folder."""
        return [document for document in self.all(kb) if document.path == path or path in document.path.parents]

    def report(self, kb: str, path: Path) -> FileReport:
        """What became of the document stored under ``path``; its status is "unchanged"."""
        row = self._database.row("SELECT id, warnings FROM document WHERE kb = ? AND path = ?", (kb, str(path)))
        if row is None:
            return FileReport(path, "unchanged")
        pages = self._database.rows(f"SELECT number, {_HAS_TEXT}, ocr FROM page WHERE document = ? ORDER BY 1", row[:1])
        return FileReport(
            path,
            "unchanged",
            pages=sum(text for _, text, _ in pages),
            chunks=self._database.value(f"{_CHUNKS} ?", row[:1]),
            recognized=tuple(number for number, text, ocr in pages if text and ocr),
            empty=tuple(number for number, text, _ in pages if not text),
            warnings=tuple(map(Message.of, json.loads(row[1]))),
        )

    def stamp(self, kb: str, path: Path) -> tuple[int, int, str] | None:
        """(size, modified_ns, digest) of the document stored under ``path``."""
        row = self._database.row(
            "SELECT size, modified_ns, digest FROM document WHERE kb = ? AND path = ?", (kb, str(path))
        )
        return (row[0], row[1], row[2]) if row else None

    def restamp(self, kb: str, source: SourceFile) -> None:
        """The file was touched, its content is the same."""
        self._database.execute(
            "UPDATE document SET size = ?, modified_ns = ? WHERE kb = ? AND path = ?",
            (source.size, source.modified_ns, kb, str(source.path)),
        )

    def forget_stamps(self, kb: str) -> None:
        """Make every file look changed, so that it is read again."""
        self._database.execute("UPDATE document SET modified_ns = -1, digest = '' WHERE kb = ?", (kb,))

    def reserve_chunk_ids(self, kb: str, count: int) -> list[int]:
        """Ids for chunks that are about to be written, noted as pending until they are visible.

        Runs in a transaction of its own.
        """
        with self._database.transaction():
            last = self._database.value("SELECT seq FROM sqlite_sequence WHERE name = 'chunk'")
            pending = self._database.value("SELECT max(chunk) FROM pending_vector")
            first = max(last or 0, pending or 0) + 1
            ids = list(range(first, first + count))
            self._database.execute_many("INSERT INTO pending_vector VALUES (?, ?)", [(kb, i) for i in ids])
        return ids

    def insert(
        self,
        kb: str,
        source: SourceFile,
        digest: str,
        document: Document,
        chunks: Sequence[Chunk],
        chunk_ids: Sequence[int],
        tokens: Callable[[str], list[str]],
    ) -> None:
        """Write a document with its pages and chunks; inside the caller's transaction."""
        row = self._database.execute(
            "INSERT INTO document (kb, path, title, format, size, modified_ns, digest, ingested, warnings) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                kb,
                str(source.path),
                document.title,
                document.format,
                source.size,
                source.modified_ns,
                digest,
                datetime.now(UTC).isoformat(),
                _json([warning.plain() for warning in document.warnings]),
            ),
        )
        rows = {
            page.number: self._database.execute(
                "INSERT INTO page (document, number, label, text, kind, columns, ocr) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (row, page.number, page.label, page.text, page.kind, page.columns, page.ocr),
            )
            for page in document.pages
        }
        pages = {page.number: page for page in document.pages}
        self._database.execute_many(
            "INSERT INTO chunk (id, page, start, stop, headings, lines) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (i, rows[c.page], c.start, c.end, _json(c.headings), _json(_lines(pages[c.page], c.start, c.end)))
                for i, c in zip(chunk_ids, chunks, strict=True)
            ],
        )
        for i, chunk in zip(chunk_ids, chunks, strict=True):
            title = " ".join([document.title, source.path.stem, *chunk.headings])
            self._lexical.add(kb, i, tokens(title), tokens(chunk.text))
        self.clear_pending(kb, chunk_ids)

    def remove(self, kb: str, document: int) -> list[int]:
        """Take a document out, inside the caller's transaction; returns its chunk ids, noted as pending."""
        ids = [
            row[0]
            for row in self._database.rows(
                "SELECT chunk.id FROM chunk JOIN page ON page.id = chunk.page WHERE page.document = ?", (document,)
            )
        ]
        self._lexical.remove(kb, ids)
        self._database.execute_many("INSERT OR IGNORE INTO pending_vector VALUES (?, ?)", [(kb, i) for i in ids])
        self._database.execute("DELETE FROM document WHERE id = ?", (document,))
        return ids

    def pending(self, kb: str) -> list[int]:
        """Chunk ids that a crash may have left among the vectors."""
        return [row[0] for row in self._database.rows("SELECT chunk FROM pending_vector WHERE kb = ?", (kb,))]

    def clear_pending(self, kb: str, chunk_ids: Sequence[int]) -> None:
        """These are settled."""
        self._database.execute_many(
            "DELETE FROM pending_vector WHERE kb = ? AND chunk = ?", [(kb, i) for i in chunk_ids]
        )

    def passages(self, chunk_ids: Sequence[int]) -> dict[int, Passage]:
        """Visible chunks by id, without scores; others are left out."""
        marks = ", ".join("?" * len(chunk_ids))
        rows = self._database.rows(
            "SELECT chunk.id, document.path, document.title, page.number, page.label, "
            "(SELECT max(number) FROM page AS p WHERE p.document = document.id), chunk.headings, chunk.start, "
            "chunk.stop, substr(page.text, chunk.start + 1, chunk.stop - chunk.start), page.kind, chunk.lines, "
            "page.columns, page.ocr "
            "FROM chunk JOIN page ON page.id = chunk.page JOIN document ON document.id = page.document "
            f"WHERE chunk.id IN ({marks})",
            chunk_ids,
        )
        return {row[0]: _passage(row) for row in rows}


def _lines(page: Page, start: int, end: int) -> list[tuple[int, int]]:
    """The page's lines from the one that ``start`` is in to the one before ``end``."""
    first = max(0, bisect_right(page.lines, start, key=itemgetter(0)) - 1)
    return list(page.lines[first : bisect_left(page.lines, end, key=itemgetter(0))])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _passage(row: tuple[Any, ...]) -> Passage:
    identifier, path, title, page, label, pages, headings, start, stop, text, kind, lines, columns, ocr = row
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
    )


def _stored(row: tuple[Any, ...]) -> StoredDocument:
    identifier, path, title, form, size, ingested, pages, chunks = row
    return StoredDocument(identifier, Path(path), title, form, size, pages, chunks, datetime.fromisoformat(ingested))
