"""One model behind an OpenAI-compatible server: counted, asked and listened to. Everything here runs in an event loop.

A prompt that is too long is refused by llama.cpp, vLLM and OpenAI. Others, Ollama's ``/v1`` and LM Studio among them,
cut it and answer as if nothing had happened: to those only what surely fits is sent.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ingest.messages import message as message_of

from ..errors import PromptTooLong
from ..protocols import ChatMessage, ModelPiece, StageName
from .counting import TokenBound
from .openai_client import OpenAiClient
from .openai_errors import NoSuchPath, StillLoading
from .openai_server import Served, count, served
from .thinking import ThinkSplitter
from .waiting import Line, Stages, patiently

T = TypeVar("T")
_TEMPERATURE = 0.2
_LOADING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model is asked.

    Attributes:
        began: moment of :func:`time.monotonic` at which the user asked.
    """

    messages: Sequence[ChatMessage]
    answer_tokens: int
    schema: dict[str, object] | None
    began: float


class Endpoint:
    """A model on a server.

    Args:
        model: its name; empty for the only one that the server has.
        context_tokens: context where the server does not tell its own.
    """

    def __init__(self, client: OpenAiClient, model: str, context_tokens: int) -> None:
        self.client = client
        self._model = model
        self._context_tokens = context_tokens
        self._served: Served | None = None
        self._bound = TokenBound()
        self._counts = True
        self._line = Line()

    async def served(self) -> Served:
        """What the server says of its model; asked once, and again as long as the model is not loaded.

        Raises:
            ModelError.
        """
        if self._served is None:
            found = await served(self.client, self._model)
            if not found.loaded:
                return found
            self._served = found
        return self._served

    def context(self, server: Served) -> int:
        """Tokens of prompt and answer together."""
        return server.context or self._context_tokens

    def counts_exactly(self, server: Served) -> bool:
        """Whether the server counts prompts for us."""
        return server.counts and self._counts

    async def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt: the server's count, else never too few.

        Raises:
            ModelError.
        """
        server = await when_loaded(self.served)
        if self.counts_exactly(server) and not any(message.images for message in messages):
            try:
                return await when_loaded(lambda: count(self.client, server, [_plain(one) for one in messages]))
            except NoSuchPath:
                self._counts = False
        return self._bound.count(messages)

    async def prepared(self, stages: Stages) -> AsyncGenerator[ModelPiece, None]:
        """What is waited for until the server has said what it has.

        Raises:
            ModelError.
        """
        if self._served is None:
            yield stages.piece("connecting")
        while True:
            try:
                await self.served()
            except StillLoading:
                if stages.now != "loading":
                    yield stages.piece("loading")
                await asyncio.sleep(_LOADING_SECONDS)
            else:
                return

    async def load(self) -> None:
        """Have the model in memory: one token is asked of a server that loads at the first question.

        Raises:
            ModelError.
        """
        server = await when_loaded(self.served)
        if not server.loaded:
            asked = Asked([ChatMessage("user", "Hi")], 1, None, time.monotonic())
            async for _ in self.client.chat(_request(asked, server), {}, server.model):
                pass

    async def pieces(self, asked: Asked) -> AsyncGenerator[ModelPiece, None]:
        """The answer, with a stage before each silence.

        Raises:
            PromptTooLong, ModelError.
        """
        stages = Stages(self._model, asked.began)
        async for piece in self.prepared(stages):
            yield piece
        while True:
            try:
                server = await self.served()
                stages.model = server.model
                if not server.loaded:
                    yield stages.piece("loading", size=server.size)
                    await self.load()
                    server = await self.served()
                await self._check(asked, server)
                async for piece in self._answer(asked, server, stages):
                    yield piece
            except StillLoading:
                if stages.now != "loading":
                    yield stages.piece("loading")
                await asyncio.sleep(_LOADING_SECONDS)
            else:
                return

    async def _check(self, asked: Asked, server: Served) -> None:
        """Such a server would also push the prompt out of its context where the answer needs the room."""
        if server.refuses:
            return
        tokens, context = await self.count(asked.messages), self.context(server)
        if tokens + asked.answer_tokens > context:
            raise PromptTooLong("openai.too_long", tokens=tokens, context=context, model=server.model)

    async def _answer(self, asked: Asked, server: Served, stages: Stages) -> AsyncGenerator[ModelPiece, None]:
        extra = {"cache_prompt": True, "return_progress": True} if server.kind == "llama.cpp" else {}
        reply = _Reply(asked.answer_tokens)
        with self._line.place() as place:
            async for chunk in patiently(self.client.chat(_request(asked, server), extra, server.model)):
                if chunk is None:
                    waits: StageName = "queued" if server.slots and place.ahead >= server.slots else "reading"
                    if stages.now != waits:
                        yield stages.piece(waits, ahead=place.ahead if waits == "queued" else None)
                    continue
                place.is_served()
                if tokens := reply.progress(chunk):
                    yield stages.piece("reading", tokens=tokens)
                for piece in reply.pieces(chunk):
                    does: StageName = "thinking" if piece.thinking else "writing"
                    if stages.now != does:
                        yield stages.piece(does)
                    yield piece
        for piece in reply.end(None if server.refuses else self._bound.least(asked.messages)):
            if piece.done and piece.complete and piece.prompt_tokens:
                self._bound.learn(asked.messages, piece.prompt_tokens)
            yield piece


class _Reply:
    """What a stream of chunks says."""

    def __init__(self, answer_tokens: int) -> None:
        self._answer_tokens = answer_tokens
        self._splitter = ThinkSplitter()
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}
        self._tokens: int | None = None

    def progress(self, chunk: dict[str, Any]) -> int | None:
        """Tokens of the prompt, the first time that llama.cpp says so."""
        total = (chunk.get("prompt_progress") or {}).get("total")
        if total is None or self._tokens is not None:
            return None
        self._tokens = int(total)
        return self._tokens

    def pieces(self, chunk: dict[str, Any]) -> Iterator[ModelPiece]:
        """Those of one chunk."""
        self._usage = chunk.get("usage") or self._usage
        for choice in (chunk.get("choices") or [])[:1]:
            self._finish = choice.get("finish_reason") or self._finish
            delta = choice.get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")  # newer vLLM has the short name
            if isinstance(thought, str) and thought:
                yield ModelPiece("", thinking=thought)
            yield from _told_apart(self._splitter.feed(str(delta.get("content") or "")))

    def end(self, least: int | None) -> Iterator[ModelPiece]:
        """The last pieces.

        Args:
            least: tokens that the prompt has at least, where the server may have cut it.
        """
        yield from _told_apart(self._splitter.end())
        counted = self._usage.get("prompt_tokens")
        cut = least is not None and isinstance(counted, int) and counted < least
        notice = None
        if cut:
            notice = message_of("openai.was_cut", read=counted, sent=least)
        elif self._finish == "length":
            notice = message_of("answer.at_limit", tokens=self._answer_tokens)
        yield ModelPiece(
            "",
            done=True,
            prompt_tokens=counted,
            answer_tokens=self._usage.get("completion_tokens"),
            complete=self._finish == "stop" and not cut,
            notice=notice,
        )


async def when_loaded(ask: Callable[[], Awaitable[T]]) -> T:
    """What ``ask`` gives as soon as the server's model is in memory; it takes as long as it takes."""
    while True:
        try:
            return await ask()
        except StillLoading:
            await asyncio.sleep(_LOADING_SECONDS)


def _told_apart(both: tuple[str, str]) -> Iterator[ModelPiece]:
    thought, said = both
    if thought:
        yield ModelPiece("", thinking=thought)
    if said:
        yield ModelPiece(said)


def _request(asked: Asked, server: Served) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": server.model,
        "messages": [_plain(message) for message in asked.messages],
        "temperature": _TEMPERATURE,
        "stream_options": {"include_usage": True},
        # OpenAI has renamed it; the others know the old name, some of them only that
        "max_completion_tokens" if server.kind == "openai" else "max_tokens": asked.answer_tokens,
    }
    if asked.schema is not None:
        schema = {"name": "answer", "schema": asked.schema, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request


def _plain(message: ChatMessage) -> dict[str, Any]:
    text = message.text.encode("utf-8", "replace").decode()  # half a character can't be sent
    if not message.images:
        return {"role": message.role, "content": text}
    images = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
    return {"role": message.role, "content": [{"type": "text", "text": text}, *images]}


def _data_url(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "webp" if image[8:12] == b"WEBP" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
