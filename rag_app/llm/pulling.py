"""A download of a model as a person follows it: bytes, rate, time left; stopped at any time, gone on with later."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from ingest.values import Value

from .background import Running
from .ollama_server import PullProgress

PullStage = Literal["looking", "downloading", "checking", "finishing", "done"]

_WINDOW_SECONDS = 10.0  # the rate is that of so long ago until now
_LEAST_SECONDS = 1.0  # less says nothing of a rate


@dataclass(frozen=True, slots=True, repr=False)
class PullStep(Value):
    """How far a download is.

    Attributes:
        stage: "looking" up the model in Ollama's library, "downloading", "checking" what came, "finishing", "done".
        done, total: bytes of all parts known so far, those that an earlier download left included.
        rate: bytes a second, of the last ten; None in the first second.
        seconds_left: at that rate; None where it is not known.
    """

    model: str
    stage: PullStage
    done: int = 0
    total: int = 0
    rate: float | None = None
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the bytes that is there, 0–1."""
        return self.done / self.total if self.total else 0.0


class Meter:
    """The rate of what is fetched; what an earlier download left does not count.

    Args:
        clock: seconds, as ``time.monotonic``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._done = 0
        self._total = 0
        self._fetched = 0
        self._marks: deque[tuple[float, int]] = deque()

    def rate(self, done: int, total: int) -> float | None:
        """Bytes a second, now that ``done`` of ``total`` bytes are there; None in the first second."""
        now = self._clock()
        if total == self._total:  # with a new part comes what was already there of it
            self._fetched += max(0, done - self._done)
        self._done, self._total = done, total
        self._marks.append((now, self._fetched))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _WINDOW_SECONDS:
            self._marks.popleft()
        began, before = self._marks[0]
        return (self._fetched - before) / (now - began) if now - began >= _LEAST_SECONDS else None


class Pull:
    """Iterate over its :class:`PullStep`; the last one is "done", unless it was cancelled.

    Dropping it, or an exception while iterating, cancels the download. Ollama goes on from what is there at the next
    pull; when it is restarted it deletes that, unless it runs with ``OLLAMA_NOPRUNE=1`` (ollama/ollama#12507).
    """

    def __init__(self, model: str, running: Running[PullProgress], clock: Callable[[], float] = time.monotonic) -> None:
        self.model = model
        self._running = running
        self._meter = Meter(clock)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> PullStep:
        """The next step.

        Raises:
            ModelNotInstalled: there is no such model. OllamaUnreachable, ModelError.
        """
        found = next(self._running)
        rate = self._meter.rate(found.done, found.total) if found.total else None
        left = (found.total - found.done) / rate if rate else None
        return PullStep(self.model, _stage(found), found.done, found.total, rate, left)

    def cancel(self) -> None:
        """Stop, from any thread: the connection is closed, which ends Ollama's download as well."""
        self._running.cancel()


def _stage(found: PullProgress) -> PullStage:
    """Of Ollama's words: pulling manifest, pulling <digest>, verifying sha256 digest, writing manifest, success."""
    if found.finished:
        return "done"
    if found.status.startswith("verifying"):
        return "checking"
    if found.status.startswith("pulling"):
        return "downloading" if found.total else "looking"
    return "finishing"
