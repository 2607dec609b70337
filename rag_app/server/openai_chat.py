"""``/v1/chat/completions``: a knowledge base in the place of a model."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import anyio
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from ingest.errors import UserError
from ingest.messages import Language

from ..app import RagApp
from ..chat.replying import ReplyStream
from ..types import Answer
from .chat_schemas import ChatRequest, RagOptions
from .completions import Delta, deltas
from .failures import failure
from .house import House, needs, spoken_in
from .transcripts import transcript
from .views import citation_views, sentence_views
from .working import Gone, unless_gone

_CLOSED = 499  # nobody reads it; nginx's number for a client that left


@dataclass(frozen=True, slots=True)
class Head:
    """What all parts of one completion share."""

    id: str
    created: int
    model: str

    def chunk(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """A part of a stream."""
        same = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return {**same, "choices": choices, **more}


class EventStream(StreamingResponse):
    """Server-sent events; when the client leaves, what makes them is closed at once."""

    media_type = "text/event-stream"

    def __init__(self, parts: AsyncGenerator[str, None]) -> None:
        self._parts = parts
        super().__init__(parts, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._parts.aclose()


def routes(house: House) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["OpenAI"], dependencies=[Depends(needs("reader"))])

    @router.post("/v1/chat/completions", response_model=None, responses={200: _DESCRIBED})
    async def chat_completions(asked: ChatRequest, request: Request) -> Response:
        """Ask a knowledge base. The answer is cited: markers ``[n]`` in the text, ``citations`` beside it."""
        options = asked.rag or RagOptions()
        base = await run_in_threadpool(house.base_of_model, asked.model)
        said = transcript(asked.messages)
        kbs = [house.kb(name).name for name in options.knowledge_bases] or [base]
        filters = options.filters.chosen() if options.filters else None
        stream = house.rag.reply(said.question, said.history, kbs, filters, said.images)
        wanted = house.rag.settings.serve_references if options.references is None else options.references
        language = spoken_in(request)
        head = Head(f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), asked.model)
        parts = deltas(house.workshop, stream, language, with_references=wanted)
        try:
            if asked.stream:
                counted = asked.stream_options is not None and asked.stream_options.include_usage
                first = await unless_gone(request, _opening(parts))
                return EventStream(_events(house.rag, stream, head, first, parts, language, with_usage=counted))
            return JSONResponse(await unless_gone(request, _whole(house.rag, stream, head, parts, language)))
        except Gone:
            await parts.aclose()
            return Response(status_code=_CLOSED)

    return router


async def _opening(parts: AsyncGenerator[Delta, None]) -> list[Delta]:
    """Up to the first that says something: an error before it still has a status of its own."""
    opening: list[Delta] = []
    async for delta in parts:
        opening.append(delta)
        if not delta.waits:
            break
    return opening


async def _whole(
    rag: RagApp, stream: ReplyStream, head: Head, parts: AsyncGenerator[Delta, None], language: Language
) -> dict[str, Any]:
    text = thinking = ""
    answer: Answer | None = None
    async with aclosing(parts):
        async for delta in parts:
            text += delta.text
            thinking += delta.thinking
            answer = delta.answer or answer
    assert answer is not None  # noqa: S101
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if thinking:
        message["reasoning_content"] = thinking
    message["citations"] = await run_in_threadpool(_citations, rag, answer)
    choice = {"index": 0, "message": message, "finish_reason": _reason(answer), "logprobs": None}
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [choice],
        "usage": _usage(answer),
        "rag": _ours(answer, stream, language),
    }


async def _events(
    rag: RagApp,
    stream: ReplyStream,
    head: Head,
    first: list[Delta],
    parts: AsyncGenerator[Delta, None],
    language: Language,
    *,
    with_usage: bool,
) -> AsyncGenerator[str, None]:
    usage: dict[str, Any] = {"usage": None} if with_usage else {}

    def part(delta: dict[str, Any], reason: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return _event(head.chunk([choice], **usage, **more))

    async with aclosing(parts):
        yield part({"role": "assistant", "content": ""})
        try:
            async for delta in _joined(first, parts):
                if delta.text:
                    yield part({"content": delta.text})
                elif delta.thinking:
                    yield part({"reasoning_content": delta.thinking})
                elif delta.answer is not None:
                    cited = await run_in_threadpool(_citations, rag, delta.answer)
                    ours = _ours(delta.answer, stream, language)
                    yield part({"citations": cited}, _reason(delta.answer), rag=ours)
                    if with_usage:
                        yield _event(head.chunk([], usage=_usage(delta.answer)))
                else:
                    yield _comment(delta.waits or "…")
        except UserError as error:
            yield _event(failure(error, language).as_json())
            return
    yield "data: [DONE]\n\n"


async def _joined(first: list[Delta], rest: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
    for delta in first:
        yield delta
    async for delta in rest:
        yield delta


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _comment(said: str) -> str:
    """Clients pass over it; it keeps the connection open, and tells who looks what is waited for."""
    return f": {' '.join(said.split())}\n\n"


def _reason(answer: Answer) -> str:
    return "stop" if answer.complete else "length"


def _usage(answer: Answer) -> dict[str, int]:
    read, written = answer.prompt_tokens or 0, answer.answer_tokens or 0
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _citations(rag: RagApp, answer: Answer) -> list[dict[str, Any]]:
    return [one.model_dump() for one in citation_views(rag, answer)]


def _ours(answer: Answer, stream: ReplyStream, language: Language) -> dict[str, Any]:
    return {
        "question": stream.rewritten,
        "answered_by": answer.model,
        "refused": answer.refused,
        "complete": answer.complete,
        "notice": answer.notice.text(language) if answer.notice else None,
        "sentences": [one.model_dump() for one in sentence_views(answer)],
        "context_tokens": answer.context_tokens,
    }


_EVENT = {  # before OpenAPI 3.2 the schema of a stream is that of each event
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string", "description": "A chat.completion.chunk as JSON; `[DONE]` at the end."}},
}
_DESCRIBED: dict[str, Any] = {
    "description": "OpenAI's chat.completion, with `citations` in the message and `rag` beside the choices; with "
    "`stream` its chunks as server-sent events, both in the last one.",
    "content": {
        "application/json": {"schema": {"type": "object", "required": ["id", "object", "created", "model", "choices"]}},
        "text/event-stream": {"schema": _EVENT},
    },
}
