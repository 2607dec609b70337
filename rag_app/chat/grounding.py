"""Whether the passages support a sentence: words, meaning, and every number, date and name by its value.

docs/grounding.md describes the method and how often it is right; benchmarks/grounding.py measures and calibrates it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.sentences import sentence_spans

from ..protocols import Embedder
from ..types import Passage, Support
from .claims import denies, is_babble, is_claim
from .evidence import Evidence, Evidences
from .values import missing_names, missing_values

# A logistic regression of true and false claims on shared words, cosine and its standing: within a language, and
# where claim and passage are in two; benchmarks/grounding.py --fit prints them.
_SAME = (13.6, 9.59, 0.34, -14.03)
_ACROSS = (8.27, 40.78, 1.12, -35.27)
_SUPPORTED = 0.5
_PARTLY = 0.15
_MOST = 600  # characters of a claim that are looked at
_LEAST_CODE = 6  # characters
_JUDGED = 3  # passages that are looked at for a claim


class Entailment(Protocol):
    """A model that says whether a text follows from another."""

    def judge(self, texts: Sequence[str], claim: str) -> Sequence[tuple[float, float]]:
        """For each text how likely (0–1) it entails the claim, and contradicts it.

        Raises:
            EmbedderError.
        """


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a claim is worth.

    Attributes:
        score: how likely (0–1) it is supported, values aside.
        passage: the one that supports it most, from 1; None where none has anything.
        missing: its numbers, dates and names that are not there.
    """

    support: Support
    score: float = 0.0
    passage: int | None = None
    missing: tuple[str, ...] = ()


class Grounder:
    """Checks the sentences of one answer.

    Args:
        embedder: of the knowledge base. passages: as the model was given them.
        entailment: judges in the place of words and meaning; values are checked all the same.
        strict: an answer of which nothing is supported is withdrawn.
    """

    def __init__(
        self,
        embedder: Embedder,
        passages: Sequence[Passage],
        entailment: Entailment | None = None,
        *,
        strict: bool = True,
    ) -> None:
        self.evidences = Evidences(embedder, passages)
        self.strict = strict
        self._passages = passages
        self._entailment = entailment

    def check(self, claim: str, cited: Sequence[int] = ()) -> Verdict:
        """Judge a sentence by the passages it cites; by all where they do not support it, or it cites none.

        Raises:
            EmbedderError.
        """
        claim = claim[:_MOST]
        if not is_claim(claim):
            return Verdict("none")
        found = self.evidences.of(claim)
        if not found or is_babble(claim):
            return Verdict("unsupported")
        named = [one for one in found if one.passage in cited]
        verdict = self._best(claim, named) if named else None
        if verdict is not None and verdict.support == "supported":
            return verdict
        other = self._best(claim, found)
        return other if verdict is None or _RANK[other.support] > _RANK[verdict.support] else verdict

    def check_code(self, line: str) -> Verdict:
        """A line of code is supported where a passage has it, and claims nothing elsewhere."""
        wanted = _squeezed(line)
        if len(wanted) >= _LEAST_CODE:
            for number, passage in enumerate(self._passages, 1):
                if wanted in _squeezed(passage.text):
                    return Verdict("supported", 1.0, number)
        return Verdict("none")

    def quote(self, claim: str, passage: int) -> tuple[int, int] | None:
        """Which part of a passage says it; None where nothing is near."""
        return next(((one.start, one.end) for one in self.evidences.of(claim[:_MOST]) if one.passage == passage), None)

    def _best(self, claim: str, found: Sequence[Evidence]) -> Verdict:
        if self._entailment is not None:
            return self._judged(claim, found, self._entailment)
        best, absent = self._nearest(claim, found)
        likely = score(best)
        if likely < _PARTLY:
            return Verdict("unsupported", likely, best.passage, absent)
        denied = denies(claim) and not denies(self._around(best))
        whole = likely >= _SUPPORTED and not absent and not denied
        if likely < _SUPPORTED and absent:
            return Verdict("unsupported", likely, best.passage, absent)
        return Verdict("supported" if whole else "partly", likely, best.passage, absent)

    def _nearest(self, claim: str, found: Sequence[Evidence]) -> tuple[Evidence, tuple[str, ...]]:
        """The likeliest evidence, one that has all values of the claim before one that does not; what it misses."""
        likeliest = sorted(found, key=score, reverse=True)[:_JUDGED]
        first = self._missing(claim, likeliest[0])
        for other in likeliest[1:] if first else ():
            if score(other) >= _SUPPORTED and not self._missing(claim, other):
                return other, ()
        return likeliest[0], first

    def _judged(self, claim: str, found: Sequence[Evidence], entailment: Entailment) -> Verdict:
        likeliest = sorted(found, key=score, reverse=True)[:_JUDGED]
        judged = entailment.judge([self._around(one) for one in likeliest], claim)
        at = max(range(len(likeliest)), key=lambda place: judged[place][0])
        best, (entailed, contradicted) = likeliest[at], judged[at]
        absent = self._missing(claim, best)
        if entailed >= _SUPPORTED:
            return Verdict("partly" if absent else "supported", entailed, best.passage, absent)
        near = score(best) >= _SUPPORTED and contradicted < _SUPPORTED and not absent
        return Verdict("partly" if near else "unsupported", entailed, best.passage, absent)

    def _missing(self, claim: str, evidence: Evidence) -> tuple[str, ...]:
        """Numbers must stand near what is claimed of them; a name may stand anywhere in the passage."""
        passage = self._passages[evidence.passage - 1]
        about = " ".join((passage.title, passage.document, *passage.headings))
        numbers = missing_values(claim, [self._around(evidence), about])
        return (*numbers, *missing_names(claim, [passage.text, about]))

    def _around(self, evidence: Evidence) -> str:
        """The evidence with a sentence before it and one after."""
        text = self._passages[evidence.passage - 1].text
        spans = sentence_spans(text)
        starts = [start for start, _ in spans if start < evidence.start]
        ends = [end for _, end in spans if end > evidence.end]
        return text[starts[-1] if starts else evidence.start : ends[0] if ends else evidence.end]


def _squeezed(text: str) -> str:
    return "".join(text.split())


_RANK: dict[Support, int] = {"none": 0, "unsupported": 1, "partly": 2, "supported": 3}


def features(evidence: Evidence) -> tuple[float, float, float]:
    """What the score is made of."""
    return evidence.shared, evidence.similarity, evidence.standing


def score(evidence: Evidence) -> float:
    """How likely (0–1) the evidence supports the claim, values aside."""
    *weights, bias = _ACROSS if evidence.across else _SAME
    odds = bias + sum(weight * value for weight, value in zip(weights, features(evidence), strict=True))
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))
