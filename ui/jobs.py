"""Work that goes on whoever looks: answers being written, files being read, models being fetched.

A job belongs to the server, not to a page: a reload, a closed tab or a second window finds it again by its key and
watches it; only who stops it, stops it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from rag_app import UserError

_KEPT = 200  # finished jobs


@dataclass(eq=False)
class Job:
    """Something under way, or done.

    Attributes:
        key: what it is about: ("answer", conversation), ("ingest", knowledge base), ….
        step: how far it is, whatever its kind says of that. events: everything it said, in order.
        result: what came of it. error: why nothing did. cancelled: somebody has stopped it.
    """

    key: tuple[Any, ...]
    step: Any = None
    events: list[Any] = field(default_factory=list)
    result: Any = None
    error: UserError | None = None
    cancelled: bool = False
    finished: bool = False
    began: float = field(default_factory=time.monotonic)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stop: Callable[[], None] | None = None

    def say(self, event: Any) -> None:
        """Add an event; who watches sees it."""
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def is_at(self, step: Any) -> None:
        """Say how far it is."""
        with self._changed:
            self.step = step
            self._changed.notify_all()
            if self.cancelled:
                raise Cancelled

    def stopped_by(self, stop: Callable[[], None]) -> None:
        """What stops it, besides the next :meth:`is_at`."""
        with self._changed:
            self._stop = stop
            if not self.cancelled:
                return
        stop()

    def cancel(self) -> None:
        """Stop it."""
        with self._changed:
            self.cancelled = True
            stop = self._stop
        if stop is not None:
            stop()

    def watch(self, seconds: float = 0.5) -> Iterator[Any]:
        """All events from the first, then those to come; None now and then, so that a page can be left."""
        seen = 0
        while True:
            with self._changed:
                if seen == len(self.events) and not self.finished:
                    self._changed.wait(seconds)
                new, done = self.events[seen:], self.finished
            seen += len(new)
            yield from new or [None]
            if done and seen == len(self.events):
                return

    def wait(self, seconds: float) -> bool:
        """Whether it is finished by then."""
        with self._changed:
            return self._changed.wait_for(lambda: self.finished, seconds)

    def run(self, work: Callable[[Job], Any]) -> None:
        """Do the work; in a thread of its own."""
        try:
            self.result = work(self)
        except Cancelled:
            self.cancelled = True
        except UserError as error:
            self.error = error
        finally:
            with self._changed:
                self.finished = True
                self._changed.notify_all()


class Cancelled(Exception):
    """Somebody has stopped the job."""


class Jobs:
    """All jobs of this server, by their keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[tuple[Any, ...], Job] = {}

    def start(self, key: tuple[Any, ...], work: Callable[[Job], Any]) -> Job:
        """Begin a job, unless one of that key is still under way: then that one."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and not job.finished:
                return job
            job = Job(key)
            self._jobs.pop(key, None)
            self._jobs[key] = job
            self._forget()
        threading.Thread(target=job.run, args=(work,), name=f"rag-app {key[0]}", daemon=True).start()
        return job

    def get(self, key: tuple[Any, ...]) -> Job | None:
        """The job of that key, under way or done."""
        with self._lock:
            return self._jobs.get(key)

    def running(self, kind: str) -> list[Job]:
        """Those of a kind that are under way."""
        with self._lock:
            return [job for job in self._jobs.values() if job.key[0] == kind and not job.finished]

    def of(self, *beginning: Any) -> list[Job]:
        """Those whose keys begin so, the first begun first."""
        with self._lock:
            return [job for key, job in self._jobs.items() if key[: len(beginning)] == beginning]

    def forget(self, key: tuple[Any, ...]) -> None:
        """Drop a finished job."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and job.finished:
                del self._jobs[key]

    def _forget(self) -> None:
        finished = [key for key, job in self._jobs.items() if job.finished]
        for key in finished[: max(0, len(finished) - _KEPT)]:
            del self._jobs[key]


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """Those of this server."""
    return Jobs()
