"""Documents, their pages and chunks."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from ingest.types import FileReport, Page, ReadFile, embedded_text

from ..retrieval.language import language_of
from ..types import StoredDocument
from .database import Database
from .files import Files
from .lexical_index import OPENING, Fields, LexicalIndex, Tokens, path_text
from .notes import Notes
from .passages import CHUNK_TEXT, CHUNKS_OF_KB, marks

_TOKEN_CHARACTERS = 8  # hardly a token is longer on average
_MOST_MARKS = 10_000  # SQLite takes 32,766 values in a statement

_T = TypeVar("_T")


class Documents:
    """The documents of a catalog."""

    def __init__(self, database: Database, lexical: LexicalIndex, files: Files, notes: Notes) -> None:
        self._database = database
        self._lexical = lexical
        self._files = files
        self._notes = notes

    def all(self, kb: str) -> list[StoredDocument]:
        """All documents of a knowledge base, by path."""
        paths: dict[int, list[Path]] = {}
        for document, path in self._database.rows(
            "SELECT document, path FROM file WHERE kb = ? AND document IS NOT NULL ORDER BY path", (kb,)
        ):
            paths.setdefault(document, []).append(Path(path))
        rows = self._database.rows(
            "SELECT id, title, format, size, pages, chunks, ingested FROM document WHERE kb = ?", (kb,)
        )
        tags = self._files.tags(kb)
        stored = [
            StoredDocument(
                row[0],
                tuple(paths.get(row[0], ())),
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                datetime.fromisoformat(row[6]),
                tuple(sorted({tag for path in paths.get(row[0], ()) for tag in tags.get(path, ())})),
            )
            for row in rows
        ]
        return sorted((one for one in stored if one.paths), key=lambda one: str(one.path))

    def with_content(self, kb: str, digest: str, suffix: str, reader: str) -> int | None:
        """The id of a document with this content, read as files of this kind are, by this reader."""
        found: int | None = self._database.value(
            "SELECT id FROM document WHERE kb = ? AND digest = ? AND suffix = ? AND reader = ?",
            (kb, digest, suffix, reader),
        )
        return found

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

    def insert(self, kb: str, file: ReadFile, chunk_ids: Sequence[int], tokens: Tokens) -> int:
        """Write a document with its pages and chunks, inside the caller's transaction; returns its id."""
        document = file.document
        report = FileReport.of(file.source.path, document, len(file.chunks))
        row = self._database.execute(
            "INSERT INTO document (kb, digest, suffix, reader, title, format, size, ingested, pages, chunks, "
            "recognized, empty, warnings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                kb,
                file.digest,
                file.source.path.suffix.lower(),
                file.reader,
                document.title,
                document.format,
                file.source.size,
                datetime.now(UTC).isoformat(),
                report.pages,
                report.chunks,
                _json(report.recognized),
                _json(report.empty),
                _json([warning.plain() for warning in document.warnings]),
            ),
        )
        rows = {
            (page.number, page.described > 0): self._database.execute(
                "INSERT INTO page (document, number, label, text, kind, columns, ocr, described) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row, page.number, page.label, page.text, page.kind, page.columns, page.ocr, page.described),
            )
            for page in document.pages
        }
        pages = {(page.number, page.described > 0): page for page in document.pages}
        self._database.execute_many(
            "INSERT INTO chunk (id, page, start, stop, headings, lines, context, content, language) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    i,
                    rows[c.page, c.described],
                    c.start,
                    c.end,
                    _json(c.headings),
                    _json(_lines(pages[c.page, c.described], c.start, c.end)),
                    c.context,
                    c.content,
                    language_of(c.text),
                )
                for i, c in zip(chunk_ids, file.chunks, strict=True)
            ],
        )
        shared = DocumentFields(document.title, [file.source.path], _first_page(document.pages), tokens)
        for i, chunk in zip(chunk_ids, file.chunks, strict=True):
            note = self._notes.of(kb, chunk.content)
            self._lexical.add(kb, i, shared.of(chunk.page, chunk.headings, chunk.text, note))
        self.clear_pending(kb, chunk_ids)
        return row

    def rename(self, kb: str, document: int, tokens: Tokens, left: Path | None = None) -> None:
        """Let the lexical index know a document by the names of the files that have it now.

        Args:
            left: a file that has it no longer; a title that was its name becomes another file's.
        """
        title = self._database.value("SELECT title FROM document WHERE id = ?", (document,))
        paths = self._files.of(document)
        if left is not None and title == left.stem:
            title = paths[0].stem
            self._database.execute("UPDATE document SET title = ? WHERE id = ?", (title, document))
        fields = DocumentFields(title, paths, self._opening(document), tokens)
        rows = self._database.rows(
            "SELECT chunk.id, page.number, chunk.headings FROM chunk JOIN page ON page.id = chunk.page "
            "WHERE page.document = ?",
            (document,),
        )
        for chunk, page, headings in rows:
            self._lexical.rename(kb, chunk, fields.of(page, json.loads(headings), ""))

    def index_anew(self, kb: str, tokens: Tokens) -> None:
        """Write what is derived from the stored text again, inside the caller's transaction: words, languages."""
        self._lexical.drop(kb)
        self._lexical.create(kb)
        documents = self._database.rows("SELECT id, title FROM document WHERE kb = ?", (kb,))
        for document, title in documents:
            fields = DocumentFields(title, self._files.of(document), self._opening(document), tokens)
            for chunk, page, headings, text, content in self._database.rows(
                f"SELECT chunk.id, page.number, chunk.headings, {CHUNK_TEXT}, chunk.content FROM chunk "
                "JOIN page ON page.id = chunk.page WHERE page.document = ?",
                (document,),
            ):
                note = self._notes.of(kb, content)
                self._lexical.add(kb, chunk, fields.of(page, json.loads(headings), text, note))
                self._database.execute("UPDATE chunk SET language = ? WHERE id = ?", (language_of(text), chunk))

    def _opening(self, document: int) -> tuple[int, str]:
        """Number and text of the first page that has text."""
        row = self._database.row(
            "SELECT number, text FROM page WHERE document = ? AND trim(text) <> '' ORDER BY number, described LIMIT 1",
            (document,),
        )
        return (row[0], row[1]) if row else (0, "")

    def remove(self, kb: str, document: int) -> list[int]:
        """Take a document out, inside the caller's transaction; returns its chunk ids, noted as pending."""
        rows = self._database.rows(
            "SELECT chunk.id, chunk.content FROM chunk JOIN page ON page.id = chunk.page WHERE page.document = ?",
            (document,),
        )
        ids = [row[0] for row in rows]
        self._lexical.remove(kb, ids)
        self._database.execute_many("INSERT OR IGNORE INTO pending_vector VALUES (?, ?)", [(kb, i) for i in ids])
        self._database.execute("DELETE FROM document WHERE id = ?", (document,))
        self._notes.forget(kb, list({row[1] for row in rows}))
        return ids

    def pending(self, kb: str) -> list[int]:
        """Chunk ids that a crash may have left among the vectors."""
        return [row[0] for row in self._database.rows("SELECT chunk FROM pending_vector WHERE kb = ?", (kb,))]

    def clear_pending(self, kb: str, chunk_ids: Sequence[int]) -> None:
        """These are settled."""
        self._database.execute_many(
            "DELETE FROM pending_vector WHERE kb = ? AND chunk = ?", [(kb, i) for i in chunk_ids]
        )

    def clear_strays(self) -> None:
        """Forget what is pending of knowledge bases that never came into being."""
        self._database.execute("DELETE FROM pending_vector WHERE kb NOT IN (SELECT id FROM knowledge_base)")

    def chunk_ids(self, kb: str) -> list[int]:
        """All visible chunks of a knowledge base."""
        rows = self._database.rows(f"SELECT chunk.id FROM {CHUNKS_OF_KB} WHERE document.kb = ? ORDER BY 1", (kb,))
        return [row[0] for row in rows]

    def chunks_with(self, kb: str, contents: Sequence[bytes]) -> dict[bytes, int]:
        """For those contents (:attr:`ingest.types.Chunk.content`) that a visible chunk has, the id of one."""
        found: dict[bytes, int] = {}
        for part in _parts(contents):
            found |= dict(
                self._database.rows(
                    f"SELECT chunk.content, chunk.id FROM {CHUNKS_OF_KB} "
                    f"WHERE document.kb = ? AND chunk.content IN ({marks(part)})",
                    (kb, *part),
                )
            )
        return found

    def embedded_texts(self, chunk_ids: Sequence[int]) -> dict[int, str]:
        """What the model embeds of chunks."""
        found: dict[int, str] = {}
        for part in _parts(chunk_ids):
            rows = self._database.rows(
                f"SELECT chunk.id, chunk.context, {CHUNK_TEXT} FROM chunk JOIN page ON page.id = chunk.page "
                f"WHERE chunk.id IN ({marks(part)})",
                part,
            )
            found |= {chunk: embedded_text(context, text) for chunk, context, text in rows}
        return found

    def ids(self) -> list[int]:
        """The ids of all documents, of whichever knowledge base."""
        return [row[0] for row in self._database.rows("SELECT id FROM document")]

    def texts(self, document: int) -> list[str]:
        """All that is stored of a document's words: title, paths, pages, notes, and the lexical index's tokens."""
        kb, title = self._database.rows("SELECT kb, title FROM document WHERE id = ?", (document,))[0]
        pages = self._database.rows("SELECT text FROM page WHERE document = ?", (document,))
        chunks = self._database.rows(
            "SELECT chunk.id, chunk.content FROM chunk JOIN page ON page.id = chunk.page WHERE page.document = ?",
            (document,),
        )
        indexed = self._lexical.texts(kb, [row[0] for row in chunks])
        indexed += [note for row in chunks if (note := self._notes.of(kb, row[1]))]
        return [title, *map(str, self._files.of(document)), *(row[0] for row in pages), *indexed]


