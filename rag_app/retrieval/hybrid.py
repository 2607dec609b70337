"""A question to passages: dense and lexical candidates, fused, then made fit to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..catalog import Catalog, IndexState
from ..errors import StorageError
from ..protocols import Embedder
from ..types import Passage, Retrieval
from ..vectors import Vectors
from .fusion import coverage, fuse, lexical_weight
from .tokens import query_terms

_CANDIDATES = 100
_COVERAGE_HITS = 5
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Retriever:
    """Hybrid retrieval over one knowledge base."""

    catalog: Catalog
    vectors: Vectors
    embedder_of: Callable[[IndexState], Embedder]

    def retrieve(self, kb: str, question: str, limit: int) -> Retrieval:
        """The passages that best fit the question, best first.

        Args:
            kb: knowledge base id. limit: most passages.
        """
        dense = self._dense(kb, question)
        lexical, covered = self._lexical(kb, question)
        ranked = fuse(dense, lexical, lexical_weight(covered))
        scores = dict(ranked)
        found = self.catalog.documents.passages(list(scores))
        visible = [found[chunk] for chunk, _ in ranked if chunk in found]
        passages = tuple(
            replace(passage, score=scores[passage.chunk_id], similarity=dense.get(passage.chunk_id))
            for passage in _distinct(visible, limit)
        )
        best = max((dense[passage.chunk_id] for passage in visible if passage.chunk_id in dense), default=0.0)
        return Retrieval(question, passages, covered, best)

    def _dense(self, kb: str, question: str) -> dict[int, float]:
        """Chunk id → cosine. Where vectors were replaced at the same moment, it asks again."""
        for _ in range(_TRIES):
            state = self.catalog.knowledge_bases.index(kb)
            vector = self.embedder_of(state).embed_query(question)
            try:
                hits = self.vectors.search(state.collection, vector, _CANDIDATES, state.version)
            except StorageError:
                if self.catalog.knowledge_bases.index(kb).generation == state.generation:
                    raise
                continue
            if hits is not None:
                return {hit.chunk_id: hit.similarity for hit in hits}
            if self.catalog.knowledge_bases.index(kb).generation == state.generation:
                return {}
        return {}

    def _lexical(self, kb: str, question: str) -> tuple[dict[int, float], float]:
        index = self.catalog.lexical
        terms = query_terms(question)
        hits = index.search(kb, terms, _CANDIDATES)
        if not hits:
            return {}, 0.0
        found = index.tokens(kb, [hit.chunk_id for hit in hits[:_COVERAGE_HITS]])
        covered = coverage(terms, index.document_frequencies(kb, terms), index.size(kb), list(found.values()))
        return {hit.chunk_id: hit.score for hit in hits}, covered


def _distinct(passages: list[Passage], limit: int) -> list[Passage]:
    """The first ``limit`` whose text was not there before: the same file may lie in two folders."""
    kept: dict[str, Passage] = {}
    for passage in passages:
        kept.setdefault(" ".join(passage.text.split()), passage)
        if len(kept) == limit:
            break
    return list(kept.values())
