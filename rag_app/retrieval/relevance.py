"""Whether what was retrieved can answer at all: then a model is asked, else the question is refused."""

from __future__ import annotations

import math

from ..types import Retrieval
from .language import language_of
from .tokens import query_terms

WEIGHTS: dict[str, float] = {"standing": 0.474, "coverage": 8.166, "agreement": 1.254, "terms": 2.233}
"""A logistic regression on questions whose passage is among the documents, and on others whose article is not.

Of half the articles of XQuAD (both languages), CMRC2018 and zh_pdf, all of SciFact and erc2, each set and each side
with the same weight. ``benchmarks/refusal.py --fit`` does this on its own sample; LOG.md has the figures of each set.
"""
BIAS = -10.0
"""Chosen by hand near the fitted cut (-10.4): at most 5 % of the answerable questions of each of those four sets."""
STANDING_ACROSS = 2.25
"""Across languages no terms are shared, so only the vectors speak, and less clearly."""


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


def signs(retrieval: Retrieval) -> tuple[float, float, float, float]:
    """What :data:`WEIGHTS` weigh, in their order.

    How far the nearest passage stands out and how much of the question the best one covers; whether both indexes have
    the same passage first, which they hardly ever have by chance; and the log of how many terms the question has, as
    long questions are never covered wholly.
    """
    agree = any(one.trace and one.trace.dense_rank == one.trace.lexical_rank == 1 for one in retrieval.passages)
    terms = len(query_terms(retrieval.question))
    return retrieval.standing, retrieval.coverage, float(agree), math.log(1 + terms)


def is_across(retrieval: Retrieval) -> bool:
    """Whether the best passage is in another language than the question."""
    return language_of(retrieval.question) != language_of(retrieval.passages[0].text)
