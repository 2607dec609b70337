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
_MOST_QUOTES = 3
_MOST_CHARACTERS = 400
_LEAD_IN_CHARACTERS = 320
_WORTH = 0.72  # a further quote must score this share of the best one
_RANK_BONUS = 0.25
_ASKS = re.compile(r"[?？]['\"”’」』）)】]*$")
_ENDS = re.compile(r"[。！!.…;；]['\"”’」』）)】]*$")
_ROW = re.compile(r" \| ")
_ITEM = re.compile(r"^[-•*] ")
_HEADING_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Quote:
    """A candidate: its passage (1-based) and span in it; one sentence, or what announces it and what follows."""

    passage: int
    start: int
    end: int
    text: str


class QuotesModel:
    """Picks quotes by term overlap and by embedding, both scaled within the candidates."""

    name = NAME

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """One piece a quote: at most three, in reading order, each with its marker."""
        for index, quote in enumerate(self.choose(question, passages)):
            gap = "\n\n" if index else ""
            yield ModelPiece(f"{gap}{quote.text} [{quote.passage}]")
        yield ModelPiece("", done=True)

    def choose(self, question: str, passages: Sequence[Passage]) -> list[Quote]:
        """The quotes that answer, in the order of their passages."""
        candidates = _candidates(passages)
        if not candidates:
            return []
        scores = self._scores(question, candidates, passages)
        order = sorted(range(len(candidates)), key=lambda i: -scores[i])
        chosen: list[Quote] = []
        for i in order:
            quote = candidates[i]
            if scores[i] < _WORTH * scores[order[0]] or len(chosen) == _MOST_QUOTES:
                break
            length = sum(len(other.text) for other in chosen)
            if chosen and (length + len(quote.text) > _MOST_CHARACTERS or _repeats(quote, chosen)):
                continue
            chosen.append(quote)
        return sorted(chosen, key=lambda quote: (quote.passage, quote.start))

    def _scores(self, question: str, candidates: list[Quote], passages: Sequence[Passage]) -> npt.NDArray[np.float64]:
        vector = self._embedder.embed_query(question)
        dense = self._embedder.embed_passages([quote.text for quote in candidates]) @ vector
        rank = np.array([passages[quote.passage - 1].score for quote in candidates])
        return _scaled(dense) + _scaled(_overlap(question, candidates)) + _RANK_BONUS * _scaled(rank)


def _candidates(passages: Sequence[Passage]) -> list[Quote]:
    return [
        Quote(number, start, end, passage.text[start:end])
        for number, passage in enumerate(passages[:_PASSAGES], 1)
        for start, end in _units(passage.text)
    ]


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Sentences; what only announces (a heading, a question, "…:") goes with what it announces, or is left out.

    A table that is announced goes along as far as there is room.
    """
    spans = sentence_spans(text)
    place = 0
    while place < len(spans):
        start, end = spans[place]
        first_end = end
        wanted = _announced(text, start, end)
        announcing = bool(wanted)
        place += 1
        while wanted and place < len(spans) and spans[place][1] - start <= _LEAD_IN_CHARACTERS:
            is_row = bool(_ROW.search(text[slice(*spans[place])]))
            wanted = max(wanted - 1, 1 if is_row else _announced(text, *spans[place]))
            end = spans[place][1]
            place += 1
        if not announcing or end > first_end or len(spans) == 1:
            yield start, end


def _announced(text: str, start: int, end: int) -> int:
    """How many of the next sentences a sentence announces."""
    sentence = text[start:end]
    if sentence[-1] in ":：":
        return 3
    if _ASKS.search(sentence):
        return 2
    if _ENDS.search(sentence) or _ROW.search(sentence) or _ITEM.search(sentence):
        return 0
    set_off = text[end : end + 2] == "\n\n" or text[max(0, start - 2) : start] in ("\n\n", "")
    return 1 if len(sentence) < (100 if set_off else _HEADING_CHARACTERS) else 0


def _overlap(question: str, candidates: list[Quote]) -> npt.NDArray[np.float64]:
    """Share of the question's terms in each sentence, rare ones among the candidates counting more."""
    terms = set(query_terms(question))
    found = [terms & set(tokens(quote.text)) for quote in candidates]
    frequency = Counter(term for one in found for term in one)
    weight = {term: math.log(1 + len(candidates) / (1 + frequency[term])) for term in terms}
    whole = sum(weight.values()) or 1.0
    return np.array([sum(weight[term] for term in one) / whole for one in found])


def _scaled(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.zeros(len(values))
    return np.asarray((values - low) / (high - low), dtype=np.float64)


def _repeats(quote: Quote, others: list[Quote]) -> bool:
    bare = "".join(quote.text.split())
    return any(bare == "".join(other.text.split()) for other in others)
