"""The sentences of the retrieved passages, and how likely each one holds the answer.

Lexical signs first, for all of them; the best few are then embedded. What a sentence says is read with what stands
around it: a heading, the passage's first sentence and its neighbours name things that it may call "it".
The weights are those of a logistic regression on questions whose answers are known: ``benchmarks/quotes_fit.py``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ingest.sentences import sentence_spans

from ..protocols import Embedder
from ..types import Passage
from .expected import has_new, kinds_of
from .tokens import query_terms, tokens

EMBEDDED = 16  # sentences; of those with the answer, 98 to 99 % are among them
MOST_SENTENCES, MOST_CHARACTERS = 3, 300
FEATURES = ("own", "given", "beside", "passage", "score", "rank", "new", "lacking")
_LEXICAL: npt.NDArray[np.float64] = np.array([6.98, 2.04, 1.31, -3.6, 3.18, 2.59, 0.37, -0.67])
_WEIGHTS: npt.NDArray[np.float64] = np.array([5.52, 3.01, 1.63, -3.19, 1.83, 2.49, 0.26, -0.66, 26.39])
_BIAS = -4.98
_ASKS = re.compile(r"[?？]['\"”’」』）)】]*$")
_ENDS = re.compile(r"[。！!.…;；]['\"”’」』）)】]*$")
_ROW = re.compile(r" \| ")
_SAYS = re.compile(r"[^\W_]")  # a ruler of dashes says nothing
_ITEM = re.compile(r"^[-•*] ")
_HEADING_CHARACTERS = 40
_SET_OFF_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage, or a lead-in with what it announces.

    Attributes:
        passage: 0-based. start, end: in the passage's text.
        given: the heading, the lead-in and the first row of the table that it stands under.
    """

    passage: int
    start: int
    end: int
    text: str
    given: str = ""
    heading: str = ""  # of a table's short row: "Layers | 12" alone says little

    @property
    def said(self) -> str:
        """What is embedded."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class Ranked:
    """The sentences that were embedded.

    Attributes:
        odds: log odds that the answer is inside. similarity: cosine to the question. Both beside ``sentences``.
    """

    sentences: tuple[Sentence, ...] = ()
    odds: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    similarity: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def rank_sentences(question: str, passages: Sequence[Passage], embedder: Embedder) -> Ranked:
    """The sentences most likely to hold the answer, in reading order.

    Raises:
        EmbedderError.
    """
    found = [one for number, passage in enumerate(passages) for one in sentences(number, passage)]
    if not found:
        return Ranked()
    lexical = signs(question, passages, found)
    kept = np.sort(np.argsort(-(lexical @ _LEXICAL), kind="stable")[:EMBEDDED])
    best = tuple(found[i] for i in kept)
    vectors = embedder.embed_passages([sentence.said for sentence in best])
    similarity = np.asarray(vectors @ embedder.embed_query(question), dtype=np.float64)
    odds = np.column_stack([lexical[kept], similarity - similarity.max()]) @ _WEIGHTS + _BIAS
    return Ranked(best, odds, similarity)


def sentences(number: int, passage: Passage) -> Iterator[Sentence]:
    """What can be quoted of a passage; what only announces goes with what it announces, a heading is left out."""
    text = passage.text
    spans = [(start, end) for start, end in sentence_spans(text) if _SAYS.search(text, start, end)]
    heading, lead, columns = " ".join(passage.headings), "", ""
    place = 0
    while place < len(spans):
        start, end = spans[place]
        place += 1
        if _heads(text, spans, place - 1):
            heading, lead = text[start:end], ""
            continue
        row = bool(_ROW.search(text, start, end))
        if row and not columns:
            columns = text[start:end]
        columns = columns if row else ""
        if _announces(text[start:end]):
            end = _end_of_announced(text, spans, place - 1)
            lead = text[start : spans[place - 1][1]]
            if end == spans[place - 1][1] and len(spans) > 1:
                continue  # it announces a table, or what is too long: said with that
        short_row = row and end - start < _HEADING_CHARACTERS
        yield Sentence(number, start, end, text[start:end], f"{heading} {lead} {columns}", heading if short_row else "")


def _end_of_announced(text: str, spans: Sequence[tuple[int, int]], place: int) -> int:
    """Where it ends with what goes along; each of the sentences is a candidate of its own as well."""
    start, end = spans[place]
    for following in spans[place + 1 : place + MOST_SENTENCES]:
        if following[1] - start > MOST_CHARACTERS or _ROW.search(text, *following):
            break
        end = following[1]
    return end


def _announces(sentence: str) -> bool:
    return sentence[-1] in ":："


def _heads(text: str, spans: Sequence[tuple[int, int]], place: int) -> bool:
    """Whether a text follows that it is the heading of: lines of a log or a list look like headings, too."""
    return place + 1 < len(spans) and _is_heading(text, *spans[place]) and not _is_heading(text, *spans[place + 1])


def _is_heading(text: str, start: int, end: int) -> bool:
    """A title, or a question that what follows answers."""
    sentence = text[start:end]
    if _ASKS.search(sentence):
        return True
    if _announces(sentence) or _ENDS.search(sentence) or _ROW.search(sentence) or _ITEM.search(sentence):
        return False
    set_off = text[end : end + 2] == "\n\n" or text[max(0, start - 2) : start] in ("\n\n", "")
    return len(sentence) < (_SET_OFF_CHARACTERS if set_off else _HEADING_CHARACTERS)


def signs(question: str, passages: Sequence[Passage], found: Sequence[Sentence]) -> npt.NDArray[np.float64]:
    """What speaks for each sentence without a model, shape (len(found), len(FEATURES)).

    Shares are of the question's terms, those rare among the sentences counting more: "own" of the sentence (terms
    rare in its passage counting more), "given" by headings and the passage's first sentence, "beside" in its
    neighbours, and of the whole "passage". "score" and "rank" are the passage's. "new": it has what the question's
    kind expects, "lacking": it has not.
    """
    terms = frozenset(query_terms(question))
    own = [terms.intersection(tokens(one.text)) for one in found]
    given = [terms.intersection(tokens(one.given)) for one in found]
    whole = [terms.intersection(tokens(passage.text)) for passage in passages]
    weight = _rarity(terms, own)
    rarity = [
        _rarity(whole[number], [terms_ for one, terms_ in zip(found, own, strict=True) if one.passage == number])
        for number in range(len(passages))
    ]
    kinds = kinds_of(question)
    top = max(passage.score for passage in passages) or 1.0
    rows: list[list[float]] = []
    for i, one in enumerate(found):
        n = one.passage
        first = own[next(j for j in range(i, -1, -1) if j == 0 or found[j - 1].passage != n)]
        near = set[str]().union(*(own[j] for j in (i - 1, i + 1) if 0 <= j < len(found) and found[j].passage == n))
        known = given[i] | first
        new = bool(kinds) and has_new(one.text, kinds, question)
        rows.append(
            [
                _share(own[i], rarity[n]) * _share(whole[n], weight),
                _share(known - own[i], weight),
                _share(near - own[i] - known, weight),
                _share(whole[n] | given[i], weight),
                passages[n].score / top,
                1 / (1 + n),
                float(new),
                float(bool(kinds) and not new),
            ]
        )
    return np.array(rows)


def term_weights(question: str, texts: Sequence[str]) -> dict[str, float]:
    """The question's terms, those rare among ``texts`` weighing more."""
    terms = frozenset(query_terms(question))
    return _rarity(terms, [terms.intersection(tokens(text)) for text in texts])


def _rarity(terms: frozenset[str], texts: Sequence[frozenset[str]]) -> dict[str, float]:
    frequency = Counter(term for one in texts for term in one)
    return {term: math.log(1 + len(texts) / (1 + frequency[term])) for term in terms}


def _share(terms: set[str] | frozenset[str], weight: dict[str, float]) -> float:
    return sum(weight.get(term, 0.0) for term in terms) / (sum(weight.values()) or 1.0)
