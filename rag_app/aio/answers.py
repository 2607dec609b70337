"""Answers in asyncio."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from ..chat.answering import AnswerStream, Event
from ..chat.conversation_stream import ConversationStream
from ..chat.replying import ReplyStream
from ..conversation_types import Condensed
from ..protocols import ChatMessage
from ..types import Answer, Retrieval
from .streams import AsyncStream
from .threads import Beside, Cancelled, Threads

P = ParamSpec("P")
S = TypeVar("S")

Opened = AnswerStream | ConversationStream | ReplyStream


class AnswerSource:
    """An answer as it is written, opened in the thread that draws from it, as opening already searches."""

    def __init__(self, begin: Callable[[], Opened]) -> None:
        self.opened: Opened | None = None
        self.answer: Answer | None = None
        self._begin = begin
        self._lock = threading.Lock()
        self._stopped = False

    def events(self) -> Generator[Event, None, None]:
        """Text, and between it stages, thoughts and checks."""
        if self._stopped:
            raise Cancelled
        opened = self._begin()
        with self._lock:
            self.opened = opened
            if self._stopped:
                opened.cancel()
        try:
            yield from opened.events()
        finally:
            opened.close()
        self.answer = opened.answer

    def stop(self) -> None:
        """Stop the model."""
        with self._lock:
            self._stopped = True
            if self.opened is not None:
                self.opened.cancel()


class AsyncAnswerStream:
    """An answer as it is written: ``async for`` gives its text, then ``await stream.answer()`` the whole of it.

    ::

        async with app.stream("How much memory does the 8B model need?") as stream:
            async for piece in stream:
                print(piece, end="")
            answer = await stream.answer()

    Cancelling the task that iterates stops the model at once; :meth:`aclose`, leaving the ``async with`` and dropping
    the stream do too. Then the answer holds what had arrived.
    """

    def __init__(self, begin: Callable[[], Opened], threads: Threads) -> None:
        self._source = AnswerSource(begin)
        self._events = AsyncStream[Event](self._source, threads)

    def __aiter__(self) -> AsyncIterator[str]:
        return _Text(self)

    def events(self) -> AsyncStream[Event]:
        """Text as it is written, between it stages, thoughts and what each sentence is worth."""
        return self._events

    async def answer(self) -> Answer:
        """The whole answer; before the end, waits for it.

        Raises:
            What :meth:`rag_app.RagApp.stream` raises.
        """
        async for _ in self._events:
            pass
        if self._source.answer is None:
            raise asyncio.CancelledError("the answer was stopped before it began")
        return self._source.answer

    @property
    def retrieval(self) -> Retrieval | None:
        """What was found; None before that."""
        return self._source.opened.retrieval if self._source.opened else None

    @property
    def prompt(self) -> tuple[ChatMessage, ...]:
        """The messages as they were sent last; empty before that, and where no model is asked."""
        return self._source.opened.prompt if self._source.opened else ()

    @property
    def verbatim(self) -> bool:
        """True when the text is quoted or ours, so that nothing in it is a model's formatting."""
        return self._source.opened is None or self._source.opened.verbatim

    @property
    def condensed(self) -> Condensed | None:
        """In a conversation, how the question was made to stand alone; None until that is known."""
        opened = self._source.opened
        return opened.condensed if isinstance(opened, ConversationStream | ReplyStream) else None

    @property
    def message(self) -> int | None:
        """In a conversation, the id of the answer's message, once the question is stored."""
        opened = self._source.opened
        return opened.message if isinstance(opened, ConversationStream) else None

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends after what has already arrived."""
        self._events.cancel()

    async def aclose(self) -> None:
        """Stop, and wait until the model has."""
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class _Text:
    """The text among the events."""

    def __init__(self, stream: AsyncAnswerStream) -> None:
        self._stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            event = await anext(self._stream.events())
            if isinstance(event, str):
                return event


def as_stream(
    method: Callable[Concatenate[S, P], Opened],
) -> Callable[Concatenate[Beside[S], P], AsyncAnswerStream]:
    """A method that opens an answer; here it is opened at the first step, in a thread, so nothing is to be awaited."""

    @functools.wraps(method)
    def opened(self: Beside[S], /, *args: P.args, **kwargs: P.kwargs) -> AsyncAnswerStream:
        return AsyncAnswerStream(functools.partial(method, self.blocking, *args, **kwargs), self._threads)

    return opened


def as_answer(
    method: Callable[Concatenate[S, P], Answer], opening: Callable[Concatenate[S, P], Opened]
) -> Callable[Concatenate[Beside[S], P], Coroutine[Any, Any, Answer]]:
    """The coroutine of a method that answers; cancelling it stops the model, as the answer is drawn from a stream."""

    @functools.wraps(method)
    async def asked(self: Beside[S], /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        async with AsyncAnswerStream(
            functools.partial(opening, self.blocking, *args, **kwargs), self._threads
        ) as stream:
            return await stream.answer()

    return asked
