"""The answer to a question of a conversation, as it is written and kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.errors import UserError
from ingest.messages import message

from ..conversation_types import State
from ..index.forgetting import Deleted, redacted
from ..locks import Mark
from ..retrieval.language import language_of
from ..store import Store
from ..types import Answer, Filters, Turn
from .answering import AnswerStream, Event
from .preparing import Asked, Images, Preparation
from .relaying import RelayedStream
from .stoppable import Stopped

_KEEP_SECONDS = 1.0  # between two states of an unfinished answer on the disk

OpenAnswer = Callable[[str, Sequence[str], Sequence[Turn], Filters | None, Images], AnswerStream]


class ConversationStream(RelayedStream):
    """An answer as it is written, used as :class:`rag_app.chat.answering.AnswerStream` is.

    It is stored every second and at its end, also when it is stopped or fails.
    """

    def __init__(self, store: Store, open_answer: OpenAnswer, asked: Asked) -> None:
        super().__init__(asked.text, asked.condensed)
        self._store = store
        self._open = open_answer
        self._asked = asked
        self._lock = threading.Lock()
        self._cancelled = False
        self._preparation = Preparation(store, asked)
        self._answer: Answer | None = None
        self._text = ""
        self._kept = time.monotonic()
        self._mark = Mark(mark_path(store, asked.answer))
        self._events = self._run()

    @property
    def message(self) -> int:
        """The id of the answer's message."""
        return self._asked.answer

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends after what has already arrived."""
        with self._lock:
            self._cancelled = True
            self._preparation.cancel()
            if self._inner is not None:
                self._inner.cancel()

    def close(self) -> None:
        """Stop, from the thread that iterates, and store what there is."""
        self._events.close()
        self._end()

    @property
    def answer(self) -> Answer:
        """The whole answer; reading it before the end waits for the end."""
        for _ in self._events:
            pass
        return self._end()

    def _run(self) -> Generator[Event, None, None]:
        try:
            turns = yield from self._preparation.run()
            self.condensed = self._preparation.condensed
            asked = self._asked
            inner = self._open(self.rewritten, asked.kbs, turns, asked.filters, asked.images)
            with self._lock:
                self._inner = inner
                if self._cancelled:
                    inner.cancel()
            for event in inner.events():
                if isinstance(event, str):
                    self._text += event
                    self._keep_unfinished()
                yield event
        except Stopped:
            return
        except UserError as error:
            self._answer = self._nothing()
            self._store.catalog.conversations.keep(self._asked.answer, "failed", self._text, error=error.message)
            self._mark.end()
            raise
        finally:
            self._end()

    def _keep_unfinished(self) -> None:
        if time.monotonic() - self._kept >= _KEEP_SECONDS:
            self._kept = time.monotonic()
            self._store.catalog.conversations.keep(
                self._asked.answer, "running", self._text, sources=self._sources().values()
            )

    def _sources(self) -> dict[int, int]:
        """Chunk → document of all passages that are still stored."""
        return self._store.catalog.conversations.documents_of([one.chunk_id for one in self.retrieval.passages])

    def _end(self) -> Answer:
        """Store the answer as it is; a second time does nothing."""
        if self._answer is None:
            answer = self._nothing()
            if self._inner is not None:
                self._inner.close()
                answer = self._with_notice(self._inner.answer)
            self._answer = answer
            self._keep(answer)
            self._mark.end()
        return self._answer

    def _keep(self, answer: Answer) -> None:
        """With those of its passages that it cites; without what was deleted while it was written."""
        conversations = self._store.catalog.conversations
        cited = max((citation.number for citation in answer.citations), default=0)
        kept = replace(answer, passages=tuple(replace(one, trace=None) for one in answer.passages[:cited]))
        with self._store.catalog.database.transaction():
            documents = self._sources()
            lost = [one.text for one in self.retrieval.passages if one.chunk_id not in documents]
            if lost:
                what = Deleted(lost, (), lambda passage: passage.chunk_id in documents)
                kept = redacted(kept, self._asked.text, what)
            state: State = "complete" if answer.complete else "stopped"
            conversations.keep(self._asked.answer, state, kept.text, kept, sources=documents.values())

    def _with_notice(self, answer: Answer) -> Answer:
        count = self._preparation.summed_up
        if not count or answer.notice is not None:
            return answer
        return replace(answer, notice=message("conversation.summarized", count=count))

    def _nothing(self) -> Answer:
        """The answer that was stopped before it began."""
        return Answer(self.rewritten, self._text, "none", language_of(self.rewritten), False, (), (), complete=False)


def mark_path(store: Store, answer: int) -> Path:
    """The file that is locked while an answer is written."""
    return store.settings.data_dir / "answering" / f"{answer}.lock"
