"""The embedding stage: groups of documents, embedded in batches of like length by as many threads as pay.

What is embedded is named by its content: a text that was embedded before, or twice in a group, is not embedded again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .types import ReadFile

Vectors = npt.NDArray[np.float32]

_TEXTS_AT_ONCE = 16  # a call; Ctrl-C waits for those that run


class PassageEmbedder(Protocol):
    """What ingestion needs of an embedding model."""

    @property
    def concurrency(self) -> int:
        """How many calls at a time pay; each is safe beside the others."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""


class Group:
    """Files that are embedded together and stored in one commit."""

    def __init__(
        self, files: Sequence[ReadFile], known: Mapping[bytes, Vectors], calls: Sequence[_Call], distinct: int
    ) -> None:
        self.files = tuple(files)
        self._known = known
        self._calls = calls
        self._distinct = distinct

    @property
    def is_done(self) -> bool:
        """Whether :meth:`vectors` would not wait."""
        return all(call.future.done() for call in self._calls)

    @property
    def futures(self) -> list[Future[Vectors]]:
        """What is still waited for."""
        return [call.future for call in self._calls if not call.future.done()]

    @property
    def share(self) -> float:
        """Of its texts that have their vectors, 0–1."""
        waiting = sum(len(call.contents) for call in self._calls if not call.future.done())
        return 1 - waiting / max(1, self._distinct)

    def vectors(self) -> list[Vectors]:
        """For each file the vectors of its chunks, shape (chunks, dimension).

        Raises:
            What the embedder raises.
        """
        by_content = dict(self._known)
        for call in self._calls:
            by_content.update(zip(call.contents, call.future.result(), strict=True))
        return [np.stack([by_content[chunk.content] for chunk in file.chunks]) for file in self.files]


@dataclass(frozen=True, slots=True)
class _Call:
    contents: tuple[bytes, ...]
    future: Future[Vectors]


class EmbeddingStage:
    """Embeds groups in threads; use as a context manager, leaving it cancels what has not begun.

    Args:
        known_vectors: contents → those of them that have a vector already.
    """

    def __init__(
        self, embedder: PassageEmbedder, known_vectors: Callable[[Sequence[bytes]], Mapping[bytes, Vectors]]
    ) -> None:
        self._embedder = embedder
        self._known_vectors = known_vectors
        self._threads = ThreadPoolExecutor(embedder.concurrency, "embed")

    def start(self, files: Sequence[ReadFile]) -> Group:
        """Begin to embed what these files have that is new."""
        texts = {chunk.content: chunk.embedded_text for file in files for chunk in file.chunks}
        known = self._known_vectors(list(texts))
        fresh = {content: text for content, text in texts.items() if content not in known}
        return Group(files, known, self._submit(fresh), len(texts))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, shape (len(texts), dimension)."""
        numbered = {index.to_bytes(8): text for index, text in enumerate(texts)}
        vectors: dict[bytes, Vectors] = {}
        for call in self._submit(numbered):
            vectors.update(zip(call.contents, call.future.result(), strict=True))
        return np.stack([vectors[index] for index in numbered])

    def _submit(self, texts: Mapping[bytes, str]) -> list[_Call]:
        contents = sorted(texts, key=lambda content: len(texts[content]))
        parts = [tuple(contents[i : i + _TEXTS_AT_ONCE]) for i in range(0, len(contents), _TEXTS_AT_ONCE)]
        return [
            _Call(part, self._threads.submit(self._embedder.embed_passages, [texts[content] for content in part]))
            for part in parts
        ]

    def __enter__(self) -> EmbeddingStage:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
