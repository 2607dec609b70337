"""Columns of prose: where a page was written across them, they are put one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .pdf_lines import Line
from .pdf_text import width

_PROSE = 18  # half-width columns a line of a column has at least, on average
_ROWS = 6  # a gutter runs beside that many lines


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines as a person reads them; as they are where no gutter is found."""
    pairs = [(a, b) for a, b in pairwise(lines) if _beside(a, b)]
    if len(pairs) < _ROWS:
        return list(lines)
    gutter = _gutter(lines, pairs)
    if gutter is None:
        return list(lines)
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for line in lines:
        if line.right <= gutter + 1:
            left.append(line)
        elif line.left >= gutter - 1:
            right.append(line)
        else:
            ordered += [*left, *right, line]
            left, right = [], []
    return [*ordered, *left, *right]


def _beside(first: Line, second: Line) -> bool:
    return (
        not first.turned
        and not second.turned
        and second.left > first.right
        and abs(first.top - second.top) < 0.5 * first.size
    )


def _gutter(lines: Sequence[Line], pairs: Sequence[tuple[Line, Line]]) -> float | None:
    """Where the gutter between two columns of prose runs; None for tables and plain pages."""
    starts = sorted(second.left for _, second in pairs)
    middle = starts[len(starts) // 2]
    right = [second for _, second in pairs if abs(second.left - middle) < 2 * second.size]
    left = [first for first, second in pairs if abs(second.left - middle) < 2 * second.size]
    if len(right) < max(_ROWS, 0.7 * len(pairs)):
        return None
    gutter = min(line.left for line in right)
    across = sum(1 for line in lines if line.left < gutter - 1 and line.right > gutter + 1)
    if across > 0.3 * len(lines):
        return None
    for column in (left, right):
        if sum(width(line.text) for line in column) < _PROSE * len(column):
            return None
        edge = max(line.right for line in column)
        full = sum(1 for line in column if line.right > edge - 3 * line.size)
        if full < 0.5 * len(column):  # prose fills its column, cells do not
            return None
    return gutter
