"""LLaMA 3 through Ollama.

A prompt longer than the context is cut in silence by default, with a normal answer, and an answer that outgrows it
pushes the prompt out from its beginning. So ``truncate: false`` and ``shift: false`` go with every request, a prompt
is counted before it is sent, and ``num_ctx`` is the same for all requests: another one would load the model anew.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from ingest.messages import message as message_of

from ..errors import NotSupported
from ..protocols import ChatMessage, ChatStream, ModelDescription, ModelPiece, Stage, StageName
from .counting import TokenBound
from .ollama_describing import KnownModel, OllamaOptions, loaded_entry, look_at
from .ollama_server import OllamaServer
from .waiting import Line, patiently

__all__ = ["OllamaModel", "OllamaOptions"]

_TEMPERATURE = 0.2


class OllamaModel:
    """A model on an Ollama server; implements :class:`rag_app.protocols.ChatModel`."""

    def __init__(self, server: OllamaServer, name: str, options: OllamaOptions) -> None:
        self.name = name
        self._server = server
        self._options = options
        self._lock = threading.Lock()
        self._known: KnownModel | None = None
        self._line = Line()

    def describe(self) -> ModelDescription:
        """What the model is, and its context here: the least of its own limit, the setting and what memory allows.

        Raises:
            ModelNotInstalled, NotSupported, OllamaUnreachable, ModelError.
        """
        return self._get().description

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt, never too few, see :mod:`rag_app.llm.counting`.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        return self._get().bound.count(messages)

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ChatStream:
        """The answer as it is written; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            PromptTooLong, NotSupported, ModelNotInstalled, ModelBusy, OllamaUnreachable, ModelError; while iterating.
        """
        prompt = tuple(messages)
        return self._server.loop.iterate(lambda: self._answer(prompt, answer_tokens, schema))

    def preload(self) -> None:
        """Have the model in memory; returns when it is there.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        context = self._get().description.context_tokens
        self._server.loop.run(self._load(context))

    def close(self) -> None:
        """Nothing to give up: the connections are the server's."""

    async def _answer(
        self, messages: Sequence[ChatMessage], answer_tokens: int, schema: dict[str, object] | None
    ) -> AsyncGenerator[ModelPiece, None]:
        began = time.monotonic()

        def stage(name: StageName, **values: Any) -> ModelPiece:
            return ModelPiece("", stage=Stage(name, self.name, time.monotonic() - began, **values))

        yield stage("connecting")
        known = await self._known_without_waiting()
        context = known.description.context_tokens
        request = self._request(messages, answer_tokens, schema, known.description)
        with self._line.place() as place:
            if not await self._is_loaded(context):
                yield stage("loading", size=known.description.size)
                await self._load(context)
            tokens = known.bound.count(messages)
            now: tuple[str, int] | None = None
            reply = _Reply(messages, known.bound)
            async for record in patiently(self._server.client.lines("/api/chat", request, model=self.name)):
                if record is None:
                    ahead = place.ahead
                    waits: tuple[StageName, int] = ("queued" if ahead else "reading", ahead)
                    if waits != now:
                        yield stage(waits[0], tokens=tokens, ahead=ahead or None)
                    now = waits
                    continue
                for piece in reply.pieces(record):
                    does: StageName = "thinking" if piece.thinking else "writing"
                    if now != (does, 0):
                        now = (does, 0)
                        yield stage(does)
                    yield piece
            if not reply.is_finished:
                yield reply.broken_end()

    def _request(
        self,
        messages: Sequence[ChatMessage],
        answer_tokens: int,
        schema: dict[str, object] | None,
        description: ModelDescription,
    ) -> dict[str, Any]:
        if not description.vision and any(message.images for message in messages):
            raise NotSupported("ollama.no_images", model=self.name)
        request: dict[str, Any] = {
            "model": self.name,
            "messages": [_plain(message) for message in messages],
            "stream": True,
            "truncate": False,
            "shift": False,
            "keep_alive": self._options.keep_alive_value,
            "options": {
                "num_ctx": description.context_tokens,
                "num_predict": answer_tokens,
                "temperature": _TEMPERATURE,
            },
        }
        if description.thinking:
            request["think"] = self._options.thinking
        if schema is not None:
            request["format"] = schema
        return request

    async def _known_without_waiting(self) -> KnownModel:
        """As :meth:`_get`, without keeping the event loop from its other requests."""
        return self._known if self._known is not None else await asyncio.to_thread(self._get)

    async def _is_loaded(self, context: int) -> bool:
        found = await loaded_entry(self._server.client, self.name)
        return found is not None and found.context in (None, context)

    async def _load(self, context: int) -> None:
        """A chat without messages loads the model and says nothing; it takes as long as it takes."""
        request = {
            "model": self.name,
            "messages": [],
            "stream": False,
            "keep_alive": self._options.keep_alive_value,
            "options": {"num_ctx": context},
        }
        await self._server.client.ask("POST", "/api/chat", request, model=self.name, light=False)

    def _get(self) -> KnownModel:
        with self._lock:
            if self._known is None:
                self._known = look_at(self._server, self.name, self._options)
            return self._known


class _Reply:
    """What a stream of records says."""

    def __init__(self, messages: Sequence[ChatMessage], bound: TokenBound) -> None:
        self._messages = messages
        self._bound = bound
        self.is_finished = False

    def pieces(self, record: dict[str, Any]) -> Iterator[ModelPiece]:
        """Those of one record."""
        said = record.get("message") or {}
        if said.get("thinking"):
            yield ModelPiece("", thinking=str(said["thinking"]))
        text = str(said.get("content") or "")
        if record.get("done"):
            yield self._end(text, record)
        elif text:
            yield ModelPiece(text)

    def _end(self, text: str, record: dict[str, Any]) -> ModelPiece:
        self.is_finished = True
        counted = record.get("prompt_eval_count")
        least = self._bound.least(self._messages)
        cut = counted is not None and counted < least  # by a server that does not know "truncate"
        if counted is not None and not cut:
            self._bound.learn(self._messages, counted)
        return ModelPiece(
            text,
            done=True,
            prompt_tokens=counted,
            answer_tokens=record.get("eval_count"),
            complete=record.get("done_reason") not in ("length", "load", "unload") and not cut,
            notice=message_of("ollama.was_cut", read=counted, sent=least) if cut else None,
        )

    def broken_end(self) -> ModelPiece:
        """Ollama's guard against endless repetition ends a stream without a last record."""
        return ModelPiece("", done=True, complete=False, notice=message_of("ollama.repetition"))


def _plain(message: ChatMessage) -> dict[str, Any]:
    plain: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.images:
        plain["images"] = [base64.b64encode(image).decode() for image in message.images]
    return plain
