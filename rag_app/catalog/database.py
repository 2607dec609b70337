"""One SQLite file: opening, transactions, and its errors turned into ours."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import StorageError

_VERSION = 5
_BUSY_SECONDS = 30
_ROOM = 1 << 16  # bytes; with less, a disk is full

_SCHEMA = """
CREATE TABLE knowledge_base (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    created TEXT NOT NULL,
    embedder TEXT NOT NULL DEFAULT '',           -- the model its vectors were made with, '' before the first
    embedder_revision TEXT NOT NULL DEFAULT '',
    embedder_setting TEXT NOT NULL DEFAULT '',   -- the setting that names it
    index_version INTEGER NOT NULL DEFAULT 0,    -- raised by each commit that changed vectors
    generation INTEGER NOT NULL DEFAULT 0,       -- of its vectors: which collection serves
    lexical INTEGER NOT NULL DEFAULT 0           -- how its lexical index was made, see catalog.lexical_index.RECIPE
);
CREATE TABLE rebuild (                           -- vectors that are being made beside those that serve
    kb TEXT PRIMARY KEY REFERENCES knowledge_base(id) ON DELETE CASCADE,
    revision TEXT NOT NULL,                      -- of the embedding model
    generation INTEGER NOT NULL
);
CREATE TABLE folder (                            -- kept in step by sync
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    PRIMARY KEY (kb, path)
) WITHOUT ROWID;
CREATE TABLE document (                          -- a content; files have it
    id INTEGER PRIMARY KEY,
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    digest TEXT NOT NULL,                        -- SHA-256 of the content
    suffix TEXT NOT NULL,                        -- chose the loader, so the same bytes may be two documents
    reader TEXT NOT NULL,                        -- what read it, see ingest.changes.Readers
    title TEXT NOT NULL,
    format TEXT NOT NULL,
    size INTEGER NOT NULL,
    ingested TEXT NOT NULL,
    pages INTEGER NOT NULL,                      -- with text
    chunks INTEGER NOT NULL,
    recognized TEXT NOT NULL,                    -- JSON array of page numbers
    empty TEXT NOT NULL,                         -- JSON array of page numbers
    warnings TEXT NOT NULL                       -- JSON array of messages: what could not be read
);
CREATE INDEX document_content ON document (kb, digest, suffix);
CREATE INDEX document_chunks ON document (      -- a knowledge base is counted at every question
    kb, chunks
);
CREATE TABLE file (
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    document INTEGER REFERENCES document(id) ON DELETE CASCADE,  -- NULL: refused, and nothing stored before
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,                -- -1: not to be trusted
    digest TEXT NOT NULL,                        -- of what was read last, also when that was refused
    reader TEXT NOT NULL,
    reason TEXT,                                 -- JSON message: why what was read last is refused
    PRIMARY KEY (kb, path)
) WITHOUT ROWID;
CREATE INDEX file_document ON file (document);
CREATE TABLE tag (                               -- given by people, to paths: a new version of a file keeps them
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (kb, path, name)
) WITHOUT ROWID;
CREATE TABLE note (                              -- what a language model wrote of a text; searched, never shown
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    content BLOB NOT NULL,                       -- of the chunks it is of
    text TEXT NOT NULL,
    PRIMARY KEY (kb, content)
) WITHOUT ROWID;
CREATE TABLE page (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,                     -- 1-based physical page; twice where its pictures are described
    label TEXT,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,                          -- page, slide, sheet or text
    columns INTEGER NOT NULL,                    -- of a sheet
    ocr INTEGER NOT NULL,                        -- 1 when the text was recognized from a picture
    described INTEGER NOT NULL,                  -- how many pictures a model described: the text is the model's
    UNIQUE (document, number, described)
);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never used twice: a vector's id means one text for ever
    page INTEGER NOT NULL REFERENCES page(id) ON DELETE CASCADE,
    start INTEGER NOT NULL,                      -- the chunk is page.text[start:stop], in characters
    stop INTEGER NOT NULL,
    headings TEXT NOT NULL,                      -- JSON array, outermost first
    lines TEXT NOT NULL,                         -- JSON array of [offset in the page, line or row], often empty
    context TEXT NOT NULL DEFAULT '',            -- title and heading path, in front of what is embedded
    content BLOB NOT NULL DEFAULT x'',           -- names what is embedded: the same content, the same vector
    language TEXT NOT NULL DEFAULT 'en'          -- of the text: cosines are compared within a language
);
CREATE INDEX chunk_page ON chunk (page);
CREATE INDEX chunk_content ON chunk (content);
CREATE TABLE pending_vector (                    -- may stand in Chroma though no visible chunk has this id
    kb TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    PRIMARY KEY (kb, chunk)
) WITHOUT ROWID;
"""


_UPGRADES = {
    1: "ALTER TABLE document ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]'",
    # files get a table of their own. SQLite can't drop a UNIQUE, so the table is made anew, see
    # https://www.sqlite.org/lang_altertable.html#otheralter; no reader is noted, so every file is read anew
    2: """
