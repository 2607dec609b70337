"""What in the passages speaks for a claim: shared words and nearness in meaning, sentence by sentence."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ingest.messages import Language
from ingest.sentences import sentence_spans

from ..protocols import Embedder
from ..retrieval.language import language_of
from ..retrieval.tokens import query_terms, tokens
from ..types import Passage

_SAYS = re.compile(r"[^\W_]")
_LIST_MARK = re.compile(r"^\s*(?:[-*•·>#|]+\s*|\d{1,3}[.)、]\s*)+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The part of a passage that speaks most for a claim.

    Attributes:
        passage: its number, from 1. start, end: in the passage's text, one sentence or two that follow each other.
        shared: share (0–1) of the claim's terms, weighted by their rarity in the passages, that stand there.
        similarity: cosine to the claim.
        standing: of the same, in deviations above what the other sentences have.
        across: claim and passage are in different languages.
    """

    passage: int
    start: int
    end: int
    shared: float
    similarity: float
    standing: float
    across: bool


class Evidences:
    """Finds evidence in the passages of one answer; they are embedded at the first claim, once.

    Args:
        embedder: of the knowledge base.
    """

    def __init__(self, embedder: Embedder, passages: Sequence[Passage]) -> None:
        self._embedder = embedder
        self._passages = passages
        self._known: dict[str, list[Evidence]] = {}

    def of(self, claim: str) -> list[Evidence]:
        """The best evidence of each passage that has text, best passage first by what is shared and similar."""
        claim = _LIST_MARK.sub("", claim).strip("*_ ")
        if claim not in self._known:
            self._known[claim] = self._found(claim) if claim and self._spans else []
        return self._known[claim]

    def _found(self, claim: str) -> list[Evidence]:
        weights = self._weights(claim)
        shared = self._shared(weights)
        similar = self._similar(claim)
        mean, deviation = float(similar.mean()), float(similar.std()) or 1.0
        language = language_of(claim)
        best: dict[int, Evidence] = {}
        for at, (number, start, end) in enumerate(self._spans):
            for last in (at, at + 1):
                if last >= len(self._spans) or self._spans[last][0] != number:
                    continue
                pair = last > at
                cosine = float(max(similar[at], similar[last])) if pair else float(similar[at])
                found = Evidence(
                    number,
                    start,
                    self._spans[last][2] if pair else end,
                    float(shared[at, 1 if pair else 0]),
                    cosine,
                    (cosine - mean) / max(deviation, 0.01),
                    language != self._languages[number - 1],
                )
                known = best.get(number)
                if known is None or _order(found) > _order(known) + (0.1 if pair else 0.0):
                    best[number] = found
        return sorted(best.values(), key=_order, reverse=True)

    @cached_property
    def _spans(self) -> list[tuple[int, int, int]]:
        """Passage, start and end of each sentence."""
        return [
            (number, start, end)
            for number, passage in enumerate(self._passages, 1)
            for start, end in sentence_spans(passage.text)
            if _SAYS.search(passage.text, start, end)
        ]

    @cached_property
    def _terms(self) -> list[frozenset[str]]:
        return [frozenset(tokens(text)) for text in self._texts]

    @cached_property
    def _texts(self) -> list[str]:
        return [self._passages[number - 1].text[start:end] for number, start, end in self._spans]

    @cached_property
    def _headings(self) -> list[frozenset[str]]:
        return [frozenset(tokens(" ".join((one.title, *one.headings)))) for one in self._passages]

    @cached_property
    def _frequency(self) -> Counter[str]:
        return Counter(term for terms in self._terms for term in terms)

    @cached_property
    def _languages(self) -> list[Language]:
        return [language_of(passage.text) for passage in self._passages]

    @cached_property
    def _vectors(self) -> npt.NDArray[np.float32]:
        return self._embedder.embed_passages(self._texts)

    def _weights(self, claim: str) -> dict[str, float]:
        count = len(self._spans)
        terms = query_terms(claim)
        words = [term for term in terms if not any(map(str.isdigit, term))]  # numbers are compared by their value
        chosen = words if len(words) > 1 else terms
        return {term: math.log(1 + count / (1 + self._frequency[term])) for term in chosen}

    def _shared(self, weights: dict[str, float]) -> npt.NDArray[np.float64]:
        """For each sentence the share of the claim it has, alone and with the next one; what headings say is there."""
        whole = sum(weights.values()) or 1.0
        wanted = frozenset(weights)
        found = np.zeros((len(self._spans), 2))
        for at, (number, _, _) in enumerate(self._spans):
            alone = wanted & (self._terms[at] | self._headings[number - 1])
            both = alone
            if at + 1 < len(self._spans) and self._spans[at + 1][0] == number:
                both = alone | (wanted & self._terms[at + 1])
            found[at] = [sum(weights[term] for term in terms) / whole for terms in (alone, both)]
        return found

    def _similar(self, claim: str) -> npt.NDArray[np.float32]:
        similar: npt.NDArray[np.float32] = self._vectors @ self._embedder.embed_passages([claim])[0]
        return similar


def _order(evidence: Evidence) -> float:
    return evidence.similarity * 4 + (0.0 if evidence.across else evidence.shared)
