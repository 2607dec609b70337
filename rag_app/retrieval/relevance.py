"""Whether what was retrieved can answer at all."""

from __future__ import annotations

from ..types import Retrieval

# Logistic regression on (best cosine, coverage); benchmarks/refusal.py fits and measures it, LOG.md has the figures.
_SIMILARITY_WEIGHT = 40.0
_COVERAGE_WEIGHT = 4.0
_BIAS = -34.5


def is_relevant(retrieval: Retrieval) -> bool:
    """False when the documents most likely do not hold an answer: then no model is asked."""
    if not retrieval.passages:
        return False
    evidence = _SIMILARITY_WEIGHT * retrieval.best_similarity + _COVERAGE_WEIGHT * retrieval.coverage + _BIAS
    return evidence > 0
