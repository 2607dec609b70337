"""Where a part of a page's text stands on the page of the PDF, as rectangles, one a line."""

from __future__ import annotations

import ctypes
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, NamedTuple

from .pdf_ocr import opened
from .pdf_text import normalize

_LEFT_OUT = frozenset("-\u2010\u2011\u00ad\x02\ufffe|")  # hyphens at a line's end, and what joins a table's cells
_LEAST_FOUND = 0.6  # of the characters, where they stand in another order than in the text
_LEAST_BLOCK = 4
_FAR = 3.0  # heights of a line; a wider gap is one between columns
_WHOLE = 1_000_000  # the page in PDFium's device units, so that fractions are exact to a millionth
_pdfium = threading.Lock()  # PDFium is not safe to use from two threads


class Area(NamedTuple):
    """A rectangle in fractions (0–1) of the page as it is shown, rotation and crop box heeded; y from the top."""

    left: float
    top: float
    right: float
    bottom: float


class _Box(NamedTuple):
    """In points, y upwards."""

    left: float
    bottom: float
    right: float
    top: float


def places(data: bytes, page: int, text: str, start: int, end: int, password: str | None = None) -> tuple[Area, ...]:
    """The rectangles of ``text[start:end]``; none where the page does not have these characters (it was recognized).

    Args:
        data: the PDF. page: 1-based. text: the page's, as :mod:`.pdf` read it; white space and hyphens may differ.
    """
    import pypdfium2

    with _pdfium:
        document = opened(data, password)
        if document is None:
            return ()
        with closing(document):
            try:
                with closing(document[page - 1]) as drawn, closing(drawn.get_textpage()) as text_page:
                    characters = _Characters(text_page)
                    boxes = [characters.box(index) for index in _found(characters.text, text, start, end)]
                    return tuple(_area(drawn, line) for line in _lines([box for box in boxes if box is not None]))
            except (pypdfium2.PdfiumError, IndexError):
                return ()


class _Characters:
    """The characters of a page, as PDFium orders them."""

    def __init__(self, text_page: Any) -> None:
        import pypdfium2.raw

        self._raw: Any = pypdfium2.raw
        self._page = text_page.raw
        self.text = str(text_page.get_text_range(errors="replace"))
        self._aligned = text_page.count_chars() == len(self.text)
        self._sides = [ctypes.c_double() for _ in range(4)]

    def box(self, index: int) -> _Box | None:
        """Around the ink of a character; None where it has none."""
        if not self._aligned:
            index = max(0, self._raw.FPDFText_GetCharIndexFromTextIndex(self._page, index))
        if not self._raw.FPDFText_GetCharBox(self._page, index, *map(ctypes.byref, self._sides)):
            return None
        left, right, bottom, top = (side.value for side in self._sides)
        return _Box(left, bottom, right, top) if right > left and top > bottom else None


def _found(written: str, text: str, start: int, end: int) -> Sequence[int]:
    """The places in ``written`` of what ``text[start:end]`` says."""
    signs, where = _bare(written)
    wanted, _ = _bare(text[start:end])
    if not wanted:
        return ()
    before = _bare(text[:start])[0].count(wanted)
    at, seen = signs.find(wanted), 0
    while at >= 0:
        following = signs.find(wanted, at + 1)
        if seen == before or following < 0:
            return where[at : at + len(wanted)]
        at, seen = following, seen + 1
    matcher = SequenceMatcher(None, signs, wanted, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= _LEAST_BLOCK]
    if sum(block.size for block in blocks) < _LEAST_FOUND * len(wanted):
        return ()
    return [place for block in blocks for place in where[block.a : block.a + block.size]]


def _bare(text: str) -> tuple[str, list[int]]:
    """``text`` without white space, hyphens and accents, in ordinary characters; and the place of each of them."""
    signs: list[str] = []
    where: list[int] = []
    for index, char in enumerate(text):
        for sign in _ordinary(char):
            signs.append(sign)
            where.append(index)
    return "".join(signs), where


@lru_cache(maxsize=16384)
def _ordinary(char: str) -> str:
    if char in _LEFT_OUT:
        return ""
    plain = unicodedata.normalize("NFKD", normalize(char))
    return "".join(
        sign for sign in plain if not sign.isspace() and not unicodedata.combining(sign) and sign not in _LEFT_OUT
    )


def _lines(boxes: Sequence[_Box]) -> Iterator[_Box]:
    """Boxes joined as long as they go on in one line."""
    line: _Box | None = None
    last = line
    for box in boxes:
        if line is None or last is None:
            line = box
        elif _goes_on(line, last, box):
            line = _Box(
                min(line.left, box.left),
                min(line.bottom, box.bottom),
                max(line.right, box.right),
                max(line.top, box.top),
            )
        else:
            yield line
            line = box
        last = box
    if line is not None:
        yield line


def _goes_on(line: _Box, last: _Box, box: _Box) -> bool:
    height = max(line.top - line.bottom, box.top - box.bottom)
    width = max(line.right - line.left, box.right - box.left)
    beside = box.bottom < line.top and box.top > line.bottom and box.left >= last.left - 0.5 * height
    if beside:
        return box.left - last.right < _FAR * height
    upright = box.left < line.right and box.right > line.left  # a line that runs up or down the page
    return upright and width < 2 * (box.right - box.left) and abs(box.bottom - last.bottom) < 2 * (box.right - box.left)


def _area(page: Any, box: _Box) -> Area:
    """A box as fractions of the page as it is shown."""
    x0, y0 = _shown(page, box.left, box.top)
    x1, y1 = _shown(page, box.right, box.bottom)
    return Area(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _shown(page: Any, x: float, y: float) -> tuple[float, float]:
    import pypdfium2.raw

    raw: Any = pypdfium2.raw
    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page.raw, 0, 0, _WHOLE, _WHOLE, 0, x, y, ctypes.byref(across), ctypes.byref(down))
    return tuple(min(1.0, max(0.0, value.value / _WHOLE)) for value in (across, down))  # type: ignore[return-value]
