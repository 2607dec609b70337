"""Answers written in threads, for a server that runs in an event loop: bounded in number, stopped when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import anyio
from starlette.requests import Request

from ingest.errors import UserError

from ..chat.answering import Event
from ..chat.replying import ReplyStream
from ..types import Answer
from .failures import ApiError

T = TypeVar("T")

_WAITING = 8  # for each that is at work; more are sent away
_HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole."""

    answer: Answer


class Heartbeat:
    """Nothing has come for a while; the work goes on."""


HEARTBEAT = Heartbeat()
Item = Event | Finished | Heartbeat


class Gone(Exception):
    """Whoever asked is no longer there."""


class Workshop:
    """Where questions are worked on, ``most`` at a time.

    Args:
        most: questions.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = asyncio.Semaphore(most)
        self._waiting = 0
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="question")

    def close(self) -> None:
        """Take nothing more on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place to work, as soon as one is free.

        Raises:
            ApiError: too many wait already.
        """
        if self._free.locked() and self._waiting >= self._most * _WAITING:
            raise ApiError(429, "too_many_questions", "api.busy")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

    async def run(self, work: Callable[[], T]) -> T:
        """Something that takes a while, in a place; what was begun is waited for even when nobody wants it any more."""
        async with self.place():
            done = asyncio.get_running_loop().run_in_executor(self._threads, work)
            try:
                return await asyncio.shield(done)
            finally:
                await _settled(done)

    async def written(self, stream: ReplyStream) -> AsyncGenerator[Item, None]:
        """What a stream has to say, then :class:`Finished`. Closing the iterator stops the model, and waits for that.

        Raises:
            ApiError: too many wait already. UserError: what the stream raises.
        """
        async with self.place():
            loop = asyncio.get_running_loop()
            said: asyncio.Queue[Item | UserError | None] = asyncio.Queue()

            def tell(item: Item | UserError | None) -> None:
                loop.call_soon_threadsafe(said.put_nowait, item)

            def write() -> None:
                try:
                    for event in stream.events():
                        tell(event)
                    tell(Finished(stream.answer))
                except UserError as error:
                    tell(error)
                finally:
                    stream.close()
                    tell(None)

            done = loop.run_in_executor(self._threads, write)
            try:
                while (item := await _next(said)) is not None:
                    if isinstance(item, UserError):
                        raise item
                    yield item
                await done  # what nobody foresaw is not lost
            finally:
                stream.cancel()
                await _settled(done)


async def _next(said: asyncio.Queue[Item | UserError | None]) -> Item | UserError | None:
    try:
        return await asyncio.wait_for(said.get(), _HEARTBEAT_SECONDS)
    except TimeoutError:
        return HEARTBEAT


async def _settled(done: asyncio.Future[T]) -> None:
    """Wait until it is, whoever wants us to stop: a thread can't be left behind with the app's files open."""
    with anyio.CancelScope(shield=True):
        await asyncio.wait([done])


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The outcome of some work, stopped when whoever asked closes the connection.

    Raises:
        Gone.
    """
    running = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait([running, watching], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        raise Gone
    finally:
        watching.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait([running])


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