ALTER TABLE knowledge_base ADD COLUMN embedder_setting TEXT NOT NULL DEFAULT '';
ALTER TABLE knowledge_base ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN context TEXT NOT NULL DEFAULT '';
ALTER TABLE chunk ADD COLUMN content BLOB NOT NULL DEFAULT x'';
ALTER TABLE document RENAME TO document_2;
{rebuild};
{folder};
{document};
{document_content};
{file};
INSERT INTO document SELECT id, kb, digest, '', '', title, format, size, ingested,
    (SELECT count(*) FROM page WHERE document = document_2.id AND trim(text) <> ''),
    (SELECT count(*) FROM chunk JOIN page ON page.id = chunk.page WHERE page.document = document_2.id),
    '[]', '[]', warnings FROM document_2;
INSERT INTO file SELECT kb, path, id, size, modified_ns, digest, '', NULL FROM document_2;
DROP TABLE document_2;
{file_document};
{chunk_content}""",
    # the lexical index gets other columns: made anew when the folder is opened
    3: """
ALTER TABLE knowledge_base ADD COLUMN lexical INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
{tag};
{note};
{document_chunks}""",
    # a page may stand beside the description of its pictures
    4: """
ALTER TABLE page RENAME TO page_4;
{page};
INSERT INTO page SELECT id, document, number, label, text, kind, columns, ocr, 0 FROM page_4;
DROP TABLE page_4""",
}
"""Version → what makes the next one of it; {name} is the statement of the schema that makes it."""


class Database:
    """A SQLite file in WAL mode, shared by the threads of this process.

    Raises:
        StorageError: the folder can't be written, the file is damaged, or a newer version made it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with self._errors():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("PRAGMA legacy_alter_table = ON")  # renaming leaves references as they are
            self._migrate()
            self._connection.execute("PRAGMA foreign_keys = ON")

    def _migrate(self) -> None:
        with self.transaction():  # two processes may open a new folder at the same time
            version = int(self.value("PRAGMA user_version"))
            if version > _VERSION:
                raise StorageError("storage.newer_version", path=self.path)
            statements = _statements()
            for statement in statements.values() if version == 0 else ():
                self._connection.execute(statement)
            for old in range(version or _VERSION, _VERSION):
                for statement in _UPGRADES[old].split(";\n"):
                    self._connection.execute(statement.format_map(statements))
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside become visible together, or not at all; one inside another is part of it."""
        with self._lock, self._errors():
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run a statement; returns the id of the row it inserted, if it did."""
        with self._lock, self._errors():
            return self._connection.execute(sql, values).lastrowid or 0

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each row."""
        with self._lock, self._errors():
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock, self._errors():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with self._lock, self._errors():
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    def value(self, sql: str, values: Sequence[object] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.row(sql, values)
        return row[0] if row else None

    def written(self) -> tuple[int, int]:
        """Changes whenever something was written, by this process or another."""
        with self._lock:
            return int(self.value("PRAGMA data_version")), self._connection.total_changes

    def truncate_log(self) -> bool:
        """Move the write-ahead log into the file and empty it; False while a reader needs what is in it."""
        with self._lock, self._errors():
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def check(self) -> None:
        """Read the whole file.

        Raises:
            StorageError: it is damaged.
        """
        found = self.value("PRAGMA quick_check(1)")
        if found != "ok":
            raise StorageError("storage.damaged", path=self.path, cause=found)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise failure(self.path, error, "storage.damaged", is_damage(error)) from error


def _statements() -> dict[str, str]:
    """The schema's statements by the name of what they make."""
    statements = [statement.strip() for statement in _SCHEMA.split(";\n") if statement.strip()]
    return {statement.split()[2]: statement for statement in statements}


def failure(path: Path, error: Exception, damaged: str, is_damaged: bool) -> StorageError:
    """The error that says what is wrong with a file, or the disk it is on.

    Args:
        damaged: key of the message where ``is_damaged``.
    """
    if not is_damaged and _is_full(path):
        return StorageError("storage.full", path=path)
    return StorageError(damaged if is_damaged else "storage.failed", path=path, cause=error)


def _is_full(path: Path) -> bool:
    there = next(folder for folder in path.parents if folder.exists())
    return shutil.disk_usage(there).free < _ROOM


def is_damage(error: Exception) -> bool:
    """Whether an error of SQLite means a broken file."""
    return getattr(error, "sqlite_errorname", "") in ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CORRUPT_VTAB")
