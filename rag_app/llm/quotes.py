"""Answers without a language model: the passages' best sentences, verbatim and cited. It can't invent anything."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.sentences import sentence_spans

from ..protocols import Embedder, ModelPiece
from ..retrieval.tokens import query_terms, tokens
from ..types import Passage, Turn

NAME = "quotes"
_PASSAGES = 4
_MOST_SENTENCES = 3
_MOST_CHARACTERS = 400
_WORTH = 0.72  # a further sentence must score this share of the best one
_LEAD_IN = 0.9  # of a heading's or question's score goes to the sentence after it
_RANK_BONUS = 0.25
_ENDS = re.compile(r"[。！？!?.…：:；;]['\"”’」』）)】]*$")
_ASKS = re.compile(r"[?？]['\"”’」』）)】]*$")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A candidate: passage number (1-based), place in the passage, text."""

    passage: int
    place: int
    text: str

    @property
    def leads_in(self) -> bool:
        """A heading or a question: it announces an answer and holds none."""
        return bool(_ASKS.search(self.text)) or (
            len(self.text) < 40 and not _ENDS.search(self.text) and "|" not in self.text
        )


class QuotesModel:
    """Picks sentences by term overlap and by embedding, both scaled within the candidates."""

    name = NAME

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """One piece a sentence: at most three, in reading order, each with its marker."""
        chosen = self.choose(question, passages)
        for index, sentence in enumerate(chosen):
            gap = "\n\n" if index else ""
            yield ModelPiece(f"{gap}{sentence.text} [{sentence.passage}]")
        yield ModelPiece("", done=True)

    def choose(self, question: str, passages: Sequence[Passage]) -> list[_Sentence]:
        """The sentences that answer, in the order of their passages."""
        candidates = _candidates(passages)
        if not candidates:
            return []
        scores = self._scores(question, candidates, passages)
        order = sorted(range(len(candidates)), key=lambda i: -scores[i])
        chosen: list[_Sentence] = []
        length = 0
        for i in order[:12]:
            sentence = candidates[i]
            if sentence.leads_in and len(candidates) > 1:
                continue
            if chosen and (scores[i] < _WORTH * scores[order[0]] or length + len(sentence.text) > _MOST_CHARACTERS):
                continue
            if any(_same(sentence.text, other.text) for other in chosen):
                continue
            chosen.append(sentence)
            length += len(sentence.text)
            if len(chosen) == _MOST_SENTENCES:
                break
        return sorted(chosen or [candidates[order[0]]], key=lambda s: (s.passage, s.place))

    def _scores(
        self, question: str, candidates: list[_Sentence], passages: Sequence[Passage]
    ) -> npt.NDArray[np.float64]:
        vector = self._embedder.embed_query(question)
        dense = self._embedder.embed_passages([s.text for s in candidates]) @ vector
        lexical = _overlap(question, candidates)
        rank = np.array([passages[s.passage - 1].score for s in candidates])
        scores = _scaled(dense) + _scaled(lexical) + _RANK_BONUS * _scaled(rank)
        for i, sentence in enumerate(candidates[:-1]):
            following = candidates[i + 1]
            if sentence.leads_in and following.passage == sentence.passage:
                scores[i + 1] = max(scores[i + 1], _LEAD_IN * scores[i])
        return np.asarray(scores, dtype=np.float64)


def _candidates(passages: Sequence[Passage]) -> list[_Sentence]:
    return [
        _Sentence(number, place, passage.text[start:end])
        for number, passage in enumerate(passages[:_PASSAGES], 1)
        for place, (start, end) in enumerate(sentence_spans(passage.text))
    ]


def _overlap(question: str, candidates: list[_Sentence]) -> npt.NDArray[np.float64]:
    """Share of the question's terms in each sentence, rare ones among the candidates counting more."""
    terms = set(query_terms(question))
    found = [terms & set(tokens(s.text)) for s in candidates]
    frequency = Counter(term for one in found for term in one)
    weight = {term: math.log(1 + len(candidates) / (1 + frequency[term])) for term in terms}
    whole = sum(weight.values()) or 1.0
    return np.array([sum(weight[term] for term in one) / whole for one in found])


def _scaled(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.zeros(len(values))
    return np.asarray((values - low) / (high - low), dtype=np.float64)


def _same(one: str, other: str) -> bool:
    return "".join(one.split()) == "".join(other.split())
