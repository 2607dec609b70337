"""What arrives piece by piece, in asyncio. A thread of its own draws it from the synchronous stream."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from .threads import Cancelled, Threads

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Source(Protocol[E_co]):
    """A synchronous stream as a thread draws from it."""

    def events(self) -> Iterable[E_co]:
        """All of it."""

    def stop(self) -> None:
        """Let it end soon; from any thread, more than once, before it begins too."""


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing follows; what went wrong, if anything, is the thread's result."""


class _Pump(Generic[E]):
    """Draws from a source in a thread, into a queue of an event loop. It knows nothing of who listens."""

    def __init__(self, source: Source[E], loop: asyncio.AbstractEventLoop) -> None:
        self.source = source
        self.queue: asyncio.Queue[E | _End] = asyncio.Queue()
        self._loop = loop

    def run(self) -> None:
        """Raises what the source does."""
        try:
            for event in self.source.events():
                self._put(event)
        except Cancelled:
            pass
        finally:
            self._put(_End())

    def end_if_cancelled(self, drawing: Future[None]) -> None:
        """Say that nothing comes where it never began."""
        if drawing.cancelled():
            self._put(_End())

    def _put(self, item: E | _End) -> None:
        if not self._loop.is_closed():  # else nobody listens any more
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)


class AsyncStream(Generic[E]):
    """Iterate with ``async for``. It begins at the first step.

    Cancelling the task that iterates stops it at once; :meth:`aclose`, leaving an ``async with`` and dropping it do
    so, too.
    """

    def __init__(self, source: Source[E], threads: Threads) -> None:
        self._source = source
        self._threads = threads
        self._pump: _Pump[E] | None = None
        self._running: Future[None] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._end: _End | None = None
        this = weakref.ref(self)
        self._task_ended: Callable[[asyncio.Task[Any]], None] = lambda task: _stop_with(this, task)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        """The next piece.

        Raises:
            What the synchronous stream raises while iterating.
        """
        if self._end is None:
            item = await self._next()
            if not isinstance(item, _End):
                return item
            self._end = item
            self._follow(None)
            if self._ended is not None and not self._ended.cancelled():
                await self._ended
        raise StopAsyncIteration

    async def _next(self) -> E | _End:
        if self._pump is None:
            self._pump = _Pump(self._source, asyncio.get_running_loop())
            self._running = self._threads.draw(self._pump.run, self._source.stop)
            self._running.add_done_callback(self._pump.end_if_cancelled)
            self._ended = asyncio.wrap_future(self._running)
        self._follow(asyncio.current_task())
        try:
            return await self._pump.queue.get()
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _follow(self, task: asyncio.Task[Any] | None) -> None:
        """Stop when this task is cancelled, be it between two pieces."""
        if task is not self._task:
            if self._task is not None:
                self._task.remove_done_callback(self._task_ended)
            if task is not None:
                task.add_done_callback(self._task_ended)
            self._task = task

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends after what has already arrived."""
        self._source.stop()
        if self._running is not None:
            self._running.cancel()

    async def aclose(self) -> None:
        """Stop, and wait until it has."""
        self.cancel()
        if self._ended is not None:
            await asyncio.wait([self._ended])
            self._ended.cancelled() or self._ended.exception()  # heard of
        self._end = self._end or _End()
        self._follow(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if self._end is None and self._pump is not None:
            self.cancel()


def _stop_with(stream: weakref.ref[AsyncStream[Any]], task: asyncio.Task[Any]) -> None:
    found = stream()
    if found is not None and task.cancelled():
        found.cancel()
