"""Markers [n] in an answer: cleaned while it streams, and turned into citations when it is done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.sentences import sentence_spans

from ..retrieval.tokens import tokens
from ..types import Citation, Passage

MARKER = re.compile(r"\[(\d{1,3})\]")
_LOOSE = re.compile(r"([ \t]*)[\[【]\s*(\d{1,3}(?:\s*[,，、;；]\s*\d{1,3})*)\s*[\]】]")
_OPENING = re.compile(r"[ \t]*(?:[\[【][\d\s,，、;；]{0,250})?$")  # may still become a marker
_RUN = re.compile(r"\[\d{1,3}\](?:\s*\[\d{1,3}\])*")
_FAR = 400


class Numbering:
    """Passages to the numbers a reader sees: 1 for the one that is cited first, and so on."""

    def __init__(self) -> None:
        self.cited: list[int] = []

    def number(self, passage: int) -> int:
        """The number of a passage (1-based, as the model was given it)."""
        if passage not in self.cited:
            self.cited.append(passage)
        return self.cited.index(passage) + 1


class MarkerCleaner:
    """Passes text on as it streams, with every marker written ``[1]`` or ``[1][3]`` and unknown numbers dropped.

    Never shows half a marker: what may still become one is held back until it is clear.

    Args:
        passages: how many were given to the model; numbers above that are unknown. May be lowered before the text.
        numbering: turns the model's numbers into those shown.
    """

    def __init__(self, passages: int, numbering: Numbering) -> None:
        self.passages = passages
        self._numbering = numbering
        self._held = ""
        self.dropped = 0

    def feed(self, piece: str) -> str:
        """The text that is safe to show after ``piece`` arrived."""
        text = self._held + piece
        opening = _OPENING.search(text)  # matches at the end at the latest
        cut = opening.start() if opening else len(text)
        self._held = text[cut:]
        return _LOOSE.sub(self._rewrite, text[:cut])

    def finish(self) -> str:
        """What was still held back, unless it is half a marker."""
        text, self._held = self._held, ""
        return "" if re.search(r"\d", text) else text.rstrip(" \t")

    def _rewrite(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[2])]
        known = [number for number in dict.fromkeys(numbers) if 1 <= number <= self.passages]
        self.dropped += len(set(numbers)) - len(known)
        markers = "".join(f"[{self._numbering.number(passage)}]" for passage in known)
        return f"{match[1]}{markers}" if markers else ""


def written_citations(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """Citations of a text that a model wrote: one for each passage it names, in order of their numbers.

    The quote is the sentence of the passage that shares most with the sentence that cites it.

    Args:
        passages: [n] names ``passages[n - 1]``.
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for claim, numbers in _claims(text):
        for number in numbers:
            if 1 <= number <= len(passages):
                spans.setdefault(number, []).append(_quoted(claim, passages[number - 1].text))
    return tuple(citation(number, passages[number - 1], spans[number]) for number in sorted(spans))


def _claims(text: str) -> list[tuple[str, list[int]]]:
    """What stands before each run of markers, since the run before it, with the numbers of that run."""
    claims: list[tuple[str, list[int]]] = []
    end = 0
    for run in _RUN.finditer(text):
        claims.append((text[end : run.start()].strip(), [int(number) for number in MARKER.findall(run[0])]))
        end = run.end()
    return claims


def _quoted(claim: str, passage: str) -> tuple[int, int]:
    """Where the passage says it: the claim itself if it is there, else the nearest sentence to the last one."""
    at = passage.find(claim)
    if claim and at >= 0:
        return at, at + len(claim)
    spans = sentence_spans(claim)
    last = claim[spans[-1][0] : spans[-1][1]] if spans else ""
    return _best_sentence(last, passage)


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


def citation(number: int, passage: Passage, spans: Sequence[tuple[int, int]]) -> Citation:
    """A citation of parts of a passage; parts that stand close together are quoted with what is between them.

    Args:
        spans: (start, end) in the passage's text, at least one.
    """
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
        kind=passage.kind,
        lines=_lines(passage, passage.start + start, passage.start + end),
        columns=passage.columns,
        ocr=passage.ocr,
        described=passage.described,
    )


def _lines(passage: Passage, start: int, end: int) -> tuple[int, int] | None:
    """First and last line of a part of the page."""
    before = [line for offset, line in passage.lines if offset < end]
    if not before:
        return None
    first = max((line for offset, line in passage.lines if offset <= start), default=before[0])
    return first, before[-1]
