"""A chat model that is asked several times for one answer, and can be stopped between and in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from ..protocols import ChatMessage, ChatModel, ChatStream, ModelPiece


class Stopped(Exception):
    """Somebody has stopped the answer."""


class StoppableModel:
    """All requests of one answer; each raises :class:`Stopped` once :meth:`cancel` was called, from any thread."""

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self._model = model
        self._lock = threading.Lock()
        self._stream: ChatStream | None = None
        self._cancelled = False
        self._waited = False
        self.context_tokens: int | None = None
        self.counts_exactly = False

    def cancel(self) -> None:
        """Stop, on the server too."""
        with self._lock:
            self._cancelled = True
            if self._stream is not None:
                self._stream.cancel()

    def prepare(self) -> Iterator[ModelPiece]:
        """Stages until it is known what the model is; then :attr:`context_tokens` is too."""
        yield from self._running(self._model.prepare())
        description = self._model.describe()
        self.context_tokens = description.context_tokens
        self.counts_exactly = description.counts_exactly

    def stream(
        self, messages: Sequence[ChatMessage], answer_tokens: int, schema: dict[str, object] | None = None
    ) -> Iterator[ModelPiece]:
        """The answer, as long as nobody stops it.

        Raises:
            PromptTooLong, ModelError.
        """
        yield from self._running(self._model.stream(messages, answer_tokens=answer_tokens, schema=schema))

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt, never too few."""
        self._check()
        return self._model.count(messages)

    def _running(self, stream: ChatStream) -> Iterator[ModelPiece]:
        """Its pieces; that the server is being asked is said once."""
        with self._lock:
            self._stream = stream
        try:
            self._check()
            for piece in stream:
                again = piece.stage is not None and piece.stage.name == "connecting" and self._waited
                self._waited = self._waited or piece.stage is not None
                if not again:
                    yield piece
            self._check()
        finally:
            stream.cancel()

    def _check(self) -> None:
        if self._cancelled:
            raise Stopped
