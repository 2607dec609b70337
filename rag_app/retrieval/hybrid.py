"""A question to passages: filter, search both indexes, fuse, rerank, then make the passages fit to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ingest.messages import Message, message

from ..catalog import Catalog, IndexState
from ..parts import Refiner
from ..protocols import Embedder, Reranker
from ..types import KnowledgeBase, Passage, Retrieval, Trace
from ..vectors import Vectors
from . import lexical
from .context import Reading, fit_to_read
from .dense import DenseHits, DenseIndex
from .filters import Condition
from .fusion import Candidate, fuse
from .lexical import LexicalHits
from .rerank import refine, rerank
from .tokens import phrases, query_terms

_CANDIDATES = 100
_READ = 12  # candidates beside twice those that are wanted


@dataclass(frozen=True, slots=True)
class Scope:
    """A knowledge base to search, and what of it; all of it without a condition."""

    kb: KnowledgeBase
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What both indexes found, before anything is done with it.

    Attributes:
        candidates: fused, best first. parts: of each scope, in order. searched: chunks that could have been found.
    """

    candidates: tuple[Candidate, ...]
    parts: tuple[tuple[DenseHits, LexicalHits], ...]
    searched: int = 0
    notes: tuple[Message, ...] = ()


class Retriever:
    """Hybrid retrieval over any number of knowledge bases; safe to share between threads."""

    def __init__(self, catalog: Catalog, vectors: Vectors, embedder_of: Callable[[IndexState], Embedder]) -> None:
        self._catalog = catalog
        self._dense = DenseIndex(catalog, vectors, embedder_of)
        self._side = ThreadPoolExecutor(thread_name_prefix="lexical")  # both indexes are searched at the same time

    def close(self) -> None:
        """End its thread."""
        self._side.shutdown(cancel_futures=True)

    def search(self, scopes: Sequence[Scope], question: str) -> Found:
        """The candidates of both indexes, fused.

        Phrases in quotation marks are to be found word for word; where no chunk has them, they are words like others.

        Raises:
            EmbedderError, StorageError.
        """
        terms, quoted = query_terms(question), phrases(question)
        narrowed = [self._with_phrases(scope, quoted) for scope in scopes] if quoted else []
        found_phrases = any(ids for _, ids in narrowed)
        notes: tuple[Message, ...] = ()
        if quoted:
            notes = (message("explain.phrases" if found_phrases else "explain.no_phrases"),)
        parts: list[tuple[DenseHits, LexicalHits]] = []
        searched = 0
        for scope, ids in narrowed if found_phrases else [(scope, self._ids(scope)) for scope in scopes]:
            searched += self._catalog.lexical.size(scope.kb.id) if ids is None else len(ids)
            within = (scope.condition.sql, scope.condition.values) if scope.condition else ("", ())
            words = self._side.submit(lexical.search, self._catalog, scope.kb.id, terms, _CANDIDATES, within)
            parts.append((self._dense.search(scope.kb.id, question, _CANDIDATES, ids), words.result()))
        return Found(tuple(fuse(parts)), tuple(parts), searched, notes)

    def retrieve(
        self,
        scopes: Sequence[Scope],
        question: str,
        reading: Reading,
        reranker: Reranker | None = None,
        refiners: Sequence[Refiner] = (),
    ) -> Retrieval:
        """The passages that best fit the question, best first.

        Raises:
            EmbedderError, StorageError; ModelError from a reranker; what a refiner raises.
        """
        found = self.search(scopes, question)
        best = found.candidates[: _READ + 2 * reading.limit]
        stored = self._catalog.passages.of([candidate.chunk_id for candidate in best])
        names = {scope.kb.id: scope.kb.name for scope in scopes}
        passages = [
            replace(
                stored[candidate.chunk_id],
                score=candidate.score,
                similarity=candidate.similarity,
                kb=names[stored[candidate.chunk_id].kb],
                trace=_trace(candidate),
            )
            for candidate in best
            if candidate.chunk_id in stored
        ]
        if reranker is not None:
            passages = rerank(reranker, question, passages)
        for refiner in refiners:
            passages = refine(refiner, question, passages)
        passages = fit_to_read(passages, reading, self._catalog.passages)
        nearest = max(
            ((one.similarity or 0.0, one.standing) for one in found.candidates),
            key=lambda pair: pair[1],
            default=(0.0, 0.0),
        )
        covered, lacking = max(((part.coverage, -part.missing) for _, part in found.parts), default=(0.0, 0.0))
        explained = tuple(self._matched(scopes, question, passages))
        return Retrieval(question, explained, covered, *nearest, found.notes, -lacking, found.searched)

    def _with_phrases(self, scope: Scope, quoted: Sequence[Sequence[str]]) -> tuple[Scope, list[int]]:
        containing = Condition(*self._catalog.lexical.containing(scope.kb.id, quoted))
        narrower = replace(scope, condition=containing & scope.condition if scope.condition else containing)
        return narrower, self._ids(narrower) or []

    def _ids(self, scope: Scope) -> list[int] | None:
        if scope.condition is None:
            return None
        return self._catalog.passages.selected(scope.condition.sql, scope.condition.values)

    def _matched(self, scopes: Sequence[Scope], question: str, passages: Sequence[Passage]) -> list[Passage]:
        """With the terms of the question that each one's chunk contains."""
        terms = query_terms(question)
        ids = {scope.kb.name: scope.kb.id for scope in scopes}
        tokens: dict[int, frozenset[str]] = {}
        for name, kb in ids.items():
            chunks = [passage.chunk_id for passage in passages if passage.kb == name]
            if chunks:
                tokens |= self._catalog.lexical.tokens(kb, chunks)
        return [
            replace(
                passage,
                trace=replace(
                    passage.trace,
                    matched=tuple(term for term in terms if term in tokens.get(passage.chunk_id, frozenset())),
                ),
            )
            if passage.trace
            else passage
            for passage in passages
        ]


def _trace(candidate: Candidate) -> Trace:
    return Trace(
        candidate.dense_rank,
        candidate.similarity,
        candidate.dense,
        candidate.lexical_rank,
        candidate.bm25,
        candidate.lexical,
        candidate.evidence,
    )
