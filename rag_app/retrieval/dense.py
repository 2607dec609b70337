"""Dense retrieval: the chunks whose vectors are nearest to the question's, and how near chance would bring one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..catalog import Catalog, IndexState
from ..errors import StorageError
from ..protocols import Embedder
from ..vectors import Vectors
from .centring import Centring, neutral_texts

_TRIES = 5
_SAMPLE = 256
_FEW = 64  # chunks; with fewer, a sample says little
_LEAST_DEVIATION = 0.01
_TO_DEVIATION = 1.4826  # of a normal distribution, from its median absolute deviation


@dataclass(frozen=True, slots=True)
class DenseHits:
    """What dense retrieval found in one knowledge base.

    Attributes:
        similarity: chunk id → cosine to the centred question, see :mod:`rag_app.retrieval.centring`; best first.
        middle, deviation: of the cosine of any chunk of the knowledge base, estimated from a sample.
    """

    similarity: Mapping[int, float] = field(default_factory=dict)
    middle: float = 0.0
    deviation: float = 1.0

    def standing(self, chunk: int) -> float:
        """How many deviations a hit stands above what any chunk has; 0 for one that is no hit."""
        if chunk not in self.similarity:
            return 0.0
        return (self.similarity[chunk] - self.middle) / self.deviation


class DenseIndex:
    """Searches the vectors of knowledge bases; safe to share between threads."""

    def __init__(self, catalog: Catalog, vectors: Vectors, embedder_of: Callable[[IndexState], Embedder]) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._embedder_of = embedder_of
        self._centring = Centring()
        self._lock = threading.Lock()
        self._samples: dict[str, tuple[int, npt.NDArray[np.float32]]] = {}

    def search(self, kb: str, question: str, limit: int, within: Sequence[int] | None = None) -> DenseHits:
        """The nearest chunks. Where vectors were replaced at the same moment, it asks again.

        Args:
            kb: knowledge base id. within: chunk ids to choose from; all of them unless given.

        Raises:
            EmbedderError, StorageError.
        """
        for _ in range(_TRIES):
            state = self._catalog.knowledge_bases.index(kb)
            vector = self._centring.vector(self._embedder_of(state), question)
            try:
                hits = self._vectors.search(state.collection, vector, limit, state.version, within)
                if hits:
                    middle, deviation = self._background(state, vector)
                    return DenseHits({hit.chunk_id: hit.similarity for hit in hits}, middle, deviation)
            except StorageError:
                if self._catalog.knowledge_bases.index(kb).generation == state.generation:
                    raise
                continue
            if self._catalog.knowledge_bases.index(kb).generation == state.generation:
                return DenseHits()
        return DenseHits()

    def _background(self, state: IndexState, vector: npt.NDArray[np.float32]) -> tuple[float, float]:
        """Median and deviation of the cosines to a sample of the knowledge base; robust, as some may be hits."""
        cosines = self._sample(state) @ vector
        middle = float(np.median(cosines))
        spread = float(np.median(np.abs(cosines - middle)))
        return middle, max(_TO_DEVIATION * spread, _LEAST_DEVIATION)

    def _sample(self, state: IndexState) -> npt.NDArray[np.float32]:
        """Vectors spread over the knowledge base, shape (at most 256, dimension); kept until it has doubled.

        In a small one most chunks may be about what is asked, so texts about other things are added.
        """
        with self._lock:
            size, sample = self._samples.get(state.collection, (0, np.zeros((0, 0), np.float32)))
            if not size or not size <= state.chunks < 2 * size:
                ids = self._catalog.documents.some_chunk_ids(state.kb, _SAMPLE)
                found = list(self._vectors.get(state.collection, ids).values())
                if len(found) < _FEW:
                    found += list(self._embedder_of(state).embed_passages(neutral_texts()))
                sample = np.stack(found)
                self._samples[state.collection] = state.chunks, sample
            return sample
