"""One SQLite file: opening, transactions, and its errors turned into ours."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import StorageError

_VERSION = 2
_BUSY_SECONDS = 30

_SCHEMA = """
CREATE TABLE knowledge_base (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    created TEXT NOT NULL,
    embedder TEXT NOT NULL DEFAULT '',           -- the model its vectors were made with, '' before the first
    embedder_revision TEXT NOT NULL DEFAULT '',
    index_version INTEGER NOT NULL DEFAULT 0     -- raised by each commit that changed vectors
);
CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    title TEXT NOT NULL,
    format TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    digest TEXT NOT NULL,                        -- SHA-256 of the content
    ingested TEXT NOT NULL,
    warnings TEXT NOT NULL DEFAULT '[]',         -- JSON array of messages: what could not be read
    UNIQUE (kb, path)
);
CREATE TABLE page (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,                     -- 1-based physical page
    label TEXT,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,                          -- page, slide, sheet or text
    columns INTEGER NOT NULL,                    -- of a sheet
    ocr INTEGER NOT NULL,                        -- 1 when the text was recognized from a picture
    UNIQUE (document, number)
);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never used twice: a vector's id means one text for ever
    page INTEGER NOT NULL REFERENCES page(id) ON DELETE CASCADE,
    start INTEGER NOT NULL,                      -- the chunk is page.text[start:stop], in characters
    stop INTEGER NOT NULL,
    headings TEXT NOT NULL,                      -- JSON array, outermost first
    lines TEXT NOT NULL                          -- JSON array of [offset in the page, line or row], often empty
);
CREATE INDEX chunk_page ON chunk (page);
CREATE TABLE pending_vector (                    -- may stand in Chroma though no visible chunk has this id
    kb TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    PRIMARY KEY (kb, chunk)
) WITHOUT ROWID;
"""


_UPGRADES = {1: "ALTER TABLE document ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]'"}
"""Version → what makes the next one of it."""


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
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._migrate()

    def _migrate(self) -> None:
        with self.transaction():  # two processes may open a new folder at the same time
            version = int(self.value("PRAGMA user_version"))
            if version > _VERSION:
                raise StorageError("storage.newer_version", path=self.path)
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        self._connection.execute(statement)
            for old in range(version or _VERSION, _VERSION):
                self._connection.execute(_UPGRADES[old])
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside become visible together, or not at all."""
        with self._lock, self._errors():
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
            key = "storage.damaged" if _is_damage(error) else "storage.failed"
            raise StorageError(key, path=self.path, cause=error) from error


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorname", "") in ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CORRUPT_VTAB")
