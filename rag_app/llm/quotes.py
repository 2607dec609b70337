"""Answers without a language model: the passages' best sentences, verbatim and cited. It can't invent anything."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ingest.sentences import sentence_spans

from ..protocols import Embedder, ModelPiece, Span
from ..retrieval.tokens import query_terms, tokens
from ..types import Passage, Turn
from .quoting import Quoting

_PASSAGES = 4
_MOST_QUOTES = 3
_MOST_CHARACTERS = 400
_LEAD_IN_CHARACTERS = 320
_WORTH = 0.72  # a further quote must score this share of the best one
_RANK_BONUS = 0.25
_ASKS = re.compile(r"[?？]['\"”’」』）)】]*$")
_ENDS = re.compile(r"[。！!.…;；]['\"”’」』）)】]*$")
_ROW = re.compile(r" \| ")
_SAYS = re.compile(r"[^\W_]")  # a ruler of dashes says nothing
_ITEM = re.compile(r"^[-•*] ")
_HEADING_CHARACTERS = 40


class QuotesModel(Quoting):
    """Picks quotes by term overlap and by embedding, both scaled within the candidates."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """One piece a quote: at most three, in reading order."""
        for quote in self.choose(question, passages):
            yield ModelPiece(_text(quote, passages), quoted=quote)
        yield ModelPiece("", done=True)

    def choose(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """The quotes that answer, in the order of their passages."""
        candidates = _candidates(passages)
        if not candidates:
            return []
        texts = [_text(span, passages) for span in candidates]
        rank = np.array([passages[span.passage - 1].score for span in candidates])
        scores = self._scores(question, texts) + _RANK_BONUS * _scaled(rank)
        order = sorted(range(len(candidates)), key=lambda i: -scores[i])
        chosen: list[int] = []
        for i in order:
            if scores[i] < _WORTH * scores[order[0]] or len(chosen) == _MOST_QUOTES:
                break
            length = sum(len(texts[other]) for other in chosen)
            repeated = any("".join(texts[i].split()) == "".join(texts[other].split()) for other in chosen)
            if chosen and (length + len(texts[i]) > _MOST_CHARACTERS or repeated):
                continue
            chosen.append(i)
        return [candidates[i] for i in sorted(chosen)]

    def _scores(self, question: str, texts: list[str]) -> npt.NDArray[np.float64]:
        dense = self._embedder.embed_passages(texts) @ self._embedder.embed_query(question)
        return _scaled(dense) + _scaled(_overlap(question, texts))


def _candidates(passages: Sequence[Passage]) -> list[Span]:
    """In reading order: by passage, then by place."""
    return [
        Span(number, start, end)
        for number, passage in enumerate(passages[:_PASSAGES], 1)
        for start, end in _units(passage.text)
    ]


def _text(span: Span, passages: Sequence[Passage]) -> str:
    return passages[span.passage - 1].text[span.start : span.end]


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Sentences; what only announces (a heading, a question, "…:") goes with what it announces, or is left out.

    A table that is announced goes along as far as there is room.
    """
    spans = [(start, end) for start, end in sentence_spans(text) if _SAYS.search(text, start, end)]
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
        return 3
    if _ENDS.search(sentence) or _ROW.search(sentence) or _ITEM.search(sentence):
        return 0
    set_off = text[end : end + 2] == "\n\n" or text[max(0, start - 2) : start] in ("\n\n", "")
    return 1 if len(sentence) < (100 if set_off else _HEADING_CHARACTERS) else 0


def _overlap(question: str, texts: list[str]) -> npt.NDArray[np.float64]:
    """Share of the question's terms in each text, those rare among the texts counting more."""
    terms = set(query_terms(question))
    found = [terms & set(tokens(text)) for text in texts]
    frequency = Counter(term for one in found for term in one)
    weight = {term: math.log(1 + len(texts) / (1 + frequency[term])) for term in terms}
    whole = sum(weight.values()) or 1.0
    return np.array([sum(weight[term] for term in one) / whole for one in found])


def _scaled(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.zeros(len(values))
    return np.asarray((values - low) / (high - low), dtype=np.float64)
