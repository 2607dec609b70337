"""The words of conversations, to search them by: one FTS5 table over tokens cut by ourselves, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

from ..retrieval.tokens import tokens
from .database import Database
from .lexical_index import match

_AROUND = 80  # characters of an excerpt before the word that was found, and after it


class ConversationWords:
    """Rows are messages by their id, and titles by the negative id of their conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: int, text: str) -> None:
        """Index a text, in the place of what the row held."""
        self.drop([row])
        words = " ".join(tokens(text))
        self._database.execute("INSERT INTO conversation_words (rowid, words) VALUES (?, ?)", (row, words))

    def drop(self, rows: Sequence[int]) -> None:
        """Take rows out; until :meth:`purge` their words may lie in older segments."""
        self._database.execute_many("DELETE FROM conversation_words WHERE rowid = ?", [(row,) for row in rows])

    def purge(self) -> None:
        """Write the index anew without what was dropped."""
        self._database.execute("INSERT INTO conversation_words (conversation_words) VALUES ('optimize')")

    def with_all(self, terms: Sequence[str]) -> set[int]:
        """The conversations whose title and messages, taken together, have all of the terms; at least one term."""
        return set.intersection(*map(self._with, terms))

    def _with(self, term: str) -> set[int]:
        rows = self._database.rows(
            "SELECT coalesce((SELECT conversation FROM message WHERE message.id = conversation_words.rowid), "
            "-conversation_words.rowid) FROM conversation_words WHERE conversation_words MATCH ?",
            (match(term),),
        )
        return {row[0] for row in rows}

    def excerpt(self, conversation: int, terms: Sequence[str]) -> str:
        """A piece of the first message that has one of the terms, in one line; "" where only the title has."""
        text = self._database.value(
            "SELECT message.text FROM conversation_words JOIN message ON message.id = conversation_words.rowid "
            "WHERE conversation_words MATCH ? AND message.conversation = ? ORDER BY message.id LIMIT 1",
            (" OR ".join(map(match, terms)), conversation),
        )
        line = " ".join(str(text or "").split())
        places = [place for term in terms if (place := line.casefold().find(term)) >= 0]
        first = max(0, min(places, default=0) - _AROUND)
        last = first + 2 * _AROUND
        return f"{'…' if first else ''}{line[first:last]}{'…' if last < len(line) else ''}"

    def of(self, conversation: int, *, questions: bool = False) -> list[str]:
        """What is stored of a conversation: its tokens, joined.

        Args:
            questions: of its title and questions only.
        """
        only = "AND role = 'user'" if questions else ""
        rows = self._database.rows(
            "SELECT words FROM conversation_words WHERE rowid = ? OR rowid IN "
            f"(SELECT id FROM message WHERE conversation = ? {only})",
            (-conversation, conversation),
        )
        return [row[0] for row in rows]
