"""Lines cut where a gap is wider than any between words: at the columns of tables and pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from .building import one_line
from .pdf_lines import HYPHEN, Line
from .pdf_text import normalize, width

_ITEM = re.compile(r"[-*•·●▪◦–‣○■□➢✓\uf0b7\uf0a7o]|[(（]?[\dA-Za-z]{1,3}[.)）、．]|\d+(\.\d+)+")
_FILL = 0.4  # of a line's height: more than letters are wide on average, a Chinese character counted as two
_GAP = 0.75  # of a line's height: wider than between words
_NEAR = 8  # lines before and after one with gaps
_SPACE = re.compile(" +")

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Places(Protocol):
    """Where the characters of a page stand."""

    def box(self, index: int) -> Box:
        """The box of a character of the page's text."""


class _Gap(NamedTuple):
    """White space inside a line: characters start to end, from ``before`` to ``after`` on the page."""

    start: int
    end: int
    before: float
    after: float

    @property
    def width(self) -> float:
        return self.after - self.before


def cut_at_gaps(text: str, spans: Sequence[tuple[int, int]], lines: list[Line], places: Places) -> list[Line]:
    """The lines, cut where a gap is wider than any between words, or begins where other gaps end.

    Looked into are lines that are wider than their characters can fill, and those near a line that is cut.
    """
    gaps: dict[int, list[_Gap]] = {}
    least: dict[int, float] = {}
    starts: Counter[int] = Counter()
    queue = [at for at, line in enumerate(lines) if " " in line.text and _stretched(line)]
    while queue:
        at = queue.pop()
        if at in gaps:
            continue
        gaps[at] = list(_gaps(text, *spans[at], lines[at], places))
        least[at] = _wide(lines[at], gaps[at])
        wide = [gap for gap in gaps[at] if gap.width > least[at]]
        starts.update(round(gap.after) for gap in wide)
        if wide:
            queue += [
                near
                for near in range(max(0, at - _NEAR), min(len(lines), at + _NEAR + 1))
                if near not in gaps and " " in lines[near].text and not lines[near].turned
            ]
    if not starts:
        return lines
    shared = {start for start, count in starts.items() if count > 1}
    made: list[Line] = []
    for at, line in enumerate(lines):
        begin, left = spans[at][0], line.left
        for gap in gaps.get(at, ()):
            if gap.width > (0.7 * least[at] if round(gap.after) in shared else least[at]):
                made.append(line._replace(text=written(text[begin : gap.start]), left=left, right=gap.before))
                begin, left = gap.end, gap.after
        if begin == spans[at][0]:
            made.append(line)
        else:
            made.append(line._replace(text=written(text[begin : spans[at][1]]), left=left))
    return made


def _stretched(line: Line) -> bool:
    return not line.turned and line.right - line.left > _FILL * line.size * width(line.text) + 0.3 * line.size


def _wide(line: Line, gaps: list[_Gap]) -> float:
    """How wide a gap is that no space makes: letters of fixed width stand far apart."""
    written = line.right - line.left - sum(gap.width for gap in gaps)
    return max(_GAP * line.size, 1.5 * written / max(1, len(line.text) - len(gaps)))


def _gaps(text: str, start: int, end: int, line: Line, places: Places) -> Iterator[_Gap]:
    """The gaps of a line that are wider than a space, except those after an item's mark and before a comment."""
    for match in _SPACE.finditer(text, start, end):
        if text[match.end()] == "#" or (match.start() - start < 5 and _ITEM.fullmatch(text, start, match.start())):
            continue
        before, after = places.box(match.start() - 1)[2], places.box(match.end())[0]
        if after - before > 0.5 * _GAP * line.size:
            yield _Gap(match.start(), match.end(), before, after)


def written(text: str) -> str:
    """``text`` on one line in ordinary characters, the mark of a hyphen kept."""
    if text[-1] in "\x02\ufffe":
        return one_line(normalize(text[:-1])) + HYPHEN
    return one_line(normalize(text))
