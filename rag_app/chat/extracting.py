"""The sentences that say most of a text, without a model: SumBasic (Nenkova and Vanderwende 2005, MSR-TR-2005-101).

A sentence is worth the mean probability of its words; once it is chosen, its words' probabilities are squared, so
that the next one says something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.sentences import sentence_spans

from ..protocols import Span
from ..retrieval.tokens import query_terms
from ..types import Passage

_SHORTEST, _LONGEST = 30, 320  # of a sentence: characters, of which Chinese ones count double
_ENDS = re.compile(r"[.!。！…；;]['\"”’」』）)】]*$")  # a heading, a question or a line of code does not
_CODE = re.compile(r" \| |[{}]|\s--?\w|^[\w.-]+[=(]")
_FEW_WORDS = 12  # a sentence of fewer is not worth more for that
_LEAD = 1.15  # for the first sentence of a passage, where texts say what they are about


def central_sentences(passages: Sequence[Passage], most: int, characters: int) -> list[Span]:
    """At most so many sentences, in reading order.

    Args:
        characters: of all of them together, at most, unless one alone is longer.
    """
    candidates = [
        Span(number, start, end)
        for number, passage in enumerate(passages, 1)
        for start, end in sentence_spans(passage.text)
        if _is_sentence(passage.text[start:end])
    ]
    candidates = candidates or _first_lines(passages)
    words = [query_terms(_text(span, passages)) for span in candidates]
    counts = Counter(word for sentence in words for word in sentence)
    every = sum(counts.values()) or 1
    worth = {word: count / every for word, count in counts.items()}
    chosen: list[int] = []
    left = characters
    while len(chosen) < most and len(chosen) < len(candidates):
        best = max(
            (place for place in range(len(candidates)) if place not in chosen),
            key=lambda place: _score(words[place], worth) * (_LEAD if candidates[place].start == 0 else 1.0),
        )
        length = candidates[best].end - candidates[best].start
        if chosen and length > left:
            break
        left -= length
        chosen.append(best)
        for word in words[best]:
            worth[word] **= 2
    return [candidates[place] for place in sorted(chosen)]


def _score(words: Sequence[str], worth: dict[str, float]) -> float:
    return sum(worth[word] for word in words) / max(len(words), _FEW_WORDS)


def _is_sentence(text: str) -> bool:
    size = sum(1 if character.isascii() else 2 for character in text)
    return size >= _SHORTEST and len(text) <= _LONGEST and bool(_ENDS.search(text)) and not _CODE.search(text)


def _first_lines(passages: Sequence[Passage]) -> list[Span]:
    """What a text of tables or code has: the first line of each passage."""
    return [
        Span(number, *spans[0]) for number, one in enumerate(passages, 1) if (spans := sentence_spans(one.text)[:1])
    ]


def _text(span: Span, passages: Sequence[Passage]) -> str:
    return passages[span.passage - 1].text[span.start : span.end]
