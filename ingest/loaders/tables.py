"""Rows of spreadsheets and CSV files as lines a chunk can be understood by, and numbers as their format shows them.

Where a header row is found, every row below it is written "Header: value | Header: value", empty cells left out, so
that a chunk from the middle of a sheet says what its values are. Without one a row is "a | b | c".
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .building import one_line

_SAMPLE = 50  # rows below a possible header that are looked at
_NUMERIC = re.compile(
    r"[-+(]?[¥$€£￥]?\s?[\d.,]+\s?[%‰]?\)?|\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?.*|\d{1,2}:\d\d(:\d\d)?"
)
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^-\]]*)[^\]]*\]|_.|\*.|\[[^\]]*\]')


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: row of the sheet or line of the file, 1-based.
        cells: texts, "" where empty.
        bold: True when every filled cell is set in bold.
    """

    number: int
    cells: tuple[str, ...]
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as text.

    Attributes:
        text: a line a row. lines: (offset in ``text``, row number) of each. columns: of the widest row.
    """

    text: str
    lines: tuple[tuple[int, int], ...]
    columns: int


def table(rows: Iterable[Row]) -> Table:
    """Write rows as lines; empty rows and empty columns at the end are dropped."""
    filled = [row for row in (_trimmed(row) for row in rows) if row.cells]
    at = _header(filled)
    names = filled[at].cells if at is not None else ()
    parts: list[str] = []
    lines: list[tuple[int, int]] = []
    length = 0
    for index, row in enumerate(filled):
        named = at is not None and index > at
        line = _named(row.cells, names) if named else " | ".join(row.cells)
        lines.append((length, row.number))
        parts.append(line)
        length += len(line) + 1
    return Table("\n".join(parts), tuple(lines), max((len(row.cells) for row in filled), default=0))


def _trimmed(row: Row) -> Row:
    cells = [one_line(cell) for cell in row.cells]
    while cells and not cells[-1]:
        cells.pop()
    return Row(row.number, tuple(cells), row.bold)


def _named(cells: Sequence[str], names: Sequence[str]) -> str:
    parts = []
    for index, cell in enumerate(cells):
        name = names[index] if index < len(names) else ""
        if cell:
            parts.append(f"{name.rstrip(':：')}: {cell}" if name else cell)
    return " | ".join(parts)


def _header(rows: Sequence[Row]) -> int | None:
    """Index of the header row: the first one with two cells, if it looks like names and what is below like values."""
    at = next((index for index, row in enumerate(rows[:10]) if sum(map(bool, row.cells)) > 1), None)
    if at is None or at + 1 >= len(rows):
        return None
    header = rows[at]
    names = [cell for cell in header.cells if cell]
    below = rows[at + 1 : at + 1 + _SAMPLE]
    width = max(len(row.cells) for row in below)
    if (
        len(set(names)) < len(names)
        or any(len(name) > 60 or is_value(name) or name.endswith(("。", ".", "！", "？", "!")) for name in names)
        or len(names) < 0.5 * width
    ):
        return None
    columns = [[row.cells[i] for row in below if i < len(row.cells) and row.cells[i]] for i in range(width)]
    if any(name in columns[i] for i, name in enumerate(header.cells) if name and i < width):
        return None  # a value like the others below it
    typed = any(column and sum(map(is_value, column)) >= 0.6 * len(column) for column in columns)
    bold = header.bold and not all(row.bold for row in below)
    return at if typed or bold or len(names) > 2 else None


def is_value(text: str) -> bool:
    """True for numbers, amounts, percentages, dates and times, which don't name a column."""
    return bool(_NUMERIC.fullmatch(text)) or text in ("TRUE", "FALSE")


def show(value: object, number_format: str = "General") -> str:
    """A cell's value as a person sees it; dates year first, so that both languages read them alike."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number(value, number_format or "General")
        case datetime.datetime():
            if value.time() == datetime.time():
                return value.date().isoformat()
            return value.isoformat(" ", "seconds" if value.second else "minutes")
        case datetime.time():
            return value.isoformat("seconds" if value.second else "minutes")
        case _:
            return str(value)


def _number(value: float, number_format: str) -> str:
    sections = number_format.split(";")
    section = sections[1] if value < 0 and len(sections) > 1 else sections[0]
    if section is not sections[0]:
        value = -value
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literals.append(match[1] or match[2] or match[3] or "")
        return "\x00"

    bare = _LITERAL.sub(keep, section)
    digits = re.search(r"[#0?][#0?,]*(?:\.([#0?]*))?", bare)
    if digits is None or re.search(r"General|@|E[+-]|/", bare, re.IGNORECASE):
        return _general(value)
    before, after = bare[: digits.start()], bare[digits.end() :]
    shown = value * 100 if "%" in bare else value
    scale = re.search(r",+$", digits[0].partition(".")[0])
    if scale and not digits[0].endswith(".") and "." not in digits[0]:
        shown /= 1000 ** len(scale[0])
    places = digits[1] or ""
    grouped = "," in digits[0].rstrip(",")
    text = f"{abs(shown):{',' if grouped else ''}.{len(places)}f}"
    optional = len(places) - len(places.rstrip("#?"))
    for _ in range(optional):
        text = text.removesuffix("0")
    text = text.removesuffix(".")
    integer, dot, rest = text.partition(".")
    least = len(re.findall("0", digits[0].partition(".")[0]))
    text = (integer if grouped else integer.zfill(least)) + dot + rest
    rounded_to_nothing = not text.strip("0.,")
    sign = "-" if shown < 0 and not rounded_to_nothing else ""
    filled = iter(literals)
    fill = re.compile("\x00")
    before = fill.sub(lambda _: next(filled), before)
    after = fill.sub(lambda _: next(filled), after)
    return (sign + before + text + after).strip()


def _general(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.11g}"
