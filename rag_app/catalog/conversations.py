"""Conversations: trees of messages, kept as they come, and searched by their words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.messages import Message

from ..conversation_types import ConversationInfo, ConversationMessage, How, State
from ..errors import UnknownConversation
from ..plain import plain, restored
from ..retrieval.tokens import query_terms
from ..types import Answer
from .conversation_words import ConversationWords
from .database import Database
from .passages import marks

_TITLE = 60  # characters
_INFO = """
SELECT conversation.id, title, created, updated,
    (SELECT count(*) FROM message WHERE message.conversation = conversation.id),
    (SELECT json_group_array(name) FROM (SELECT name FROM conversation_kb JOIN knowledge_base
        ON knowledge_base.id = kb WHERE conversation_kb.conversation = conversation.id ORDER BY name)), owner
FROM conversation
"""
_COLUMNS = "id, parent, role, state, text, created, rewritten, how, images, answer, error, summary, rating, comment"


class Conversations:
    """The conversations of a catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._words = ConversationWords(database)

    def create(self, kbs: Sequence[str], owner: str = "") -> int:
        """A new one about knowledge bases, by id; returns its own. Those in which nothing was asked for a day go."""
        now = _now()
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM conversation WHERE leaf = 0 AND title = '' AND created < ?", (yesterday,)
            )
            made = self._database.execute(
                "INSERT INTO conversation (title, created, updated, owner) VALUES ('', ?, ?, ?)", (now, now, owner)
            )
            self._database.execute_many(
                "INSERT OR IGNORE INTO conversation_kb VALUES (?, ?)", [(made, kb) for kb in kbs]
            )
        return made

    def all(self, search: str | None = None, kb: str | None = None, owner: str | None = None) -> list[ConversationInfo]:
        """Those with messages, the latest first.

        Args:
            search: only those whose title and messages contain all of these words. kb: id of one they are about.
            owner: whose; everybody's unless given.
        """
        where, values = "WHERE conversation.leaf <> 0 ", []
        if owner is not None:
            where += "AND owner = ? "
            values.append(owner)
        if kb is not None:
            where += "AND conversation.id IN (SELECT conversation FROM conversation_kb WHERE kb = ?) "
            values.append(kb)
        infos = [_info(row) for row in self._database.rows(f"{_INFO} {where} ORDER BY updated DESC, id DESC", values)]
        terms = query_terms(search) if search and search.strip() else []
        if not terms:
            return infos
        found = self._words.with_all(terms)
        return [replace(one, found=self._words.excerpt(one.id, terms)) for one in infos if one.id in found]

    def info(self, identifier: int) -> ConversationInfo:
        """One of them.

        Raises:
            UnknownConversation.
        """
        row = self._database.row(f"{_INFO} WHERE conversation.id = ?", (identifier,))
        if row is None:
            raise UnknownConversation("conversation.unknown", id=identifier)
        return _info(row)

    def rename(self, identifier: int, title: str) -> None:
        """Give it another title.

        Raises:
            UnknownConversation.
        """
        with self._database.transaction():
            self.info(identifier)
            self._database.execute("UPDATE conversation SET title = ? WHERE id = ?", (title, identifier))
            self._words.put(-identifier, title)

    def delete(self, identifier: int) -> None:
        """Drop it with all its messages; :meth:`purge` then takes their words out of the index's older parts.

        Raises:
            UnknownConversation.
        """
        with self._database.transaction():
            self.info(identifier)
            rows = self._database.rows("SELECT id FROM message WHERE conversation = ?", (identifier,))
            self._words.drop([-identifier, *(row[0] for row in rows)])
            self._database.execute("DELETE FROM conversation WHERE id = ?", (identifier,))

    def purge(self) -> None:
        """Write the index anew without what was deleted; until then its words may lie in older segments."""
        self._words.purge()

    # Messages

    def messages(self, identifier: int) -> list[ConversationMessage]:
        """All of them, in the order in which they were made."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM message WHERE conversation = ? ORDER BY id", (identifier,))
        siblings: dict[int | None, list[int]] = {}
        for row in rows:
            siblings.setdefault(row[1], []).append(row[0])
        return [_message(row, tuple(siblings[row[1]])) for row in rows]

    def leaf(self, identifier: int) -> int:
        """The message that the path in force ends with, 0 before any.

        Raises:
            UnknownConversation.
        """
        found = self._database.value("SELECT leaf FROM conversation WHERE id = ?", (identifier,))
        if found is None:
            raise UnknownConversation("conversation.unknown", id=identifier)
        return int(found)

    def set_leaf(self, identifier: int, message: int) -> None:
        """Let another path be in force."""
        self._database.execute("UPDATE conversation SET leaf = ? WHERE id = ?", (message, identifier))

    def ask(self, identifier: int, parent: int | None, text: str, images: int) -> tuple[int, int]:
        """A question, and the answer to it that is about to be written; ids of both.

        Args:
            parent: the message it follows, None for a first question.

        Raises:
            UnknownConversation.
        """
        with self._database.transaction():
            self.info(identifier)
            question = self._database.execute(
                "INSERT INTO message (conversation, parent, role, state, text, images, created) "
                "VALUES (?, ?, 'user', 'complete', ?, ?, ?)",
                (identifier, parent, text, images, _now()),
            )
            self._words.put(question, text)
            title = " ".join(text.split())
            title = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
            self._database.execute("UPDATE conversation SET title = ? WHERE id = ? AND title = ''", (title, identifier))
            return question, self.answer(identifier, question)

    def answer(self, identifier: int, question: int) -> int:
        """The answer to a question that is about to be written; its id."""
        with self._database.transaction():
            now = _now()
            made = self._database.execute(
                "INSERT INTO message (conversation, parent, role, state, text, created) "
                "VALUES (?, ?, 'assistant', 'running', '', ?)",
                (identifier, question, now),
            )
            self._database.execute(
                "UPDATE conversation SET leaf = ?, updated = ? WHERE id = ?", (made, now, identifier)
            )
        return made

    def rewrite(self, question: int, rewritten: str, how: How) -> None:
        """Note how a question was made to stand alone, "" for as it was asked."""
        self._database.execute("UPDATE message SET rewritten = ?, how = ? WHERE id = ?", (rewritten, how, question))

    def keep(
        self,
        answer: int,
        state: State,
        text: str,
        value: Answer | None = None,
        error: Message | None = None,
        sources: Iterable[int] = (),
    ) -> None:
        """Write down what there is of an answer; nothing happens when its conversation was deleted meanwhile.

        Args:
            sources: ids of the documents whose text the model was given.
        """
        with self._database.transaction():
            if self._database.value("SELECT conversation FROM message WHERE id = ?", (answer,)) is None:
                return
            self._database.execute(
                "UPDATE message SET state = ?, text = ?, answer = ?, error = ? WHERE id = ?",
                (state, text, _json(value), _json(error), answer),
            )
            self._database.execute("DELETE FROM message_source WHERE message = ?", (answer,))
            self._database.execute_many(
                "INSERT OR IGNORE INTO message_source VALUES (?, ?)", [(answer, one) for one in sources]
            )
            if state != "running":
                self._words.put(answer, text)

    def stopped(self, answer: int) -> None:
        """The process that wrote an answer ended before it did."""
        with self._database.transaction():
            text = self._database.value("SELECT text FROM message WHERE id = ? AND state = 'running'", (answer,))
            if text is not None:
                self._database.execute("UPDATE message SET state = 'stopped' WHERE id = ?", (answer,))
                self._words.put(answer, text)

    def rate(self, answer: int, rating: int, comment: str) -> None:
        """1, -1, or 0 for no rating."""
        self._database.execute("UPDATE message SET rating = ?, comment = ? WHERE id = ?", (rating, comment, answer))

    def summarize(self, answer: int, summary: str) -> None:
        """Note what is told the model in the place of all messages up to this one."""
        self._database.execute("UPDATE message SET summary = ? WHERE id = ?", (summary, answer))

    # What they hold of documents

    def documents_of(self, chunks: Sequence[int]) -> dict[int, int]:
        """Visible chunk → its document."""
        return dict(
            self._database.rows(
                "SELECT chunk.id, page.document FROM chunk JOIN page ON page.id = chunk.page "
                f"WHERE chunk.id IN ({marks(chunks)})",
                chunks,
            )
        )

    def with_document(self, document: int) -> list[int]:
        """The conversations in which a document's text was given to a model, or quoted."""
        return [
            row[0]
            for row in self._database.rows(
                "SELECT DISTINCT message.conversation FROM message_source "
                "JOIN message ON message.id = message_source.message WHERE message_source.document = ? ORDER BY 1",
                (document,),
            )
        ]

    def sources(self, answer: int) -> list[int]:
        """The documents of an answer."""
        return [
            row[0] for row in self._database.rows("SELECT document FROM message_source WHERE message = ?", (answer,))
        ]

    def texts(self, identifier: int) -> list[str]:
        """All that was said in a conversation, and its words in the index; quotes are the documents' own."""
        said = [self.info(identifier).title, *self._words.of(identifier)]
        for one in self.messages(identifier):
            said += [one.text, one.rewritten, one.summary, one.comment, one.answer.thinking if one.answer else ""]
        return said

    def own_texts(self) -> list[str]:
        """What stays when documents are deleted: questions, titles and comments, and names of what was cited."""
        found: list[str] = []
        for identifier, title in self._database.rows("SELECT id, title FROM conversation"):
            found += [title, *self._words.of(identifier, questions=True)]
        for text, comment in self._database.rows(
            "SELECT CASE role WHEN 'user' THEN text ELSE '' END, comment FROM message"
        ):
            found += [text, comment]
        for (answer,) in self._database.rows("SELECT answer FROM message WHERE answer <> ''"):
            found += [citation.document for citation in restored(Answer, json.loads(answer)).citations]
        return found

    def ids(self) -> list[int]:
        """All of them."""
        return [row[0] for row in self._database.rows("SELECT id FROM conversation ORDER BY id")]


def _json(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False) if value is not None else ""


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _info(row: tuple[Any, ...]) -> ConversationInfo:
    identifier, title, created, updated, messages, kbs, owner = row
    times = datetime.fromisoformat(created), datetime.fromisoformat(updated)
    return ConversationInfo(identifier, title, tuple(json.loads(kbs)), *times, messages, owner=owner)


def _message(row: tuple[Any, ...], siblings: tuple[int, ...]) -> ConversationMessage:
    identifier, parent, role, state, text, created, rewritten, how, images, answer, error, summary, *rated = row
    return ConversationMessage(
        identifier,
        parent,
        role,
        state,
        text,
        datetime.fromisoformat(created),
        rewritten,
        how,
        images,
        restored(Answer, json.loads(answer)) if answer else None,
        Message.of(json.loads(error)) if error else None,
        summary,
        rated[0] or None,
        rated[1],
        siblings,
    )
