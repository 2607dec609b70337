"""Dense retrieval: the chunks whose vectors are nearest to the question's, and how near chance would bring one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ingest.messages import Language

from ..catalog import Catalog, IndexState
from ..errors import StorageError
from ..protocols import Embedder
from ..vectors import VectorHit, Vectors
from .centring import QUESTIONS, Centring
from .language import language_of

_TRIES = 5
_SAMPLE = 256
_FEW = 32  # chunks; with fewer, a sample says little
_LEAST_DEVIATION = 0.01
_OTHER = 0.5  # deviations
_TO_DEVIATION = 1.4826  # of a normal distribution, from its median absolute deviation


@dataclass(frozen=True, slots=True)
class Background:
    """The cosines that any chunks of a language have to a question: their median and deviation."""

    middle: float = 0.0
    deviation: float = 1.0


@dataclass(frozen=True, slots=True)
class DenseHits:
    """What dense retrieval found in one knowledge base.

    Attributes:
        similarity: chunk id → cosine to the centred question, see :mod:`rag_app.retrieval.centring`; best first.
        languages: chunk id → language. backgrounds: of each language, estimated from a sample.
    """

    similarity: Mapping[int, float] = field(default_factory=dict)
    languages: Mapping[int, Language] = field(default_factory=dict)
    backgrounds: Mapping[Language, Background] = field(default_factory=dict)

    def standing(self, chunk: int) -> float:
        """How many deviations a hit stands above what any chunk of its language has; 0 for one that is no hit.

        Within its language, because all passages in the question's own language are nearer, whatever they say.
        """
        background = self.backgrounds.get(self.languages.get(chunk, "en"))
        if chunk not in self.similarity or background is None:
            return 0.0
        return (self.similarity[chunk] - background.middle) / background.deviation


class DenseIndex:
    """Searches the vectors of knowledge bases; safe to share between threads."""

    def __init__(self, catalog: Catalog, vectors: Vectors, embedder_of: Callable[[IndexState], Embedder]) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._embedder_of = embedder_of
        self._centring = Centring()
        self._lock = threading.Lock()
        self._samples: dict[str, tuple[int, Mapping[Language, npt.NDArray[np.float32]]]] = {}

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
                    return self._hits(state, language_of(question), vector, hits)
            except StorageError:
                if self._catalog.knowledge_bases.index(kb).generation == state.generation:
                    raise
                continue
            if self._catalog.knowledge_bases.index(kb).generation == state.generation:
                return DenseHits()
        return DenseHits()

    def _hits(
        self, state: IndexState, asked: Language, vector: npt.NDArray[np.float32], hits: Sequence[VectorHit]
    ) -> DenseHits:
        languages = self._catalog.passages.languages([hit.chunk_id for hit in hits])
        samples = self._sampled(state)
        backgrounds = {language: _background(samples[language] @ vector) for language in {*languages.values()}}
        if asked in backgrounds:  # of a passage in two languages, the one in the question's comes first
            backgrounds = {
                language: one if language == asked else Background(one.middle + _OTHER * one.deviation, one.deviation)
                for language, one in backgrounds.items()
            }
        return DenseHits({hit.chunk_id: hit.similarity for hit in hits}, languages, backgrounds)

    def _sampled(self, state: IndexState) -> Mapping[Language, npt.NDArray[np.float32]]:
        """Vectors of each language, spread over the knowledge base, shape (any, dimension); kept until it has doubled.

        Where there are few, most may be about what is asked, so texts about other things are added.
        """
        with self._lock:
            size, samples = self._samples.get(state.collection, (0, {}))
            if not size or not size <= state.chunks < 2 * size:
                ids = self._catalog.passages.some_chunk_ids(state.kb, _SAMPLE)
                languages = self._catalog.passages.languages(ids)
                found = self._vectors.get(state.collection, ids)
                embedder = self._embedder_of(state)
                samples = {}
                for language, texts in QUESTIONS.items():
                    own = [vector for chunk, vector in found.items() if languages.get(chunk) == language]
                    if len(own) < _FEW:
                        own += list(embedder.embed_passages(texts))
                    samples[language] = np.stack(own)
                self._samples[state.collection] = state.chunks, samples
            return samples


def _background(cosines: npt.NDArray[np.float32]) -> Background:
    """Robust, as some of the sample may be hits."""
    middle = float(np.median(cosines))
    spread = float(np.median(np.abs(cosines - middle)))
    return Background(middle, max(_TO_DEVIATION * spread, _LEAST_DEVIATION))
