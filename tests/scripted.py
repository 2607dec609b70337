"""A chat model whose answers a test writes; it counts and bounds as a real one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rag_app.errors import PromptTooLong
from rag_app.protocols import ChatMessage, ModelDescription, ModelPiece, Stage

Answers = Callable[[Sequence[ChatMessage]], str]


class ScriptedStream(Iterator[ModelPiece]):
    """Pieces, until they end or are cancelled."""

    def __init__(self, pieces: Iterator[ModelPiece]) -> None:
        self._pieces = pieces
        self.cancelled = False

    def __next__(self) -> ModelPiece:
        if self.cancelled:
            raise StopIteration
        return next(self._pieces)

    def cancel(self) -> None:
        self.cancelled = True


class ScriptedModel:
    """Implements :class:`rag_app.protocols.ChatModel`.

    Args:
        answers: what it says to a prompt. context: tokens; a token is two bytes here.

    Attributes:
        asked: all prompts, in order.
    """

    name = "scripted"

    def __init__(self, answers: Answers, context: int = 8192, *, vision: bool = False) -> None:
        self.asked: list[tuple[ChatMessage, ...]] = []
        self._answers = answers
        self._context = context
        self._vision = vision

    def describe(self) -> ModelDescription:
        return ModelDescription(self.name, "ollama", self._context, vision=self._vision)

    def count(self, messages: Sequence[ChatMessage]) -> int:
        return sum(len(message.text.encode("utf-8", "replace")) // 2 + 8 for message in messages)

    def prepare(self) -> ScriptedStream:
        return ScriptedStream(iter([ModelPiece("", stage=Stage("connecting", self.name))]))

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ScriptedStream:
        return ScriptedStream(self._said(tuple(messages), answer_tokens))

    def preload(self) -> None:
        """It is always there."""

    def close(self) -> None:
        """It holds nothing."""

    def _said(self, messages: tuple[ChatMessage, ...], answer_tokens: int) -> Iterator[ModelPiece]:
        self.asked.append(messages)
        tokens = self.count(messages)
        if tokens + answer_tokens > self._context:
            raise PromptTooLong("ollama.context_too_small", tokens=tokens, context=self._context, model=self.name)
        for word in self._answers(messages).split(" "):
            yield ModelPiece(f"{word} ")
        yield ModelPiece("", done=True, prompt_tokens=tokens)
