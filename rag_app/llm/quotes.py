"""Answers without a language model: the passages' best sentences, verbatim and cited. It can't invent anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.sentences import sentence_spans

from ..protocols import Embedder, ModelPiece, Span
from ..retrieval.expected import kinds_of
from ..retrieval.sentences import MOST_CHARACTERS, MOST_SENTENCES, Ranked, Sentence, rank_sentences, term_weights
from ..types import Passage, Turn
from .clauses import clauses, likelihood, signs
from .quoting import Quoting

_CONSIDERED = 6  # sentences
_WORTH = 0.02  # of all the probability there is; a sentence with less is not worth reading
_WHOLE_BONUS = 1.15  # a whole sentence reads better than a part of one
_LEAST_CHARACTERS = 40  # of a part
_STEP = 5  # characters, by which room is counted


@dataclass(frozen=True, slots=True)
class _Option:
    """One way to quote a sentence: all of it or a part, with the probability that the answer is inside."""

    span: Span
    gain: float
    sentences: int

    @property
    def room(self) -> int:
        """Steps of characters."""
        return -(-(self.span.end - self.span.start) // _STEP)


class QuotesModel(Quoting):
    """Picks what most likely holds the answer: at most three sentences of 300 characters together."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """One piece a quote: at most three, in reading order."""
        for quote in self.choose(question, passages):
            yield ModelPiece(passages[quote.passage - 1].text[quote.start : quote.end], quoted=quote)
        yield ModelPiece("", done=True)

    def choose(self, question: str, passages: Sequence[Passage]) -> list[Span]:
        """The quotes that answer, in the order of their passages.

        Raises:
            EmbedderError.
        """
        ranked = rank_sentences(question, passages, self._embedder)
        best = _best(_considered(question, ranked))
        return sorted((one.span for one in best), key=lambda span: (span.passage, span.start))


def _considered(question: str, ranked: Ranked) -> list[list[_Option]]:
    """The ways to quote each sentence that is worth it, the likeliest sentence first."""
    probability = 1 / (1 + np.exp(-ranked.odds))
    least = _WORTH * probability.sum()
    weight = term_weights(question, [sentence.text for sentence in ranked.sentences])
    kinds = kinds_of(question)
    found: list[list[_Option]] = []
    seen: set[str] = set()
    taken: list[Sentence] = []
    for i in np.argsort(-probability, kind="stable"):
        if len(found) == _CONSIDERED:
            break
        sentence, chance = ranked.sentences[i], float(probability[i])
        said = "".join(sentence.text.split())
        if said in seen or (found and chance < least) or any(_overlap(sentence, other) for other in taken):
            continue
        seen.add(said)
        taken.append(sentence)
        number, start, text = sentence.passage + 1, sentence.start, sentence.text
        options = [_Option(Span(number, start, sentence.end), chance * _WHOLE_BONUS, len(sentence_spans(text)))]
        parts = clauses(text, MOST_CHARACTERS)
        share = likelihood(signs(text, parts, weight, kinds, question))
        for first in range(len(parts)):
            for last in range(first, len(parts)):
                a, b = parts[first][0], parts[last][1]
                if b - a < _LEAST_CHARACTERS or b - a == len(text) or text[b - 1] in ":：":
                    continue  # too little, all of it, or what only announces
                gain = chance * float(share[first : last + 1].sum())
                options.append(_Option(Span(number, start + a, start + b), gain, len(sentence_spans(text[a:b]))))
        found.append([one for one in options if one.room <= MOST_CHARACTERS // _STEP])
    return found


def _overlap(one: Sentence, other: Sentence) -> bool:
    return one.passage == other.passage and one.start < other.end and other.start < one.end


def _best(considered: Sequence[Sequence[_Option]]) -> list[_Option]:
    """One option a sentence at most, so that the answer is most likely inside and all fit (a knapsack)."""
    fits: dict[tuple[int, int], tuple[float, list[_Option]]] = {(0, 0): (0.0, [])}
    for options in considered:
        for (sentences, room), (gain, chosen) in list(fits.items()):
            for one in options:
                key = sentences + one.sentences, room + one.room
                if key[0] > MOST_SENTENCES or key[1] > MOST_CHARACTERS // _STEP:
                    continue
                if key not in fits or fits[key][0] < gain + one.gain:
                    fits[key] = gain + one.gain, [*chosen, one]
    return max(fits.values(), key=lambda fit: fit[0])[1]
