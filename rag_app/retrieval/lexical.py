"""Lexical retrieval: BM25 over the persistent index, and how much of the question it found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..catalog import Catalog
from ..catalog.lexical_index import most_bm25

_COVERAGE_HITS = 5
_MOST_POSTINGS = 8_000  # with fewer, annual reports of 19 companies (6,942 chunks) lose pages; LOG.md
_LEAST_TERMS = 2


@dataclass(frozen=True, slots=True)
class LexicalHits:
    """What lexical retrieval found in one knowledge base.

    Attributes:
        bm25: chunk id → BM25, best first. most: what no chunk's BM25 can exceed for this question.
        coverage: idf share (0–1) of the question's terms that the best hits contain. missing: idf, in nats, of the
            terms that the best of them has not.
    """

    bm25: Mapping[int, float] = field(default_factory=dict)
    most: float = 0.0
    coverage: float = 0.0
    missing: float = 0.0

    def share(self, chunk: int) -> float:
        """BM25 of a hit as a share of the most there could be, 0–1."""
        return self.bm25.get(chunk, 0.0) / self.most if self.most else 0.0


def search(
    catalog: Catalog, kb: str, terms: Sequence[str], limit: int, within: tuple[str, Sequence[object]] = ("", ())
) -> LexicalHits:
    """Chunks with any of the terms.

    Args:
        kb: knowledge base id. within: SQL of the chunk ids to choose from, and its values.
    """
    index = catalog.lexical
    frequencies, size = index.document_frequencies(kb, terms), index.size(kb)
    terms = telling(terms, frequencies)
    hits = index.search(kb, terms, limit, within)
    found = index.tokens(kb, [hit.chunk_id for hit in hits[:_COVERAGE_HITS]]) if hits else {}
    covered = coverage(terms, frequencies, size, list(found.values()))
    whole = sum(idfs(terms, frequencies, size).values())
    return LexicalHits(
        {hit.chunk_id: hit.score for hit in hits},
        most_bm25([frequencies.get(term, 0) for term in terms], size) if hits else 0.0,
        covered,
        whole * (1 - covered),
    )


def telling(terms: Sequence[str], frequencies: Mapping[str, int], most: int = _MOST_POSTINGS) -> list[str]:
    """The terms to look for: without the most frequent ones where together they stand in too many chunks to read.

    What a search costs is the chunks it has to score, so this bounds it; the terms left out have the least weight.
    """
    by_frequency = sorted(terms, key=lambda term: frequencies.get(term, 0))
    kept: set[str] = set()
    postings = 0
    for term in by_frequency:
        postings += frequencies.get(term, 0)
        if postings > most and len(kept) >= _LEAST_TERMS:
            break
        kept.add(term)
    return [term for term in terms if term in kept]


def coverage(terms: Sequence[str], frequencies: Mapping[str, int], size: int, hits: Sequence[frozenset[str]]) -> float:
    """The idf share of ``terms`` that the best of ``hits`` contains, 0–1.

    Args:
        frequencies: term → number of chunks it stands in; a term in none counts with the highest idf.
        size: chunks in the index.
        hits: token sets of the best lexical hits.
    """
    weights = idfs(terms, frequencies, size)
    whole = sum(weights.values())
    if not whole or not hits:
        return 0.0
    return max(sum(weight for term, weight in weights.items() if term in hit) for hit in hits) / whole


def idfs(terms: Sequence[str], frequencies: Mapping[str, int], size: int) -> dict[str, float]:
    """How rare each term is, in nats, see :func:`coverage`."""
    return {term: math.log(1 + size / (1 + frequencies.get(term, 0))) for term in terms}
