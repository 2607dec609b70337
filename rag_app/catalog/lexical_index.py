"""The persistent lexical index: one FTS5 table for each knowledge base, over tokens cut by ourselves.

A table each keeps document frequencies, and with them BM25, those of the knowledge base that is searched.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .database import Database

RECIPE = 1
"""Raised when tokens or fields change: an index that was made otherwise is made anew."""
OPENING = 60
"""Tokens of a document's opening that its later pages are found by: who a report is of stands on its first page."""
_FOLDERS = 3
_MOST_KEPT = 50_000  # terms
_K1 = 1.2  # of SQLite's bm25()
_LEAST_IDF = 1e-6
_RANK = "bm25(0.5, 0.5, 1.0, 1.0, 0.5)"  # what all chunks of a document share tells them apart less, and a note may err

Tokens = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Fields:
    """What a chunk is found by, in tokens.

    Attributes:
        title: of the document, and how it opens. path: names of its files and their folders.
        headings: the heading path. body: the chunk. notes: what a language model wrote of it.
    """

    title: Sequence[str]
    path: Sequence[str]
    headings: Sequence[str]
    body: Sequence[str]
    notes: Sequence[str] = ()

    def values(self) -> tuple[str, ...]:
        """As columns."""
        return tuple(map(" ".join, (self.title, self.path, self.headings, self.body, self.notes)))


