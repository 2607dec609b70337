"""Whether what was retrieved can answer at all: then a model is asked, else the question is refused."""

from __future__ import annotations

import math

from ..types import Retrieval
from .language import language_of
from .tokens import query_terms

WEIGHTS: dict[str, float] = {
    "standing": 0.934,
    "coverage": 6.69,
    "agreement": 1.843,
    "terms": 5.631,
    "missing": -0.095,
    "size": -0.378,
}
BIAS = -14.84
STANDING_ACROSS = 2.329
"""Printed by ``benchmarks/refusal.py --fit``, which also says where these differ from what it finds.

A logistic regression on questions whose passage is among the documents, and on others whose article is not; the same
sets in collections of 120 to 7,000 chunks. The cut refuses 3 % of the answerable questions, collections weighing the
same. Across languages no terms are shared, so only the vectors speak, and less clearly. LOG.md has the figures.
"""
FEWEST_TERMS = 4
"""Fewer count as so many: one in ten of those questions has fewer, too few to tell ("ollama stop")."""


def is_relevant(retrieval: Retrieval) -> bool:
    """False when the documents most likely do not hold an answer: then no model is asked."""
    return evidence(retrieval) > 0


def evidence(retrieval: Retrieval) -> float:
    """Log odds, up to a constant, that the documents hold an answer; minus infinity when nothing was found."""
    if not retrieval.passages:
        return -math.inf
    if is_across(retrieval):
        return retrieval.standing - STANDING_ACROSS
    return sum(weight * value for weight, value in zip(WEIGHTS.values(), signs(retrieval), strict=True)) + BIAS


def signs(retrieval: Retrieval) -> tuple[float, ...]:
    """What :data:`WEIGHTS` weigh, in their order.

    How far the nearest passage stands out and how much of the question the best one covers; whether both indexes have
    the same passage first, which they hardly ever have by chance; the log of how many terms the question has, as long
    questions are never covered wholly; how much is missing, a rare name more than a common word; and the log of how
    many chunks were searched, as the best of many stands higher by chance (so in BLAST: Karlin & Altschul 1990).
    """
    agree = any(one.trace and one.trace.dense_rank == one.trace.lexical_rank == 1 for one in retrieval.passages)
    terms = max(FEWEST_TERMS, len(query_terms(retrieval.question)))
    return (
        retrieval.standing,
        retrieval.coverage,
        float(agree),
        math.log(1 + terms),
        retrieval.missing,
        math.log(max(1, retrieval.searched)),
    )


def is_across(retrieval: Retrieval) -> bool:
    """Whether the best passage is in another language than the question."""
    return language_of(retrieval.question) != language_of(retrieval.passages[0].text)
