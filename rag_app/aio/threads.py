"""Methods of a synchronous class as coroutines, each written once: as the synchronous one."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
T = TypeVar("T")

_CALLBACKS = ("progress", "asked", "tell")
_CALLS = 16  # at a time; on a machine with fewer cores they wait for each other anyway
_ANSWERS = 64  # being written at a time; the others wait for one of them to end


class Cancelled(BaseException):
    """Out of a callback: the task that waits for this work was cancelled. Only the work's own thread sees it."""


class Threads:
    """The threads of one app: some for calls, others for answers, so that long answers hold up no call."""

    def __init__(self) -> None:
        self.calls = ThreadPoolExecutor(_CALLS, "rag-app call")
        self._answers = ThreadPoolExecutor(_ANSWERS, "rag-app answer")
        self._stops: dict[Future[None], Callable[[], None]] = {}

    def draw(self, run: Callable[[], None], stop: Callable[[], None]) -> Future[None]:
        """Draw a stream to its end; ``stop`` makes it end soon."""
        drawing = self._answers.submit(run)
        self._stops[drawing] = stop
        drawing.add_done_callback(lambda ended: self._stops.pop(ended, None))
        return drawing

    def stop(self) -> None:
        """Let all streams end soon."""
        for stop in list(self._stops.values()):
            stop()

    def close(self) -> None:
        """End the threads, what is under way first; nothing that has not begun begins."""
        self.stop()
        for pool in (self._answers, self.calls):
            pool.shutdown(cancel_futures=True)


class Beside(Generic[S_co]):
    """An asynchronous object beside a synchronous one."""

    def __init__(self, sync: S_co, threads: Threads) -> None:
        self._sync = sync
        self._threads = threads

    @property
    def blocking(self) -> S_co:
        """The synchronous one; its methods block."""
        return self._sync

    async def _call(self, call: Callable[[], T]) -> T:
        """Something short, in a thread."""
        return await asyncio.wrap_future(_begin(self, call))


def in_thread(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[Beside[S], P], Coroutine[Any, Any, T]]:
    """The coroutine of a method: it takes the same arguments, returns and raises the same.

    Callbacks may be functions or coroutine functions, and are called in the event loop; an exception out of one stops
    the work. Cancelling stops work that reports progress at its next step, and waits for that; other work, which is
    short, goes on to its end with nobody to hear of it.
    """
    signature = inspect.signature(method)
    callbacks = [name for name in signature.parameters if name in _CALLBACKS]

    @functools.wraps(method)
    async def call(self: Beside[S], /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not callbacks:
            return await self._call(functools.partial(method, self.blocking, *args, **kwargs))
        bound = signature.bind(self.blocking, *args, **kwargs)
        relay = Relay(asyncio.get_running_loop())
        for name in callbacks:
            bound.arguments[name] = relay.to(bound.arguments.get(name))
        return await _until_stopped(_begin(self, lambda: method(*bound.args, **bound.kwargs)), relay)

    return call


class Relay:
    """Brings what a worker thread reports to an event loop, and stops the work at that point once it is cancelled."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._cancelled = False

    def cancel(self) -> None:
        """Stop at the next report."""
        self._cancelled = True

    def to(self, heard: Callable[..., Any] | None) -> Callable[..., None]:
        """What the work is to call in the place of a callback."""

        def report(*values: object) -> None:
            if not self._cancelled and heard is not None:
                told: Future[None] = asyncio.run_coroutine_threadsafe(_called(heard, values), self._loop)
                told.result()
            if self._cancelled:
                raise Cancelled

        return report


def _begin(self: Beside[Any], call: Callable[[], T]) -> Future[T]:
    """Run in a thread, with the context of the task that asks."""
    return self._threads.calls.submit(contextvars.copy_context().run, call)


async def _until_stopped(work: Future[T], relay: Relay) -> T:
    waited = asyncio.wrap_future(work)
    try:
        return await asyncio.shield(waited)
    except asyncio.CancelledError:
        relay.cancel()
        if not work.cancel():  # it has begun
            await asyncio.wait([waited])
            waited.exception()  # heard of, and of no interest
        raise


async def _called(heard: Callable[..., Any], values: tuple[object, ...]) -> None:
    result = heard(*values)
    if inspect.isawaitable(result):
        await result
