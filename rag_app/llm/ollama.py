"""LLaMA 3 through Ollama.

A prompt longer than the context is cut in silence by default, with a normal answer, and an answer that outgrows it
pushes the prompt out from its beginning. So ``truncate: false`` and ``shift: false`` go with every request, a prompt
is counted before it is sent, and ``num_ctx`` is the same for all requests: another one would load the model anew.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from ingest.messages import message as message_of

from ..errors import ModelError, NotSupported
from ..protocols import ChatMessage, ChatStream, ModelDescription, ModelPiece, StageName
from .counting import TokenBound
from .ollama_describing import KnownModel, OllamaOptions, loaded_entry, look_at
from .ollama_server import OllamaServer
from .waiting import Line, Stages, patiently

__all__ = ["OllamaModel", "OllamaOptions"]

_TEMPERATURE = 0.2
_UNTIL_ASKED = "1m"  # a chat without messages and with keep_alive 0 unloads the model


class OllamaModel:
    """A model on an Ollama server; implements :class:`rag_app.protocols.ChatModel`."""

    def __init__(self, server: OllamaServer, name: str, options: OllamaOptions) -> None:
        self.name = name
        self._server = server
        self._options = options
        self._known: KnownModel | None = None
        self._looking = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._line = Line()

    def describe(self) -> ModelDescription:
        """What the model is, and its context here: the least of its own limit, the setting and what memory allows.

        Raises:
            ModelNotInstalled, NotSupported, OllamaUnreachable, ModelError.
        """
        return self._get().description

    def prepare(self) -> ChatStream:
        """Ask the server what the model is; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            ModelNotInstalled, NotSupported, OllamaUnreachable, ModelError; while iterating.
        """
        stages = Stages(self.name, time.monotonic())
        return self._server.loop.iterate(lambda: self._prepared(stages))

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
        stages = Stages(self.name, time.monotonic())
        yield stages.piece("connecting")
        known = await self._look()
        context = known.description.context_tokens
        request = self._request(messages, answer_tokens, schema, known.description)
        with self._line.place() as place:
            if not await self._is_loaded(context):
                yield stages.piece("loading", size=known.description.size)
                await self._load(context)
            tokens = known.bound.count(messages)
            ahead = -1
            reply = _Reply(messages, answer_tokens, known.bound)
            async for record in patiently(self._server.client.lines("/api/chat", request, model=self.name)):
                if record is None:
                    if place.ahead != ahead:
                        ahead = place.ahead
                        waits: StageName = "queued" if ahead else "reading"
                        yield stages.piece(waits, tokens=tokens, ahead=ahead or None)
                    continue
                for piece in reply.pieces(record):
                    does: StageName = "thinking" if piece.thinking else "writing"
                    if stages.now != does:
                        yield stages.piece(does)
                    yield piece
            if not reply.has_begun:
                raise ModelError("ollama.not_ollama", url=self._server.url, cause="no answer in it")
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

    async def _prepared(self, stages: Stages) -> AsyncGenerator[ModelPiece, None]:
        if self._known is None:
            yield stages.piece("connecting")
            await self._look()

    async def _look(self) -> KnownModel:
        """The server is asked once, however many wait for it."""
        async with self._looking:
            if self._known is None:
                server = self._server
                self._known = await look_at(server.client, self.name, self._options, is_local=server.is_local)
            return self._known

    async def _is_loaded(self, context: int) -> bool:
        found = await loaded_entry(self._server.client, self.name)
        return found is not None and found.context in (None, context)

    async def _load(self, context: int) -> None:
        """A chat without messages loads the model and says nothing; it takes as long as it takes.

        Who waits for the same model waits here rather than in the server's queue.
        """
        request = {
            "model": self.name,
            "messages": [],
            "stream": False,
            "keep_alive": self._options.keep_alive_value or _UNTIL_ASKED,
            "options": {"num_ctx": context},
        }
        async with self._loading:
            if not await self._is_loaded(context):
                await self._server.client.ask("POST", "/api/chat", request, model=self.name, light=False)

    def _get(self) -> KnownModel:
        return self._known or self._server.loop.run(self._look())


class _Reply:
    """What a stream of records says."""

    def __init__(self, messages: Sequence[ChatMessage], answer_tokens: int, bound: TokenBound) -> None:
        self._messages = messages
        self._answer_tokens = answer_tokens
        self._bound = bound
        self.has_begun = False
        self.is_finished = False

    def pieces(self, record: dict[str, Any]) -> Iterator[ModelPiece]:
        """Those of one record."""
        said = record.get("message") or {}
        if said.get("thinking"):
            yield ModelPiece("", thinking=str(said["thinking"]))
        text = str(said.get("content") or "")
        self.has_begun = self.has_begun or bool(said.get("thinking") or text or record.get("done"))
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
        reason = record.get("done_reason")
        notice = None
        if cut:
            notice = message_of("ollama.was_cut", read=counted, sent=least)
        elif reason == "length":
            notice = message_of("answer.at_limit", tokens=self._answer_tokens)
        return ModelPiece(
            text,
            done=True,
            prompt_tokens=counted,
            answer_tokens=record.get("eval_count"),
            complete=reason not in ("length", "load", "unload") and not cut,
            notice=notice,
        )

    def broken_end(self) -> ModelPiece:
        """Ollama's guard against endless repetition ends a stream without a last record."""
        return ModelPiece("", done=True, complete=False, notice=message_of("ollama.repetition"))


def _plain(message: ChatMessage) -> dict[str, Any]:
    text = message.text.encode("utf-8", "replace").decode()  # half a character can't be sent
    plain: dict[str, Any] = {"role": message.role, "content": text}
    if message.images:
        plain["images"] = [base64.b64encode(image).decode() for image in message.images]
    return plain
