"""``/api/v1/knowledge-bases/NAME/retrieve`` and ``…/ask``: for programs that need no chat."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.concurrency import run_in_threadpool

from ..chat.replying import ReplyStream
from ..types import Answer, Turn
from .appended import separated
from .chat_schemas import FilterOptions
from .house import House, needs, spoken_in
from .library import PREFIX, Name
from .views import AnswerView, RetrievalView, answer_view, retrieval_view
from .working import Finished, Gone, unless_gone

_CLOSED = 499
_MOST_TURNS = 1000

Question = Annotated[str, Field(description="In Chinese or English; the answer is in the same language.")]


class RetrieveRequest(BaseModel):
    """What to look for."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    limit: StrictInt | None = Field(
        default=None, ge=1, le=200, description="Most passages; unless given, the settings."
    )
    filters: FilterOptions | None = None


class TurnIn(BaseModel):
    """One message of the conversation so far."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(pattern="^(user|assistant)$")
    text: str = Field(min_length=1)


class AskRequest(BaseModel):
    """What to answer."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    history: list[TurnIn] = Field(default=[], max_length=_MOST_TURNS, description="Oldest first.")
    filters: FilterOptions | None = None

    def turns(self) -> tuple[Turn, ...]:
        """As the engine has them."""
        return tuple(
            Turn("user", one.text) if one.role == "user" else Turn("assistant", *separated(one.text))
            for one in self.history
        )


def routes(house: House) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Questions"], dependencies=[Depends(needs("reader"))])

    @router.post(f"{PREFIX}/{{kb}}/retrieve", response_model=RetrievalView)
    async def retrieve(kb: Name, asked: RetrieveRequest, request: Request) -> RetrievalView | Response:
        """The passages that best fit a question."""
        filters = asked.filters.chosen() if asked.filters else None

        def work() -> RetrievalView:
            found = house.rag.retrieve(asked.question, house.kb(kb).name, asked.limit, filters)
            return retrieval_view(house.rag, found, spoken_in(request))

        try:
            return await unless_gone(request, house.workshop.run(work))
        except Gone:
            return Response(status_code=_CLOSED)

    @router.post(f"{PREFIX}/{{kb}}/ask", response_model=AnswerView)
    async def ask(kb: Name, asked: AskRequest, request: Request) -> AnswerView | Response:
        """The answer to a question, finished and cited; streamed answers are what /v1/chat/completions is for."""
        filters = asked.filters.chosen() if asked.filters else None
        stream = house.rag.reply(asked.question, asked.turns(), house.kb(kb).name, filters)
        try:
            answer = await unless_gone(request, _finished(house, stream))
        except Gone:
            return Response(status_code=_CLOSED)
        return await run_in_threadpool(answer_view, house.rag, answer, spoken_in(request))

    return router


async def _finished(house: House, stream: ReplyStream) -> Answer:
    answer: Answer | None = None
    async with aclosing(house.workshop.written(stream)) as items:
        async for item in items:
            if isinstance(item, Finished):
                answer = item.answer
    assert answer is not None  # noqa: S101
    return answer
