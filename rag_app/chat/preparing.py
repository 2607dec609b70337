"""Before a question of a conversation is searched for: it is made to stand alone, what the model is told is fitted."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ingest.errors import UserError

from ..conversation_types import Condensed, ConversationMessage
from ..errors import ModelError
from ..protocols import ModelPiece, Stage
from ..store import Store
from ..types import Filters, Turn
from .condense import carried, condensing
from .follow_ups import needs_rewriting
from .prompts import Prompt
from .remembering import Memory, memory, within_share
from .stoppable import StoppableModel, Stopped
from .writing import ModelWriter

T = TypeVar("T")

Image = str | Path | bytes
Images = Sequence[Image]


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored question and what is needed to answer it.

    Attributes:
        question: id of its message. answer: id of the answer's. text: as it was asked.
        condensed: how it stands alone, None where that is still to be found out.
        path: the messages before it, oldest first. kbs: names of the knowledge bases.
    """

    question: int
    answer: int
    text: str
    condensed: Condensed | None
    path: tuple[ConversationMessage, ...]
    kbs: tuple[str, ...]
    filters: Filters | None = None
    images: tuple[Image, ...] = ()


class Preparation:
    """What is done before the search; it can be stopped.

    Attributes:
        condensed: how the question stands alone; None until that is known. summed_up: messages newly in the summary.
    """

    def __init__(self, store: Store, asked: Asked) -> None:
        self.condensed = asked.condensed
        self.summed_up = 0
        self._store = store
        self._asked = asked
        self._lock = threading.Lock()
        self._cancelled = False
        self._model: StoppableModel | None = None

    def cancel(self) -> None:
        """Stop, from any thread."""
        with self._lock:
            self._cancelled = True
            if self._model is not None:
                self._model.cancel()

    def run(self) -> Generator[Stage, None, tuple[Turn, ...]]:
        """Stages on the way; returns what the model is to be told of the conversation.

        Raises:
            Stopped.
        """
        prompt = self._store.models.prompt("conversation")
        held = memory(self._asked.path)
        writer = answering_writer(self._store, self._asked.kbs[0]) if self._asked.path else None
        model = self._opened() if writer is not None else None
        if writer is not None and model is not None:
            try:
                for piece in model.prepare():
                    if piece.stage is not None:
                        yield piece.stage
                held = yield from self._remembered(held, writer, model, prompt)
            except ModelError:  # it is said when the model is asked for the answer
                model = None
        turns = held.turns(prompt)
        if self.condensed is None:
            self.condensed = yield from self._condensed(turns, writer, model, prompt)
            rewritten = self.condensed.rewritten if self.condensed.how != "none" else ""
            self._store.catalog.conversations.rewrite(self._asked.question, rewritten, self.condensed.how)
        return turns

    def _opened(self) -> StoppableModel:
        model = StoppableModel(self._store.models.chat_model())
        with self._lock:
            if self._cancelled:
                raise Stopped
            self._model = model
        return model

    def _remembered(
        self, held: Memory, writer: ModelWriter, model: StoppableModel, prompt: Prompt
    ) -> Generator[Stage, None, Memory]:
        asked = self._asked.text
        found = yield from stages(within_share(held, model, prompt, lambda turns: writer.leading(asked, turns)))
        if found.grown is not None:
            self._store.catalog.conversations.summarize(found.grown, found.summary)
            self.summed_up = found.summed_up
        return found

    def _condensed(
        self, turns: Sequence[Turn], writer: ModelWriter | None, model: StoppableModel | None, prompt: Prompt
    ) -> Generator[Stage, None, Condensed]:
        asked, said = self._asked.text, self._said(turns)
        if not needs_rewriting(asked, said):
            return Condensed(asked, asked)
        if writer is None or model is None:
            return carried(asked, said)
        return (yield from stages(condensing(asked, said, model, prompt, writer.leading(asked, turns))))

    def _said(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """What a follow-up question may mean: the turns, and the last question even where it has no answer."""
        asked = [one for one in self._asked.path if one.role == "user"]
        last = asked[-1].standalone if asked else ""
        if not last or any(turn.text == last for turn in turns[-2:]):
            return tuple(turns)
        return (*turns, Turn("user", last))


def answering_writer(store: Store, kb: str) -> ModelWriter | None:
    """Who writes the answer, if that is a model; what goes wrong is said when it is asked for the answer."""
    bases = store.catalog.knowledge_bases
    with suppress(UserError):
        embedder = store.embedder_of(bases.index(bases.get(kb).id))
        writer = store.models.answerer(embedder).writer
        return writer if isinstance(writer, ModelWriter) else None
    return None


def stages(pieces: Generator[ModelPiece, None, T]) -> Generator[Stage, None, T]:
    """Of what a model does on the way, what is waited for; returns what it comes to."""
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            result: T = end.value
            return result
        if piece.stage is not None:
            yield piece.stage
