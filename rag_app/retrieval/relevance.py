"""Whether what was retrieved can answer at all."""

from __future__ import annotations

import math

from ..types import Retrieval
from .language import language_of

# A logistic regression on questions with and without an answer, moved so that about 2 % of the answerable ones are
# refused; benchmarks/refusal.py fits and measures it, LOG.md has the figures of each collection.
_STANDING = 0.97
_COVERAGE = 9.98
_SAME_LANGUAGE = -6.55
_ACROSS_LANGUAGES = -2.18  # no terms are shared, so only the vectors speak, and less clearly


def is_relevant(retrieval: Retrieval) -> bool:
    """False when the documents most likely do not hold an answer: then no model is asked."""
    return evidence(retrieval) > 0


def evidence(retrieval: Retrieval) -> float:
    """Log odds, up to a constant, that the documents hold an answer; minus infinity when nothing was found."""
    if not retrieval.passages:
        return -math.inf
    standing = _STANDING * retrieval.standing
    if language_of(retrieval.question) != language_of(retrieval.passages[0].text):
        return standing + _ACROSS_LANGUAGES
    return standing + _COVERAGE * retrieval.coverage + _SAME_LANGUAGE