def path_text(paths: Sequence[Path]) -> str:
    """The names of files without suffix, and of the folders they are in."""
    return " ".join(dict.fromkeys(part for path in paths for part in (*path.parent.parts[-_FOLDERS:], path.stem)))


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
        self._lock = threading.Lock()
        self._frequencies: dict[str, tuple[tuple[int, int], dict[str, int]]] = {}

    def create(self, kb: str) -> None:
        """Make the table of a new knowledge base."""
        self._database.execute(
            f"CREATE VIRTUAL TABLE lexical_{kb} "
            "USING fts5(title, path, headings, body, notes, tokenize = 'unicode61 remove_diacritics 0')"
        )
        self._database.execute(f"INSERT INTO lexical_{kb} (lexical_{kb}, rank) VALUES ('rank', '{_RANK}')")
        self._database.execute(f"CREATE VIRTUAL TABLE lexical_terms_{kb} USING fts5vocab(lexical_{kb}, row)")

    def drop(self, kb: str) -> None:
        """Drop the table."""
        self._database.execute(f"DROP TABLE lexical_terms_{kb}")
        self._database.execute(f"DROP TABLE lexical_{kb}")

    def add(self, kb: str, chunk_id: int, fields: Fields) -> None:
        """Index a chunk's tokens."""
        self._database.execute(
            f"INSERT INTO lexical_{kb} (rowid, title, path, headings, body, notes) VALUES (?, ?, ?, ?, ?, ?)",
            (chunk_id, *fields.values()),
        )

    def rename(self, kb: str, chunk_id: int, fields: Fields) -> None:
        """Give a chunk other tokens for all but its body."""
        self._database.execute(
            f"UPDATE lexical_{kb} SET title = ?, path = ?, headings = ? WHERE rowid = ?",
            (*fields.values()[:3], chunk_id),
        )

    def annotate(self, kb: str, chunk_id: int, notes: Sequence[str]) -> None:
        """Give a chunk the tokens of a note."""
        self._database.execute(f"UPDATE lexical_{kb} SET notes = ? WHERE rowid = ?", (" ".join(notes), chunk_id))

    def remove(self, kb: str, chunk_ids: Sequence[int]) -> None:
        """Take chunks out."""
        self._database.execute_many(f"DELETE FROM lexical_{kb} WHERE rowid = ?", [(i,) for i in chunk_ids])

    def purge(self, kb: str) -> None:
        """Write the index anew without what was deleted; until then its tokens may lie in older segments."""
        self._database.execute(f"INSERT INTO lexical_{kb} (lexical_{kb}) VALUES ('optimize')")

    def search(
        self, kb: str, terms: Sequence[str], limit: int, within: tuple[str, Sequence[object]] = ("", ())
    ) -> list[LexicalHit]:
        """Chunks with any of ``terms``, best first.

        Args:
            within: SQL that gives the chunk ids to choose from, and its values; all of them unless given.
        """
        if not terms:
            return []
        condition, values = within
        rows = self._database.rows(
            f"SELECT rowid, -rank FROM lexical_{kb} WHERE lexical_{kb} MATCH ? "
            + (f"AND rowid IN ({condition}) " if condition else "")
            + "ORDER BY rank LIMIT ?",
            (" OR ".join(map(match, terms)), *values, limit),
        )
        return [LexicalHit(chunk_id, score) for chunk_id, score in rows]

    def containing(self, kb: str, phrases: Sequence[Sequence[str]]) -> tuple[str, tuple[object, ...]]:
        """SQL that gives the chunks with all of these phrases, word for word in one field, and its values."""
        query = " AND ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
        return f"SELECT rowid FROM lexical_{kb} WHERE lexical_{kb} MATCH ?", (query,)

    def document_frequencies(self, kb: str, terms: Sequence[str]) -> dict[str, int]:
        """In how many chunks each term stands.

        Counting a frequent term reads all its postings, so counts are kept until something is written.
        """
        with self._lock:
            written = self._database.written()
            kept_when, kept = self._frequencies.get(kb, ((0, 0), {}))
            if kept_when != written or len(kept) > _MOST_KEPT:
                kept = {}
            self._frequencies[kb] = written, kept
            unknown = [term for term in terms if term not in kept]
            if unknown:
                marks = ", ".join("?" * len(unknown))
                rows = self._database.rows(f"SELECT term, doc FROM lexical_terms_{kb} WHERE term IN ({marks})", unknown)
                kept.update(dict.fromkeys(unknown, 0) | dict(rows))
            return {term: kept[term] for term in terms}

    def size(self, kb: str) -> int:
        """Chunks in the index."""
        return int(self._database.value(f"SELECT count(*) FROM lexical_{kb}_docsize") or 0)

    def texts(self, kb: str, chunk_ids: Sequence[int]) -> list[str]:
        """What is stored of chunks: their tokens, joined."""
        found: list[str] = []
        for chunk_id in chunk_ids:
            for row in self._database.rows(
                f"SELECT title, path, headings, body, notes FROM lexical_{kb} WHERE rowid = ?", (chunk_id,)
            ):
                found += row
        return found

    def tokens(self, kb: str, chunk_ids: Sequence[int]) -> dict[int, frozenset[str]]:
        """The distinct tokens of chunks."""
        marks = ", ".join("?" * len(chunk_ids))
        rows = self._database.rows(
            "SELECT rowid, title || ' ' || path || ' ' || headings || ' ' || body || ' ' || notes "
            f"FROM lexical_{kb} WHERE rowid IN ({marks})",
            chunk_ids,
        )
        return {chunk_id: frozenset(text.split()) for chunk_id, text in rows}


def idf(frequency: int, size: int) -> float:
    """The weight of a term in SQLite's bm25(): ``ln((N − n + ½) / (n + ½))``, never below 0."""
    return max(_LEAST_IDF, math.log((size - frequency + 0.5) / (frequency + 0.5)))


def most_bm25(frequencies: Sequence[int], size: int) -> float:
    """What no chunk's BM25 can exceed: every term of the question there, any number of times."""
    return (_K1 + 1) * sum(idf(frequency, size) for frequency in frequencies)


def match(term: str) -> str:
    """FTS5 syntax for one token; it holds word characters only, so there is nothing to escape.

    Chinese is indexed in pairs of characters, so a character that stands alone finds the pairs it begins.
    """
    alone = len(term) == 1 and not term.isascii()
    return f'"{term}"*' if alone else f'"{term}"'
