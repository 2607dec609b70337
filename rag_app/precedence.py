"""Questions go first: what works through files in the background gives way while one is being answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from ingest.embedding import PassageEmbedder

_MOST_SECONDS = 5.0  # a question that takes longer, and a row of questions, do not hold it up


class Precedence:
    """Who is asking now; safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._since: dict[object, float] = {}

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Meanwhile others give way, for some seconds."""
        mine = object()
        with self._changed:
            self._since[mine] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._since[mine]
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait while somebody is asking, for some seconds at most."""
        end = time.monotonic() + _MOST_SECONDS
        with self._changed:
            while self._since:
                now = time.monotonic()
                until = min(end, max(self._since.values()) + _MOST_SECONDS)
                if until <= now:
                    return
                self._changed.wait(until - now)


class GivingWay:
    """An embedding model for ingestion that gives way before each text.

    Args:
        embedder: where calls run side by side, it embeds one text after the other within each; so nothing is lost by
            calling it for each. Another one is given all of a call at once.
    """

    def __init__(self, embedder: PassageEmbedder, precedence: Precedence) -> None:
        self._embedder = embedder
        self._precedence = precedence

    @property
    def concurrency(self) -> int:
        """As many calls as pay."""
        return self._embedder.concurrency

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""
        return self._embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension)."""
        at_once = 1 if self.concurrency > 1 else max(1, len(texts))
        parts = []
        for first in range(0, len(texts), at_once):
            self._precedence.give_way()
            parts.append(self._embedder.embed_passages(texts[first : first + at_once]))
        return np.concatenate(parts) if parts else self._embedder.embed_passages(texts)
