"""Headings of a page: from the outline, else from letters larger than the document's ordinary text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ..types import Heading
from .building import one_line
from .pdf_layout import Block
from .pdf_lines import RawPage
from .pdf_text import width

_LARGER = 1.15
_LONGEST = 100  # half-width columns
_LEVELS = 3


def body_size(pages: Iterable[RawPage | None]) -> float:
    """The size most characters have; 0 where no places are known."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines if page is not None else ():
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def heading_sizes(pages: Sequence[Sequence[Block]], body: float) -> list[float]:
    """The sizes of headings in a document without outline, largest first; none where large letters are no headings."""
    large = [block for blocks in pages for block in blocks if _is_heading(block, body)]
    letters = sum(len(block.text) for blocks in pages for block in blocks)
    if not body or not large or sum(len(block.text) for block in large) > 0.3 * letters:
        return []
    found = [round(block.size, 1) for block in large]
    sizes: list[float] = []
    for size in sorted(set(found), reverse=True):
        if not sizes or size < sizes[-1] - 0.4:
            sizes.append(size)
    return sizes


def headings_by_size(blocks: Sequence[Block], text: str, sizes: Sequence[float], body: float) -> list[Heading]:
    """Headings of a page by their size; ``text`` is made of ``blocks``, a line each."""
    made: list[Heading] = []
    at = 0
    for block, line in zip(blocks, text.split("\n"), strict=True):
        if _is_heading(block, body):
            level = next((n for n, size in enumerate(sizes, 1) if block.size > size - 0.45), len(sizes))
            made.append(Heading(at, min(level, _LEVELS), one_line(line)))
        at += len(line) + 1
    return made


def headings_by_outline(text: str, outline: Sequence[tuple[int, str]]) -> list[Heading]:
    """Headings of a page as the outline names them, where the text has them; in its order."""
    made: list[Heading] = []
    cursor = 0
    for level, title in outline:
        start = _find_line(text, title, cursor)
        if start is None:
            start = cursor if made else 0
        made.append(Heading(start, level, title))
        cursor = start
    return made


def _find_line(text: str, title: str, cursor: int) -> int | None:
    """Where the heading begins a line of the page's text, white space aside."""
    pattern = r"\s*".join(re.escape(char) for char in title if not char.isspace())
    match = re.compile(f"^{pattern}", re.MULTILINE).search(text, cursor)
    return match.start() if match else None


def _is_heading(block: Block, body: float) -> bool:
    return (
        not block.row
        and block.size > _LARGER * body
        and 2 <= width(block.text) <= _LONGEST
        and any(char.isalpha() for char in block.text)
        and block.text[-1] not in ".。,，;；"
    )
