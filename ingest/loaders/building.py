"""What loaders share: a page put together from headings, paragraphs and table rows, and wrapped lines joined."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import replace

from ..types import Heading, Page

CJK = r"\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
"""The characters of Chinese and Japanese, as the inside of a regular expression's brackets."""

ITEM = re.compile(
    r"^\s*([-*•·●▪◦–]\s|\d{1,3}([.．]\s|[)、])|[（(]\d{1,3}[)）]|[一二三四五六七八九十]{1,3}、|第[\d一二三四五六七八九十百]+[章节節条條])"
)
"""Begins a list item or a numbered section."""

SOFT_BREAK = "\u2028"
"""Stands for a line break that only the source's width made, until :func:`join_soft_breaks`."""

_SOFT_IN_CJK = re.compile(rf"(?<=[{CJK}]) *{SOFT_BREAK} *(?=[{CJK}])")
_CJK_CHAR = re.compile(f"[{CJK}]")
_COLUMNS = re.compile(r"\S {3,}\S")  # a table row, its columns set with spaces
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200b]+")


class PageBuilder:
    """Collects the blocks of a document without fixed layout into pages."""

    def __init__(self) -> None:
        self._done: list[Page] = []
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []

    @property
    def place(self) -> tuple[int, int]:
        """Number of the page at work, and how many characters it has."""
        return len(self._done) + 1, self._length

    @property
    def blank(self) -> bool:
        """True while the page at work has no text."""
        return not self._parts

    def heading(self, level: int, text: str) -> None:
        """A heading on a line of its own."""
        text = one_line(text)
        if text:
            start = self._append(text, "\n\n")
            self._headings.append(Heading(start, level, text))

    def paragraph(self, text: str) -> None:
        """A block of text; newlines inside it are kept."""
        text = text.strip("\n")
        if text.strip():
            self._append(text, "\n\n")

    def item(self, text: str) -> None:
        """A list item or table row: on a line of its own, close to the one before."""
        if text.strip():
            self._append(text, "\n")

    def row(self, cells: Iterable[str]) -> None:
        """A table row, its cells joined by " | "."""
        self.item(" | ".join(one_line(cell) for cell in cells))

    def page_break(self) -> None:
        """What follows stands on the next page."""
        self._done.append(Page(len(self._done) + 1, "".join(self._parts), None, tuple(self._headings)))
        self._parts, self._length, self._headings = [], 0, []

    def pages(self) -> tuple[Page, ...]:
        """All pages, the last one closed; without any page break nothing is known of pages, and the one is a text."""
        self.page_break()
        if len(self._done) == 1:
            return (replace(self._done[0], kind="text"),)
        return tuple(self._done)

    def _append(self, text: str, gap: str) -> int:
        if self._parts:
            self._parts.append(gap)
            self._length += len(gap)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        return start


def one_line(text: str) -> str:
    """``text`` with every run of white space made one space."""
    return " ".join(text.split())


def ranges(numbers: Iterable[int]) -> str:
    """[1, 2, 3, 7] → "1–3, 7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}–{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def join_soft_breaks(text: str) -> str:
    """Soft breaks to spaces, or to nothing between two Chinese or Japanese characters."""
    return _SOFT_IN_CJK.sub("", text).replace(SOFT_BREAK, " ")


def join_wrapped_lines(text: str, headings: Collection[str] = ()) -> str:
    """Undo the line breaks that only the page's width made, so that a newline always ends something.

    A line is wrapped when it is nearly as wide as the widest ones and the next line begins neither an item nor a
    heading. Chinese lines are joined without a space. Only white space changes.

    Args:
        headings: headings known to stand on lines of their own; one that is wrapped itself counts by its first line.
    """
    known = {_bare(heading) for heading in headings}
    raw = text.split("\n")
    lines = [_SPACES.sub(" ", line).strip() for line in raw]
    widths = sorted(_width(line) for line in lines if line)
    if not widths:
        return ""
    full = 0.72 * widths[int(0.9 * (len(widths) - 1))]
    joined: list[str] = []
    wrapped = False
    for line, source in zip(lines, raw, strict=True):
        row = bool(_COLUMNS.search(source))
        wrapped = wrapped and not row
        if wrapped and line and not ITEM.match(line) and not begins_one(line, known):
            joined[-1] += gap(joined[-1], line) + line
        else:
            joined.append(line)
        wrapped = bool(line) and not row and _width(line) >= full
    return re.sub(r"\n{3,}", "\n\n", "\n".join(joined)).strip("\n")


def begins_one(line: str, headings: Collection[str]) -> bool:
    """True when a line is a heading, or the first line of one; ``headings`` are without white space."""
    bare = _bare(line)
    return any(heading == bare or (len(bare) > 5 and heading.startswith(bare)) for heading in headings)


def _bare(text: str) -> str:
    return "".join(text.split())


def gap(before: str, after: str) -> str:
    """What a wrapped line's end stood for: a space between words, nothing inside Chinese, numbers there included."""
    if before[-1].isascii() and before[-1].isalpha() and after[0].isascii() and after[0].isalpha():
        return " "
    if _CJK_CHAR.match(before[-1]) and _CJK_CHAR.match(after[0]):
        return ""
    ends = before[-40:] + after[:40]
    return "" if len(_CJK_CHAR.findall(ends)) > 0.3 * len(ends) else " "


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)
