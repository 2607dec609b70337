"""What a language model wrote of passages: a sentence of context and the questions they answer.

A note belongs to a text, not to a chunk: the same text, read again or lying in another file, keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .database import Database
from .lexical_index import LexicalIndex, Tokens

_OF_KB = "chunk JOIN page ON page.id = chunk.page JOIN document ON document.id = page.document WHERE document.kb = ?"


class Notes:
    """The notes of a catalog."""

    def __init__(self, database: Database, lexical: LexicalIndex) -> None:
        self._database = database
        self._lexical = lexical

    def of(self, kb: str, content: bytes) -> str:
        """The note of a text, "" without one."""
        return str(self._database.value("SELECT text FROM note WHERE kb = ? AND content = ?", (kb, content)) or "")

    def missing(self, kb: str) -> list[tuple[bytes, int]]:
        """The contents without a note, each with one of the chunks that have it."""
        return self._database.rows(
            f"SELECT chunk.content, min(chunk.id) FROM {_OF_KB} "
            "AND chunk.content NOT IN (SELECT content FROM note WHERE note.kb = ?) "
            "GROUP BY chunk.content ORDER BY 2",
            (kb, kb),
        )

    def count(self, kb: str) -> int:
        """How many there are."""
        return int(self._database.value("SELECT count(*) FROM note WHERE kb = ?", (kb,)))

    def write(self, kb: str, content: bytes, text: str, tokens: Tokens) -> None:
        """Store a note, in a transaction of its own; nothing happens when the text was removed meanwhile."""
        with self._database.transaction():
            chunks = self._database.rows(f"SELECT chunk.id FROM {_OF_KB} AND chunk.content = ?", (kb, content))
            if chunks:
                self._database.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (kb, content, text))
                for (chunk,) in chunks:
                    self._lexical.annotate(kb, chunk, tokens(text))

    def clear(self, kb: str) -> None:
        """Drop all notes of a knowledge base."""
        with self._database.transaction():
            self._database.execute("DELETE FROM note WHERE kb = ?", (kb,))
            for (chunk,) in self._database.rows(f"SELECT chunk.id FROM {_OF_KB}", (kb,)):
                self._lexical.annotate(kb, chunk, ())

    def forget(self, kb: str, contents: Sequence[bytes]) -> None:
        """Drop the notes of those texts that no chunk has any more; inside the caller's transaction."""
        self._database.execute_many(
            f"DELETE FROM note WHERE kb = ? AND content = ? AND content NOT IN (SELECT chunk.content FROM {_OF_KB} "
            "AND chunk.content = note.content)",
            [(kb, content, kb) for content in contents],
        )
