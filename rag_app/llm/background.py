"""An event loop in a thread of its own: requests that any thread may wait for and any other may stop.

A blocking client can't be stopped while it waits for the first byte, which is where a model that loads keeps it for
minutes. A task can, in every state, and closing its connection is what makes Ollama and llama.cpp stop as well.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
_LISTEN_SECONDS = 0.2  # a wait without an end does not hear Ctrl-C on Windows


class EventLoop:
    """Started at its first use; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        """The task's result; an exception here, Ctrl-C say, cancels it."""
        future = self.start(task)
        try:
            while not _is_done(future):
                pass
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, task: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a task without waiting for it.

        Raises:
            CancelledError: this is closed.
        """
        with self._lock:  # so that no task comes after those that close() cancels
            if self._closed:
                task.close()
                raise CancelledError
            return asyncio.run_coroutine_threadsafe(task, self._started())

    def iterate(self, source: Callable[[], AsyncGenerator[T, None]]) -> Running[T]:
        """What an asynchronous generator yields; it begins with the first ``next``."""
        return Running(self, source)

    def close(self) -> None:
        """Cancel all tasks and end the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            self._closed = True
        if loop is None or thread is None:
            return
        with suppress(CancelledError):
            asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="rag-app requests", daemon=True)
            self._thread.start()
        return self._loop


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class Running(Generic[T]):
    """An iterator over what a task yields; it ends where the task is cancelled, or its event loop closed.

    What is dropped without being read to its end is cancelled.
    """

    def __init__(self, loop: EventLoop, source: Callable[[], AsyncGenerator[T, None]]) -> None:
        self._loop = loop
        self._source = source
        self._arrived: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._future: Future[None] | None = None
        self._cancelled = False
        self._ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        self._begin()
        if self._ended:
            raise StopIteration
        try:
            item = self._wait()
        except BaseException:
            self.cancel()
            raise
        if not isinstance(item, _End):
            return item
        self._ended = True
        if item.error is None or self._cancelled or isinstance(item.error, asyncio.CancelledError):
            raise StopIteration
        raise item.error

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends after what has already arrived."""
        with self._lock:
            self._cancelled = True
            if self._future is not None:
                self._future.cancel()

    def __del__(self) -> None:
        self.cancel()

    def _begin(self) -> None:
        with self._lock:
            if self._future is None and not self._ended:
                self._ended = self._cancelled
                if not self._cancelled:
                    try:
                        self._future = self._loop.start(_pump(self._source, self._arrived))
                    except CancelledError:
                        self._ended = True

    def _wait(self) -> T | _End:
        while True:
            with suppress(queue.Empty):
                return self._arrived.get(timeout=_LISTEN_SECONDS)
            if self._future is not None and self._future.cancelled() and self._arrived.empty():
                return _End(None)  # cancelled before it began


async def _pump(source: Callable[[], AsyncGenerator[T, None]], arrived: queue.SimpleQueue[T | _End]) -> None:
    try:
        async with aclosing(source()) as items:
            async for item in items:
                arrived.put(item)
    except BaseException as error:
        arrived.put(_End(error))
        if not isinstance(error, Exception):
            raise
    else:
        arrived.put(_End(None))


def _is_done(future: Future[Any]) -> bool:
    try:
        future.exception(_LISTEN_SECONDS)
    except TimeoutError:
        return False
    except CancelledError:
        return True
    return True


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
