"""Lines with their places to text: columns one after the other, tables as rows, wrapped lines joined."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from .building import ITEM, begins_one, gap
from .pdf_columns import in_reading_order
from .pdf_lines import HYPHEN, Line
from .pdf_text import width

_LONG = 24  # half-width columns; shorter lines are not broken by the page's width
_BESIDE = 12  # lines before and after that say how wide a column is
_SENTENCE_END = ".。!！?？:："
_UNIT = re.compile(r"[$€£¥￥]|[)）%％]+|US\$|RMB")


class Block(NamedTuple):
    """A paragraph, table row or item: what becomes one line of the page's text.

    Attributes:
        size: height of its letters. row: it is a table's row.
    """

    text: str
    size: float
    row: bool


class _Row:
    """Cells beside each other, each of one or more lines."""

    def __init__(self, cells: list[list[Line]]) -> None:
        self.cells = cells

    @property
    def first(self) -> Line:
        return self.cells[0][0]

    def text(self) -> str:
        """The cells, joined by " | "; a sign of currency or a closing bracket belongs to its number."""
        written: list[str] = []
        sign = ""
        for cell in self.cells:
            text = _joined([line.text for line in cell])
            if _UNIT.fullmatch(text):
                if text[0] in ")）%％" and written:
                    written[-1] += text
                else:
                    sign = text + " "
                continue
            written.append(sign + text)
            sign = ""
        if sign:
            written.append(sign.strip())
        return " | ".join(written)


def blocks(lines: Sequence[Line], headings: Collection[str], body: float) -> list[Block]:
    """A page's lines made paragraphs, rows and items, in reading order.

    Args:
        headings: titles of the outline that stand on this page, without white space.
        body: size of the document's ordinary text.
    """
    rows = _rows(in_reading_order(lines))
    made: list[Block] = []
    prose: list[Line] = []
    for at, row in enumerate(rows):
        if len(row.cells) == 1:
            prose.extend(row.cells[0])
        elif _in_table(rows, at):
            made.extend(_paragraphs(prose, headings, body))
            prose = []
            made.append(Block(row.text(), row.first.size, row=True))
        else:
            text = " ".join(_joined([line.text for line in cell]) for cell in row.cells)
            prose.append(row.cells[-1][-1]._replace(text=text, left=row.first.left))
    made.extend(_paragraphs(prose, headings, body))
    return made


def _in_table(rows: Sequence[_Row], at: int) -> bool:
    """A row belongs to a table when one near it has a cell that begins or ends at the same place."""
    around = [*rows[max(0, at - 3) : at], *rows[at + 1 : at + 4]]
    edges = {edge for row in around if len(row.cells) > 1 for edge in _edges(row)}
    return any(near in edges for edge in _edges(rows[at]) for near in (edge - 1, edge, edge + 1))


def _edges(row: _Row) -> set[int]:
    """Where cells but the first begin and end; not where the last word of a justified line ends."""
    cells = [cell[0] for cell in row.cells[1:]]
    justified = len(row.cells) > 2 and not any(char.isdigit() for char in cells[-1].text)
    ends = cells[:-1] if justified else cells
    return {round(cell.left / 2) for cell in cells} | {-round(cell.right / 2) for cell in ends}


def _rows(lines: Sequence[Line]) -> list[_Row]:
    """Lines beside each other put together; a cell may have several lines, which follow each other."""
    rows: list[_Row] = []
    for line in lines:
        row = rows[-1] if rows and not line.turned and not rows[-1].first.turned else None
        if row is not None:
            last = row.cells[-1]
            top, bottom = min(one.top for one in last), max(one.bottom for one in last)
            if len(row.cells) == 1:
                first = _first_cell(rows, line)
                if first:
                    rows[-first:] = [_Row([[one for r in rows[-first:] for one in r.cells[0]], [line]])]
                    continue
            elif (
                line.left >= max(one.right for one in last) - 1 and line.top < bottom and line.bottom > top - line.size
            ):
                row.cells.append([line])
                continue
            elif _goes_on(row, line):
                last.append(line)
                continue
        rows.append(_Row([[line]]))
    return rows


def _first_cell(rows: Sequence[_Row], line: Line) -> int:
    """How many of the last lines are the first cell of the row that ``line`` is the second cell of."""
    taken = 0
    limit = 5
    for row in reversed(rows[-limit:]):
        one = row.first
        if len(row.cells) > 1 or one.turned or one.right > line.left + 1:
            break
        if taken and rows[len(rows) - taken].first.top - one.bottom > 0.5 * one.size:
            break
        if one.bottom - 0.3 * one.size <= line.top - (1.2 * one.size if taken else 0):
            break
        taken += 1
    if not taken:
        return 0
    top, bottom = rows[-taken].first.top, rows[-1].first.bottom
    beside = line.top < bottom - 0.3 * line.size and line.bottom > top + 0.3 * line.size
    return taken if beside and (taken < limit or len(rows) == limit) else 0


def _goes_on(row: _Row, line: Line) -> bool:
    """True when ``line`` is the next line of the last cell of ``row``."""
    cell = row.cells[-1]
    last = cell[-1]
    return (
        abs(line.left - cell[0].left) < 0.6 * line.size
        and -0.2 * line.size < line.top - last.bottom < 0.45 * line.size
        and abs(line.size - last.size) < 0.2 * last.size
        and line.left > row.cells[-2][0].left
    )


def _paragraphs(lines: Sequence[Line], headings: Collection[str], body: float) -> list[Block]:
    made: list[Block] = []
    steps = [b.top - a.top for a, b in pairwise(lines) if 0 < b.top - a.top < 3 * a.size]
    pitch = median(steps) if steps else 0.0
    for at, line in enumerate(lines):
        if made and _wrapped(lines, at, headings, pitch, body):
            made[-1] = made[-1]._replace(text=_joined([made[-1].text, line.text]))
        elif line.text.strip():
            made.append(Block(line.text, line.size, row=False))
    return made


def _wrapped(lines: Sequence[Line], at: int, headings: Collection[str], pitch: float, body: float) -> bool:
    """True when only the column's width ended the line before ``at``."""
    last, line = lines[at - 1], lines[at]
    if last.turned or line.turned or not line.text:
        return False
    if last.text.endswith(HYPHEN):
        return True
    ended = last.text[-1] in _SENTENCE_END
    alike = 0.9 if ended else 0.75  # letters of several fonts in a line differ in height, too
    if not alike < line.size / max(last.size, 0.1) < 1 / alike:
        return False
    if ITEM.match(line.text) or begins_one(line.text, headings):
        return False
    step = line.top - last.top
    next_column = step < -3 * line.size and line.left > last.right
    if not next_column and not 0.3 * line.size < step < max(1.45 * pitch, 1.2 * line.size):
        return False
    if last.size > 1.15 * body and line.size > 1.15 * body and abs(line.size - last.size) < 0.5:
        return not next_column and _fills(lines, at)  # a heading of two lines
    if width(last.text) < _LONG:
        return False
    indent = line.left - last.left
    if not next_column and ended and indent > 0.9 * line.size and not ITEM.match(last.text):
        return False
    if ended and indent < -0.9 * line.size and at + 1 < len(lines) and lines[at + 1].left - line.left > 0.9 * line.size:
        return False  # a term between two definitions
    return _fills(lines, at)


def _fills(lines: Sequence[Line], at: int) -> bool:
    """True when the first word of the line ``at`` would not have fitted on the line before."""
    last, line = lines[at - 1], lines[at]
    beside = (
        other.right
        for other in lines[max(0, at - _BESIDE) : at + _BESIDE]
        if not other.turned and other.left < last.right and other.right > last.left
    )
    edge = max(beside, default=last.right)
    per_column = (line.right - line.left) / max(1, width(line.text))
    word = re.match(r"[!-~\u00a1-\u2e7f]+|.", line.text)
    need = width(word.group()) if word else 1
    return last.right + per_column * (need + 2.5) > edge


def _joined(texts: Sequence[str]) -> str:
    made = ""
    for text in texts:
        if made and text:
            made += ("" if made.endswith(HYPHEN) else gap(made, text)) + text
        else:
            made += text
    return made
