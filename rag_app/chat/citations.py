"""Passages to the numbers a reader sees, and to citations."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.sentences import sentence_spans

from ..retrieval.tokens import tokens
from ..types import Citation, Passage

_FAR = 700


class Numbering:
    """Passages to the numbers a reader sees: 1 for the one that is cited first, and so on."""

    def __init__(self) -> None:
        self.cited: list[int] = []

    def number(self, passage: int) -> int:
        """The number of a passage (1-based, as the model was given it)."""
        if passage not in self.cited:
            self.cited.append(passage)
        return self.cited.index(passage) + 1


def best_sentence(claim: str, passage: str) -> tuple[int, int]:
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
        suspicious=passage.suspicious,
    )


def _lines(passage: Passage, start: int, end: int) -> tuple[int, int] | None:
    """First and last line of a part of the page."""
    before = [line for offset, line in passage.lines if offset < end]
    if not before:
        return None
    first = max((line for offset, line in passage.lines if offset <= start), default=before[0])
    return first, before[-1]
