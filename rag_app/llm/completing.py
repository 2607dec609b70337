"""A chat model asked for one thing at a time."""

from __future__ import annotations

from ..protocols import ChatMessage, ChatModel


class ModelCompletion:
    """Whole answers to single prompts; implements :class:`rag_app.protocols.Completion`."""

    def __init__(self, model: ChatModel, answer_tokens: int) -> None:
        self.name = model.name
        self._model = model
        self._answer_tokens = answer_tokens

    def complete(self, prompt: str, schema: dict[str, object]) -> str:
        """JSON that fits a schema.

        Raises:
            PromptTooLong, ModelError.
        """
        running = self._model.stream([ChatMessage("user", prompt)], answer_tokens=self._answer_tokens, schema=schema)
        try:
            return "".join(piece.text for piece in running)
        finally:
            running.cancel()
