"""Which files a knowledge base has seen: their times, their contents, and why one was refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ingest.messages import Message
from ingest.types import FileReport, KnownFile, SourceFile

from .database import Database


class Files:
    """The files of a catalog. A file has a document, a reason why it was refused, or both: then the old one stays."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, kb: str) -> dict[Path, KnownFile]:
        """All files of a knowledge base."""
        rows = self._database.rows(
            "SELECT file.path, file.size, file.modified_ns, file.digest, file.reader, file.reason, document.id, "
            "document.pages, document.chunks, document.recognized, document.empty, document.warnings, "
            "(SELECT sum(described) FROM page WHERE page.document = document.id) "
            "FROM file LEFT JOIN document ON document.id = file.document WHERE file.kb = ?",
            (kb,),
        )
        return {(path := Path(row[0])): KnownFile(row[1], row[2], row[3], row[4], _report(path, row)) for row in rows}

    def note(self, kb: str, source: SourceFile, digest: str, reader: str, document: int) -> None:
        """A file has this document; inside the caller's transaction."""
        self._write(kb, source, digest, reader, document, None)

    def refuse(self, kb: str, source: SourceFile, digest: str, reader: str, reason: Message) -> bool:
        """A file was refused; what it held before stays. True when it held something."""
        with self._database.transaction():
            document = self.document(kb, source.path)
            self._write(kb, source, digest, reader, document, json.dumps(reason.plain(), ensure_ascii=False))
        return document is not None

    def restamp(self, kb: str, source: SourceFile) -> None:
        """The file was touched, its content is the same."""
        self._database.execute(
            "UPDATE file SET size = ?, modified_ns = ? WHERE kb = ? AND path = ?",
            (source.size, source.modified_ns, kb, str(source.path)),
        )

    def document(self, kb: str, path: Path) -> int | None:
        """The id of the document that a file has."""
        document: int | None = self._database.value(
            "SELECT document FROM file WHERE kb = ? AND path = ?", (kb, str(path))
        )
        return document

    def documents_at(self, path: Path) -> set[int]:
        """The documents that a file has, in whichever knowledge bases."""
        rows = self._database.rows("SELECT document FROM file WHERE path = ? AND document IS NOT NULL", (str(path),))
        return {row[0] for row in rows}

    def page(self, path: Path, number: int) -> tuple[str, str] | None:
        """SHA-256 of a file as it was read, and the text of its page; None where it is not stored."""
        row = self._database.row(
            "SELECT file.digest, page.text FROM file JOIN page ON page.document = file.document "
            "WHERE file.path = ? AND page.number = ? AND NOT page.described",
            (str(path), number),
        )
        return (row[0], row[1]) if row else None

    def stamps(self, path: Path) -> list[tuple[int, int]]:
        """Size and time of a file as it was read last, in whichever knowledge bases."""
        return self._database.rows("SELECT size, modified_ns FROM file WHERE path = ?", (str(path),))

    def digests(self, path: Path) -> set[str]:
        """SHA-256, hexadecimal, of the contents that are stored of a file."""
        rows = self._database.rows(
            "SELECT digest FROM document WHERE id IN (SELECT document FROM file WHERE path = ?)", (str(path),)
        )
        return {row[0] for row in rows}

    def remove(self, kb: str, paths: Iterable[Path]) -> None:
        """Forget files; inside the caller's transaction."""
        rows = [(kb, str(path)) for path in paths]
        self._database.execute_many("DELETE FROM file WHERE kb = ? AND path = ?", rows)
        self._database.execute_many("DELETE FROM tag WHERE kb = ? AND path = ?", rows)

    def of(self, document: int) -> list[Path]:
        """The files that have a document, by path."""
        rows = self._database.rows("SELECT path FROM file WHERE document = ? ORDER BY path", (document,))
        return [Path(row[0]) for row in rows]

    def other_paths(self) -> list[str]:
        """Paths that are stored and belong to no document: folders in step, refused files."""
        return [
            row[0]
            for row in self._database.rows("SELECT path FROM folder UNION SELECT path FROM file WHERE document IS NULL")
        ]

    def tags(self, kb: str) -> dict[Path, list[str]]:
        """The tags of all files that have any."""
        found: dict[Path, list[str]] = {}
        for path, name in self._database.rows("SELECT path, name FROM tag WHERE kb = ? ORDER BY path, name", (kb,)):
            found.setdefault(Path(path), []).append(name)
        return found

    def tag(self, kb: str, paths: Sequence[Path], add: Sequence[str], drop: Sequence[str]) -> None:
        """Give files tags, and take some from them; inside the caller's transaction."""
        self._database.execute_many(
            "INSERT OR IGNORE INTO tag VALUES (?, ?, ?)", [(kb, str(path), name) for path in paths for name in add]
        )
        self._database.execute_many(
            "DELETE FROM tag WHERE kb = ? AND path = ? AND name = ?",
            [(kb, str(path), name) for path in paths for name in drop],
        )

    def folders(self, kb: str) -> list[Path]:
        """The folders that are kept in step."""
        rows = self._database.rows("SELECT path FROM folder WHERE kb = ? ORDER BY path", (kb,))
        return [Path(row[0]) for row in rows]

    def keep_folders(self, kb: str, folders: Sequence[Path]) -> None:
        """Keep these in step from now on."""
        self._database.execute_many(
            "INSERT OR IGNORE INTO folder VALUES (?, ?)", [(kb, str(folder)) for folder in folders]
        )

    def leave_folder(self, kb: str, folder: Path) -> None:
        """Keep a folder in step no longer; what came from it stays."""
        self._database.execute("DELETE FROM folder WHERE kb = ? AND path = ?", (kb, str(folder)))

    def _write(
        self, kb: str, source: SourceFile, digest: str, reader: str, document: int | None, reason: str | None
    ) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO file (kb, path, document, size, modified_ns, digest, reader, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (kb, str(source.path), document, source.size, source.modified_ns, digest, reader, reason),
        )


def _report(path: Path, row: tuple[Any, ...]) -> FileReport:
    *_, reason, document, pages, chunks, recognized, empty, warnings, described = row
    if reason is not None:
        return FileReport(path, "refused", Message.of(json.loads(reason)), kept=document is not None)
    return FileReport(
        path,
        "unchanged",
        pages=pages,
        chunks=chunks,
        recognized=_numbers(recognized),
        empty=_numbers(empty),
        warnings=tuple(map(Message.of, json.loads(warnings))) if warnings != "[]" else (),
        described=described or 0,
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(json.loads(text)) if text != "[]" else ()
