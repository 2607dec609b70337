"""Dense and lexical scores to one ranking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_LEXICAL_WEIGHT = 0.5
_FULL_TRUST_COVERAGE = 0.4


def fuse(dense: Mapping[int, float], lexical: Mapping[int, float], lexical_weight: float) -> list[tuple[int, float]]:
    """Convex combination of min-max scaled scores (Bruch, Gai & Ingber 2023, arXiv:2210.11934).

    Args:
        dense, lexical: chunk id → score. A chunk that one list lacks has 0 there.
        lexical_weight: 0–1; the dense list gets the rest.

    Returns:
        (chunk id, score 0–1), best first; equal scores in id order.
    """
    scaled_dense, scaled_lexical = _min_max(dense), _min_max(lexical)
    scores = {
        chunk: (1 - lexical_weight) * scaled_dense.get(chunk, 0.0) + lexical_weight * scaled_lexical.get(chunk, 0.0)
        for chunk in {*dense, *lexical}
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def lexical_weight(coverage: float) -> float:
    """How far to trust the lexical list, from how much of the question its best hits contain.

    Within a language the best hits hold about .6 of the question's idf mass and an even mix is best; across
    languages they hold .02–.09 (numbers and names) and the lexical list is noise. So the weight rises with the
    square of the coverage and is full from 0.4 on: smooth, no threshold to fall off. Measured: LOG.md.
    """
    return _LEXICAL_WEIGHT * min(1.0, coverage / _FULL_TRUST_COVERAGE) ** 2


def coverage(terms: Sequence[str], frequencies: Mapping[str, int], size: int, hits: Sequence[frozenset[str]]) -> float:
    """The idf share of ``terms`` that the best of ``hits`` contains, 0–1.

    Args:
        frequencies: term → number of chunks it stands in; a term in none counts with the highest idf.
        size: chunks in the index.
        hits: token sets of the best lexical hits.
    """
    weights = {term: math.log(1 + size / (1 + frequencies.get(term, 0))) for term in terms}
    whole = sum(weights.values())
    if not whole or not hits:
        return 0.0
    return max(sum(weight for term, weight in weights.items() if term in hit) for hit in hits) / whole


def _min_max(scores: Mapping[int, float]) -> dict[int, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {chunk: (score - low) / (high - low) for chunk, score in scores.items()}
