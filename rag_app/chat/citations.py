"""Markers [n] in an answer: cleaned while it streams, and turned into citations when it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.sentences import sentence_spans

from ..retrieval.tokens import tokens
from ..types import Citation, Passage

MARKER = re.compile(r"\[(\d{1,3})\]")
_LOOSE = re.compile(r"[\[【]\s*(\d{1,3}(?:\s*[,，、;；]\s*\d{1,3})*)\s*[\]】]")
_OPENING = re.compile(r"[\[【][\d\s,，、;；]{0,24}$")  # may still become a marker
_FAR = 400


class MarkerCleaner:
    """Passes text on as it streams, with every marker written ``[1]`` or ``[1][3]`` and unknown numbers dropped.

    Never shows half a marker: what may still become one is held back until it is clear.

    Args:
        passages: how many were given to the model; numbers above that are unknown.
    """

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._held = ""
        self.dropped = 0

    def feed(self, piece: str) -> str:
        """The text that is safe to show after ``piece`` arrived."""
        text = self._held + piece
        opening = _OPENING.search(text)
        cut = opening.start() if opening else len(text)
        self._held = text[cut:]
        return _LOOSE.sub(self._rewrite, text[:cut])

    def finish(self) -> str:
        """What was still held back."""
        text, self._held = self._held, ""
        return text

    def _rewrite(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[1])]
        known = [number for number in dict.fromkeys(numbers) if 1 <= number <= self._passages]
        self.dropped += len(set(numbers)) - len(known)
        return "".join(f"[{number}]" for number in known)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of the answer and the passages it names."""

    text: str
    numbers: tuple[int, ...]


def citations(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """One citation for each passage that ``text`` names, in order of their numbers.

    The quote is the verbatim sentence of the passage that shares most with the sentence that cites it; several
    that stand close together are quoted with what is between them.

    Args:
        passages: passage n is ``passages[n - 1]``.
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for claim in _claims(text):
        for number in claim.numbers:
            if 1 <= number <= len(passages):
                spans.setdefault(number, []).append(_best_sentence(claim.text, passages[number - 1].text))
    return tuple(_citation(number, passages[number - 1], spans[number]) for number in sorted(spans))


def _claims(text: str) -> list[_Claim]:
    """The answer's sentences with their markers; markers after a full stop belong to the sentence before it."""
    claims: list[_Claim] = []
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        leading = re.match(r"(?:\[\d{1,3}\]\s*)+", sentence)
        if leading and claims:
            numbers = tuple(int(n) for n in MARKER.findall(leading[0]))
            claims[-1] = _Claim(claims[-1].text, claims[-1].numbers + numbers)
            sentence = sentence[leading.end() :]
        plain = MARKER.sub("", sentence).strip()
        numbers = tuple(int(n) for n in MARKER.findall(sentence))
        if plain or numbers:
            claims.append(_Claim(plain, numbers))
    return claims


def _best_sentence(claim: str, passage: str) -> tuple[int, int]:
    """The passage's sentence nearest to the claim: F1 of their distinct tokens, the first one on a tie."""
    wanted = set(tokens(claim))
    best, span = -1.0, (0, len(passage))
    for start, end in sentence_spans(passage):
        found = set(tokens(passage[start:end]))
        score = 2 * len(wanted & found) / (len(wanted) + len(found)) if wanted or found else 0.0
        if score > best:
            best, span = score, (start, end)
    return span


def _citation(number: int, passage: Passage, spans: list[tuple[int, int]]) -> Citation:
    start, end = spans[0]
    for other_start, other_end in spans[1:]:
        low, high = min(start, other_start), max(end, other_end)
        if high - low <= _FAR:
            start, end = low, high
    return Citation(
        number=number,
        document=passage.document,
        path=passage.path,
        page=passage.page,
        page_label=passage.page_label,
        pages=passage.pages,
        headings=passage.headings,
        quote=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
    )
