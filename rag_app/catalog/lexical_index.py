"""The persistent lexical index: one FTS5 table for each knowledge base, over tokens cut by ourselves.

A table each keeps document frequencies, and with them BM25, those of the knowledge base that is searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .database import Database


@dataclass(frozen=True, slots=True)
class LexicalHit:
    """A chunk the lexical index found.

    Attributes:
        score: BM25, higher is better (Robertson & Zaragoza 2009; SQLite's bm25() with k1 = 1.2, b = 0.75, sign
            turned).
    """

    chunk_id: int
    score: float


class LexicalIndex:
    """Rows are chunks; columns are tokens joined by single spaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, kb: str) -> None:
        """Make the table of a new knowledge base."""
        self._database.execute(
            f"CREATE VIRTUAL TABLE lexical_{kb} USING fts5(title, body, tokenize = 'unicode61 remove_diacritics 0')"
        )
        self._database.execute(f"CREATE VIRTUAL TABLE lexical_terms_{kb} USING fts5vocab(lexical_{kb}, row)")

    def drop(self, kb: str) -> None:
        """Drop the table."""
        self._database.execute(f"DROP TABLE lexical_terms_{kb}")
        self._database.execute(f"DROP TABLE lexical_{kb}")

    def add(self, kb: str, chunk_id: int, title: Sequence[str], body: Sequence[str]) -> None:
        """Index a chunk's tokens."""
        self._database.execute(
            f"INSERT INTO lexical_{kb} (rowid, title, body) VALUES (?, ?, ?)",
            (chunk_id, " ".join(title), " ".join(body)),
        )

    def rename(self, kb: str, chunk_id: int, title: Sequence[str]) -> None:
        """Give a chunk other tokens for its title."""
        self._database.execute(f"UPDATE lexical_{kb} SET title = ? WHERE rowid = ?", (" ".join(title), chunk_id))

    def remove(self, kb: str, chunk_ids: Sequence[int]) -> None:
        """Take chunks out."""
        self._database.execute_many(f"DELETE FROM lexical_{kb} WHERE rowid = ?", [(i,) for i in chunk_ids])

    def purge(self, kb: str) -> None:
        """Write the index anew without what was deleted; until then its tokens may lie in older segments."""
        self._database.execute(f"INSERT INTO lexical_{kb} (lexical_{kb}) VALUES ('optimize')")

    def search(self, kb: str, terms: Sequence[str], limit: int) -> list[LexicalHit]:
        """Chunks with any of ``terms``, best first."""
        if not terms:
            return []
        query = " OR ".join(map(_match, terms))
        rows = self._database.rows(
            f"SELECT rowid, -bm25(lexical_{kb}, 1.0, 1.0) FROM lexical_{kb} WHERE lexical_{kb} MATCH ? "
            f"ORDER BY bm25(lexical_{kb}, 1.0, 1.0) LIMIT ?",
            (query, limit),
        )
        return [LexicalHit(chunk_id, score) for chunk_id, score in rows]

    def document_frequencies(self, kb: str, terms: Sequence[str]) -> dict[str, int]:
        """In how many chunks each term stands; terms in none are left out."""
        marks = ", ".join("?" * len(terms))
        return dict(self._database.rows(f"SELECT term, doc FROM lexical_terms_{kb} WHERE term IN ({marks})", terms))

    def size(self, kb: str) -> int:
        """Chunks in the index."""
        return int(self._database.value(f"SELECT count(*) FROM lexical_{kb}_docsize") or 0)

    def texts(self, kb: str, chunk_ids: Sequence[int]) -> list[str]:
        """What is stored of chunks: their tokens, joined."""
        found: list[str] = []
        for chunk_id in chunk_ids:
            for row in self._database.rows(f"SELECT title, body FROM lexical_{kb} WHERE rowid = ?", (chunk_id,)):
                found += row
        return found

    def tokens(self, kb: str, chunk_ids: Sequence[int]) -> dict[int, frozenset[str]]:
        """The distinct tokens of chunks."""
        marks = ", ".join("?" * len(chunk_ids))
        rows = self._database.rows(
            f"SELECT rowid, title || ' ' || body FROM lexical_{kb} WHERE rowid IN ({marks})", chunk_ids
        )
        return {chunk_id: frozenset(text.split()) for chunk_id, text in rows}


def _match(term: str) -> str:
    """FTS5 syntax for one token; it holds word characters only, so there is nothing to escape.

    Chinese is indexed in pairs of characters, so a character that stands alone finds the pairs it begins.
    """
    alone = len(term) == 1 and not term.isascii()
    return f'"{term}"*' if alone else f'"{term}"'
