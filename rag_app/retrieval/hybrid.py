"""A question to passages: dense and lexical candidates, fused, then made fit to read."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog import Catalog, ChunkRow
from ..protocols import Embedder
from ..types import Passage, Retrieval
from ..vectors import Vectors
from .fusion import coverage, fuse, lexical_weight
from .tokens import query_terms

_CANDIDATES = 100
_COVERAGE_HITS = 5


@dataclass(frozen=True, slots=True)
class Retriever:
    """Hybrid retrieval over one knowledge base."""

    catalog: Catalog
    vectors: Vectors
    embedder: Embedder

    def retrieve(self, kb: str, question: str, limit: int) -> Retrieval:
        """The passages that best fit the question, best first.

        Args:
            kb: knowledge base id. limit: most passages.
        """
        version = self.catalog.knowledge_bases.index_version(kb)
        vector = self.embedder.embed_query(question)
        dense = {hit.chunk_id: hit.similarity for hit in self.vectors.search(kb, vector, _CANDIDATES, version)}
        lexical, covered = self._lexical(kb, question)
        ranked = fuse(dense, lexical, lexical_weight(covered))
        scores = dict(ranked)
        rows = self.catalog.documents.chunks([chunk for chunk, _ in ranked])
        visible = [rows[chunk] for chunk, _ in ranked if chunk in rows]
        passages = [_passage(row, scores[row.chunk_id], dense.get(row.chunk_id)) for row in _distinct(visible, limit)]
        best = max((dense[row.chunk_id] for row in visible if row.chunk_id in dense), default=0.0)
        return Retrieval(question, tuple(passages), covered, best)

    def _lexical(self, kb: str, question: str) -> tuple[dict[int, float], float]:
        index = self.catalog.lexical
        terms = query_terms(question)
        hits = index.search(kb, terms, _CANDIDATES)
        if not hits:
            return {}, 0.0
        found = index.tokens(kb, [hit.chunk_id for hit in hits[:_COVERAGE_HITS]])
        covered = coverage(terms, index.document_frequencies(kb, terms), index.size(kb), list(found.values()))
        return {hit.chunk_id: hit.score for hit in hits}, covered


def _distinct(rows: list[ChunkRow], limit: int) -> list[ChunkRow]:
    """The first ``limit`` rows whose text was not there before: the same file may lie in two folders."""
    kept: dict[str, ChunkRow] = {}
    for row in rows:
        kept.setdefault(" ".join(row.text.split()), row)
        if len(kept) == limit:
            break
    return list(kept.values())


def _passage(row: ChunkRow, score: float, similarity: float | None) -> Passage:
    return Passage(
        chunk_id=row.chunk_id,
        document=row.path.name,
        path=row.path,
        title=row.title,
        page=row.page,
        page_label=row.page_label,
        pages=row.pages,
        headings=row.headings,
        start=row.start,
        end=row.end,
        text=row.text,
        score=score,
        similarity=similarity,
    )
