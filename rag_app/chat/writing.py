"""An answer written by a chat model: the prompt is made to fit, sent, and made shorter once if the model says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.messages import message

from ..errors import PromptTooLong
from ..protocols import ChatMessage, ChatModel, ModelPiece
from ..types import Passage, Turn
from .fitting import Fitted, fit
from .prompt import messages
from .prompts import Prompt
from .stoppable import StoppableModel, Stopped

_NOT_EVEN_ONE = "ollama.context_too_small"  # said by ``fit`` in our figures, scaled to the server's
_RESERVE = 0.05  # of what a second attempt may have, as the model counted more than we did


class ModelWriter:
    """Answers with a chat model; implements :class:`rag_app.protocols.AnswerWriter`.

    Args:
        prompt: what it is asked. answer_tokens: most tokens of an answer; so much of the context is kept free.
        images: files that go with the question. open_mode: whether it may answer beyond the documents.

    Attributes:
        sent: the messages as they were sent last.
    """

    def __init__(
        self,
        model: ChatModel,
        prompt: Prompt,
        answer_tokens: int,
        images: Sequence[bytes] = (),
        *,
        open_mode: bool = False,
    ) -> None:
        self.name = model.name
        self.prompt = prompt
        self.sent: tuple[ChatMessage, ...] = ()
        self._open_mode = open_mode
        self._model = StoppableModel(model)
        self._answer_tokens = answer_tokens
        self._images = tuple(images)

    @property
    def context_tokens(self) -> int | None:
        """The model's context; None before it was asked."""
        return self._model.context_tokens

    def leading(self, question: str, history: Sequence[Turn]) -> list[ChatMessage]:
        """What the prompt of an answer begins with: the instructions and older turns."""
        return messages(self.prompt, question, (), history, open_mode=self._open_mode)[:-1]

    def cancel(self) -> None:
        """Stop, on the server too."""
        self._model.cancel()

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """The answer as it is written. What does not fit is left out whole, and said.

        Raises:
            PromptTooLong: not even one passage fits. ModelError.
        """

        def build(given: Sequence[Passage], turns: Sequence[Turn]) -> list[ChatMessage]:
            return messages(self.prompt, question, given, turns, images=self._images, open_mode=self._open_mode)

        try:
            yield from self._model.prepare()
            context = self._model.context_tokens or 0
            answer_tokens = min(self._answer_tokens, context // 2)
            budget = context - answer_tokens
            exact = self._model.counts_exactly
            fitted = fit(build, self._model.count, passages, history, budget, self.name, exact=exact)
            try:
                yield from self._written(fitted, answer_tokens)
            except PromptTooLong as error:
                try:
                    shorter = _shorter(fitted, error, budget)
                    fitted = fit(build, self._model.count, passages, history, shorter, self.name)
                    yield from self._written(fitted, answer_tokens)
                except PromptTooLong as again:
                    raise self._refused(
                        fitted, again if again.message.key != _NOT_EVEN_ONE else error, budget
                    ) from again
        except Stopped:
            return

    def _refused(self, fitted: Fitted, error: PromptTooLong, budget: int) -> PromptTooLong:
        """The server's own error, with our figures where it does not say by how much."""
        tokens, context = error.tokens or fitted.tokens, error.context or budget
        return PromptTooLong(error.message.key, tokens=tokens, context=context, model=self.name)

    def _written(self, fitted: Fitted, answer_tokens: int) -> Iterator[ModelPiece]:
        self.sent = tuple(fitted.messages)
        for piece in self._model.stream(fitted.messages, answer_tokens):
            notice = piece.notice
            if piece.done and notice is None and fitted.turns_left_out:
                notice = message("answer.turns_left_out", count=fitted.turns_left_out)
            yield replace(piece, passages=fitted.passages, notice=notice)


def _shorter(fitted: Fitted, error: PromptTooLong, budget: int) -> int:
    """The budget by our count that is the model's by its own; less by a passage or so where it did not say."""
    counted = error.tokens or fitted.tokens * 3 // 2
    available = min(budget, error.context or budget)
    return int(fitted.tokens * available / max(counted, 1) * (1 - _RESERVE))
