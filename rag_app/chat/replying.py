"""A reply in a conversation that somebody else keeps: the question is made to stand alone, then answered."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence
from functools import cache
from itertools import chain

from ingest.messages import catalogue

from ..conversation_types import Condensed
from ..errors import ModelError
from ..protocols import Stage
from ..retrieval.language import language_of
from ..store import Store
from ..types import Answer, Filters, Turn
from .answering import Event
from .condense import carried, condensing
from .conversation_stream import OpenAnswer
from .follow_ups import needs_rewriting
from .preparing import Images, answering_writer, stages
from .relaying import RelayedStream
from .stoppable import StoppableModel, Stopped

_REFUSALS = ("answer.not_found", "answer.unsupported", "answer.nothing", "answer.empty_kb")


class ReplyStream(RelayedStream):
    """An answer as it is written, used as :class:`rag_app.chat.answering.AnswerStream` is; nothing of it is stored."""

    def __init__(
        self,
        store: Store,
        open_answer: OpenAnswer,
        question: str,
        history: Sequence[Turn],
        kbs: Sequence[str],
        filters: Filters | None = None,
        images: Images = (),
    ) -> None:
        super().__init__(question)
        self._store = store
        self._open = open_answer
        self._history = tuple(history)
        self._kbs = tuple(kbs)
        self._filters = filters
        self._images = tuple(images)
        self._lock = threading.Lock()
        self._cancelled = False
        self._model: StoppableModel | None = None
        self._events = self._run()

    @property
    def may_be_withdrawn(self) -> bool:
        """As :attr:`AnswerStream.may_be_withdrawn`."""
        return self._inner is not None and self._inner.may_be_withdrawn

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends after what has already arrived."""
        with self._lock:
            self._cancelled = True
            if self._model is not None:
                self._model.cancel()
            if self._inner is not None:
                self._inner.cancel()

    def close(self) -> None:
        """Stop, from the thread that iterates; the model is cancelled."""
        self._cancelled = True
        self._events.close()
        if self._inner is not None:
            self._inner.close()

    @property
    def answer(self) -> Answer:
        """The whole answer; reading it before the end waits for the end."""
        for _ in self._events:
            pass
        if self._inner is not None:
            return self._inner.answer
        return Answer(self.rewritten, "", "none", language_of(self.rewritten), False, (), (), complete=False)

    def _run(self) -> Generator[Event, None, None]:
        turns = answered(self._history)
        try:
            self.condensed = yield from self._condensing(turns)
            self._check()
            inner = self._open(self.rewritten, self._kbs, turns, self._filters, self._images)
            with self._lock:
                self._inner = inner
                if self._cancelled:
                    inner.cancel()
            yield from inner.events()
        except Stopped:
            return

    def _condensing(self, turns: Sequence[Turn]) -> Generator[Stage, None, Condensed]:
        asked, said = self._question, self._history
        if not needs_rewriting(asked, said):
            return Condensed(asked, asked)
        writer = answering_writer(self._store, self._kbs[0])
        if writer is None:
            return carried(asked, said)
        try:
            model = self._opened()
            for piece in model.prepare():
                if piece.stage is not None:
                    yield piece.stage
        except ModelError:  # it is said when the model is asked for the answer
            return carried(asked, said)
        prompt = self._store.models.prompt("conversation")
        return (yield from stages(condensing(asked, said, model, prompt, writer.leading(asked, turns))))

    def _opened(self) -> StoppableModel:
        model = StoppableModel(self._store.models.chat_model())
        with self._lock:
            self._check()
            self._model = model
        return model

    def _check(self) -> None:
        if self._cancelled:
            raise Stopped


def answered(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns without questions that were refused: a model that reads refusals goes on refusing."""
    kept: list[Turn] = []
    for turn in history:
        if turn.role == "assistant" and is_refusal(turn.text):
            if kept and kept[-1].role == "user":
                kept.pop()
            continue
        kept.append(turn)
    return tuple(kept)


def is_refusal(answer: str) -> bool:
    """Whether an answer is one of our own sentences for "the documents do not say"."""
    return any(pattern.fullmatch(answer.strip()) for pattern in _refusals())


@cache
def _refusals() -> tuple[re.Pattern[str], ...]:
    templates = chain.from_iterable(catalogue()[key].values() for key in _REFUSALS)
    return tuple(re.compile(re.sub(r"\\\{.+?\\\}", ".*", re.escape(one)), re.DOTALL) for one in templates)
