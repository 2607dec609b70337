"""A model behind any OpenAI-compatible server (vLLM, llama.cpp, LM Studio …): how a team points the app at its GPUs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from ..protocols import ChatMessage, ChatStream, ModelDescription
from .background import EventLoop
from .openai_client import OpenAiClient
from .openai_endpoint import Asked, Endpoint, when_loaded
from .waiting import Stages


class OpenAiModel:
    """Implements :class:`rag_app.protocols.ChatModel`.

    Args:
        loop: runs the requests; closed by whoever made it, after this.
        url: of the server, with or without ``/v1``.
        model: its name there; empty for the only one it has.
        api_key: empty for none.
        context_tokens: context where the server does not tell its own.
    """

    def __init__(self, loop: EventLoop, url: str, model: str, api_key: str, context_tokens: int) -> None:
        self._loop = loop
        self._name = model or urlsplit(url).netloc.rpartition("@")[2]
        self._endpoint = Endpoint(OpenAiClient(url, api_key), model, context_tokens)

    @property
    def name(self) -> str:
        """The model's name; the server's address as long as it has not said which model it has."""
        return self._name

    def describe(self) -> ModelDescription:
        """What the server says of the model.

        Raises:
            ModelNotInstalled, ModelRefused, ModelError.
        """
        server = self._loop.run(when_loaded(self._endpoint.served))
        self._name = server.model
        return ModelDescription(
            name=server.model,
            provider="openai",
            context_tokens=self._endpoint.context(server),
            trained_context=server.trained,
            parameters=server.parameters,
            quantization=server.quantization,
            size=server.size,
            vision=server.vision,
            thinking=server.thinking,
            counts_exactly=self._endpoint.counts_exactly(server),
        )

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt: the server's count, else never too few.

        Raises:
            ModelRefused, ModelError.
        """
        return self._loop.run(self._endpoint.count(tuple(messages)))

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ChatStream:
        """The answer as it is written; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            PromptTooLong, NotSupported, ModelNotInstalled, ModelRefused, ModelBusy, ModelError; while iterating.
        """
        asked = Asked(tuple(messages), answer_tokens, schema, time.monotonic())
        return self._loop.iterate(lambda: self._endpoint.pieces(asked))

    def prepare(self) -> ChatStream:
        """Ask the server what it has; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            ModelNotInstalled, ModelRefused, ModelError; while iterating.
        """
        stages = Stages(self._name, time.monotonic())
        return self._loop.iterate(lambda: self._endpoint.prepared(stages))

    def preload(self) -> None:
        """Have the model in memory; returns when it is there.

        Raises:
            ModelNotInstalled, ModelRefused, ModelError.
        """
        self._loop.run(self._endpoint.load())

    def close(self) -> None:
        """Close the connections."""
        self._loop.run(self._endpoint.client.close())
