"""One SQLite file: opening, transactions, and its errors turned into ours."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import StorageError
from .schema import UPGRADES, VERSION, statements

_BUSY_SECONDS = 30
_ROOM = 1 << 16  # bytes; with less, a disk is full

Values = Sequence[object] | Mapping[str, object]
"""For the question marks of a statement, in order, or for its names."""


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
            if version > VERSION:
                raise StorageError("storage.newer_version", path=self.path)
            made = statements()
            for statement in made.values() if version == 0 else ():
                self._connection.execute(statement)
            for old in range(version or VERSION, VERSION):
                for statement in UPGRADES[old].split(";\n"):
                    self._connection.execute(statement.format_map(made))
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

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

    def execute(self, sql: str, values: Values = ()) -> int:
        """Run a statement; returns the id of the row it inserted, if it did."""
        with self._lock, self._errors():
            return self._connection.execute(sql, values).lastrowid or 0

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each row."""
        with self._lock, self._errors():
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock, self._errors():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with self._lock, self._errors():
            row: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return row

    def value(self, sql: str, values: Values = ()) -> Any:
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
