"""Dense and lexical hits to one ranking.

Neither list's scores mean anything by themselves, and scaling each list to 0–1 (convex combination, reciprocal rank)
gives a list that found nothing as much say as one that found the answer. So each score is measured against what it
would be if the list knew nothing:

* dense: deviations above the cosine that any chunk has to this question (``DenseHits.standing``). The first 1.5 say
  nothing: hundreds of candidates reach that by chance. A good hit stands at 5 to 7; across languages at 4; where
  vectors are poor, at 3, like everything else.
* lexical: BM25 as a share of the most it could be for this question (``LexicalHits.share``): about .4 for a good hit,
  .01 to .04 across languages. A sixteenth of the question counts as much as one deviation, so that a good hit of
  either list weighs the same: 16 × .35 ≈ 7 − 1.5.

The sum is the evidence of a chunk. It needs no per-question weight and no knowledge of the language: a list that
found nothing adds nothing. As both parts are absolute, hits of several knowledge bases, with different embedding
models even, can be put in one list. ``LOG.md`` has what else was tried: reciprocal rank fusion (Cormack et al. 2009),
convex combination (Bruch, Gai & Ingber 2023, arXiv:2210.11934) with and without a gate, other constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .dense import DenseHits
from .lexical import LexicalHits

_BY_CHANCE = 1.5
_SHARE_WEIGHT = 16.0
_HALF = 8.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that was found.

    Attributes:
        similarity: cosine, None if dense retrieval did not find it; dense_rank: 1-based. standing: deviations above
            what any chunk has.
        bm25: None if lexical retrieval did not find it; lexical_rank: 1-based.
        dense, lexical: the evidence of each, in deviations; their sum ranks.
    """

    chunk_id: int
    similarity: float | None
    dense_rank: int | None
    standing: float
    dense: float
    bm25: float | None
    lexical_rank: int | None
    lexical: float

    @property
    def evidence(self) -> float:
        """What ranks."""
        return self.dense + self.lexical

    @property
    def score(self) -> float:
        """The evidence, 0–1: a half at 8, which is a good hit of one list."""
        return self.evidence / (self.evidence + _HALF)


def fuse(found: Sequence[tuple[DenseHits, LexicalHits]]) -> list[Candidate]:
    """One ranking of the hits of any number of knowledge bases, best first; without evidence, the nearest first."""
    candidates: list[Candidate] = []
    for dense, lexical in found:
        dense_ranks = {chunk: rank for rank, chunk in enumerate(dense.similarity, 1)}
        lexical_ranks = {chunk: rank for rank, chunk in enumerate(lexical.bm25, 1)}
        candidates += [
            Candidate(
                chunk,
                dense.similarity.get(chunk),
                dense_ranks.get(chunk),
                dense.standing(chunk),
                max(0.0, dense.standing(chunk) - _BY_CHANCE),
                lexical.bm25.get(chunk),
                lexical_ranks.get(chunk),
                _SHARE_WEIGHT * lexical.share(chunk),
            )
            for chunk in {**dense_ranks, **lexical_ranks}
        ]
    return sorted(candidates, key=lambda one: (-one.evidence, -one.standing, one.chunk_id))
