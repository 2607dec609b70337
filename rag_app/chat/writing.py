"""An answer written by a chat model: the prompt is made to fit, sent, and made shorter once if the model says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.messages import message

from ..errors import PromptTooLong
from ..protocols import ChatMessage, ChatModel, ChatStream, ModelPiece
from ..retrieval.language import language_of
from ..types import Passage, Turn
from .fitting import Fitted, fit
from .prompt import messages

_RESERVE = 0.05  # of what a second attempt may have, as the model counted more than we did


class ModelWriter:
    """Answers with a chat model; implements :class:`rag_app.protocols.AnswerWriter`.

    Args:
        answer_tokens: most tokens of an answer; so much of the context is kept free.
        images: files that go with the question.
    """

    def __init__(self, model: ChatModel, answer_tokens: int, images: Sequence[bytes] = ()) -> None:
        self.name = model.name
        self._model = model
        self._answer_tokens = answer_tokens
        self._images = tuple(images)
        self._lock = threading.Lock()
        self._running: ChatStream | None = None
        self._cancelled = False
        self._context: int | None = None

    @property
    def context_tokens(self) -> int | None:
        """The model's context; None before it was asked."""
        return self._context

    def cancel(self) -> None:
        """Stop, on the server too."""
        with self._lock:
            self._cancelled = True
            if self._running is not None:
                self._running.cancel()

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """The answer as it is written. What does not fit is left out whole, and said.

        Raises:
            PromptTooLong: not even one passage fits. ModelError.
        """
        language = language_of(question)

        def build(given: Sequence[Passage], turns: Sequence[Turn]) -> list[ChatMessage]:
            return messages(question, given, turns, language, self._images)

        self._context = context = self._model.describe().context_tokens
        answer_tokens = min(self._answer_tokens, context // 2)
        budget = context - answer_tokens
        fitted = fit(build, self._model.count, passages, history, budget, self.name)
        try:
            yield from self._written(fitted, answer_tokens)
        except PromptTooLong as error:
            shorter = _shorter(fitted, error, budget)
            fitted = fit(build, self._model.count, passages, history, shorter, self.name)
            yield from self._written(fitted, answer_tokens)

    def _written(self, fitted: Fitted, answer_tokens: int) -> Iterator[ModelPiece]:
        running = self._model.stream(fitted.messages, answer_tokens=answer_tokens)
        with self._lock:
            self._running = running
            if self._cancelled:
                return
        try:
            for piece in running:
                notice = piece.notice
                if piece.done and notice is None and fitted.turns_left_out:
                    notice = message("answer.turns_left_out", count=fitted.turns_left_out)
                yield replace(piece, passages=fitted.passages, notice=notice)
        finally:
            running.cancel()


def _shorter(fitted: Fitted, error: PromptTooLong, budget: int) -> int:
    """The budget by our count that is the model's by its own; less by a passage or so where it did not say."""
    counted = error.tokens or fitted.tokens * 3 // 2
    available = min(budget, error.context or budget)
    return int(fitted.tokens * available / max(counted, 1) * (1 - _RESERVE))
