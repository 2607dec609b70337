"""Running headers, footers and page numbers: what stands at the same place of most pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .building import one_line
from .pdf_lines import Line, RawPage

_MARGIN = 0.13  # of the page's height, above and below
_MOST = 0.3  # of the pages: left and right pages often differ, the first pages of chapters have none
_DIGITS = re.compile(r"\d{1,4}")
_ROMAN = re.compile(r"(?=[ivxlc])(x{0,3}|xl|l?x{0,3}|xc)(ix|iv|v?i{0,3})", re.IGNORECASE)
_NUMBER_ONLY = re.compile(r"[-–—\s(（\[]*(page|p\.|第)?\s*\d{1,4}\s*(页|頁)?[-–—\s)）\]]*", re.IGNORECASE)
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

_Key = tuple[object, ...]


def without_running(pages: Sequence[RawPage | None]) -> list[RawPage | None]:
    """The pages without their running lines.

    A line runs when it stands in the upper or lower margin at the same height of at least three pages and of 30 % of
    them, with the same words; or with one number that counts the pages, then two pages are enough. A line that
    occurs once never does. Copies of a page count once.
    """
    seen: set[str] = set()
    counts: Counter[_Key] = Counter()
    counted = 0
    for index, page in enumerate(pages):
        if page is None or not page.lines or page.text in seen:
            continue
        seen.add(page.text)
        counted += 1
        keys = {key for line in page.lines if _in_margin(line, page.height) for key in _keys(line, index)}
        counts.update(keys)
    running = {key for key, count in counts.items() if count >= _enough(key, counted)}
    if not running:
        return list(pages)
    return [page and _without(page, index, running) for index, page in enumerate(pages)]


def _enough(key: _Key, pages: int) -> float:
    if key[0] == "number":
        return 2
    return max(2 if key[0] == "counting" else 3, _MOST * pages)


def _without(page: RawPage, index: int, running: set[_Key]) -> RawPage:
    kept = tuple(
        line
        for line in page.lines
        if not (_in_margin(line, page.height) and any(key in running for key in _keys(line, index)))
    )
    return page if len(kept) == len(page.lines) else page._replace(lines=kept)


def _in_margin(line: Line, height: float) -> bool:
    return line.bottom < _MARGIN * height or line.top > (1 - _MARGIN) * height


def _keys(line: Line, index: int) -> Iterator[_Key]:
    """What the line has in common with its like on other pages: its words, or its words around a page number."""
    text = one_line(line.text)
    place = round(line.top / 6)
    yield "same", place, text
    kind = "number" if _NUMBER_ONLY.fullmatch(text) else "counting"
    for match in list(_DIGITS.finditer(text))[:6]:
        shape = f"{text[: match.start()]}\0{text[match.end() :]}"
        yield kind, place, shape, int(match.group()) - index
    if text and len(text) < 8 and _ROMAN.fullmatch(text):
        yield "number", place, "roman", _roman(text) - index


def _roman(text: str) -> int:
    values = [_VALUES[char] for char in text.lower()]
    return sum(-value if any(later > value for later in values[at + 1 :]) else value for at, value in enumerate(values))