class DocumentFields:
    """What all chunks of a document have in common for the lexical index.

    Args:
        first: number and text of the first page with text.
    """

    def __init__(self, title: str, paths: Sequence[Path], first: tuple[int, str], tokens: Tokens) -> None:
        self._tokens = tokens
        self._title = tokens(title)
        self._path = tokens(path_text(paths))
        self._first, text = first
        self._opening = tokens(text[: OPENING * _TOKEN_CHARACTERS])[:OPENING]

    def of(self, page: int, headings: Sequence[str], text: str, note: str = "") -> Fields:
        """The fields of one chunk; on the first page, how the document opens is its own text."""
        title = self._title if page == self._first else [*self._title, *self._opening]
        return Fields(title, self._path, self._tokens(" ".join(headings)), self._tokens(text), self._tokens(note))


def _first_page(pages: Sequence[Page]) -> tuple[int, str]:
    return next(((page.number, page.text) for page in pages if page.text.strip()), (0, ""))


def _parts(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for first in range(0, len(values), _MOST_MARKS):
        yield values[first : first + _MOST_MARKS]


def _lines(page: Page, start: int, end: int) -> list[tuple[int, int]]:
    """The page's lines from the one that ``start`` is in to the one before ``end``."""
    first = max(0, bisect_right(page.lines, start, key=itemgetter(0)) - 1)
    return list(page.lines[first : bisect_left(page.lines, end, key=itemgetter(0))])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
