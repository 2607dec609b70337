"""PDFium, the first reader: text, the place of every line, outline, labels, attachments.

Only it and :mod:`pdf_ocr`, which draws pages, import pypdfium2. A page is parsed once. Places cost three calls a
line; characters are looked at one by one only in lines that are wider than their characters can fill, for gaps
between columns.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .building import one_line
from .pdf_gaps import Box, cut_at_gaps, written
from .pdf_lines import Facts, Line, RawPage
from .pdf_text import normalize

if TYPE_CHECKING:
    import pypdfium2

_XFA = 2  # FORMTYPE_XFA_FULL
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_BREAK = re.compile("[\r\n]+|(?<=[\x02\ufffe])")
_QUARTER = math.pi / 2


class FirstReader:
    """A PDF opened with PDFium."""

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        self._document = document

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return len(self._document)

    def close(self) -> None:
        """Free the memory PDFium holds."""
        self._document.close()

    def page(self, index: int) -> RawPage | None:
        """A page's text and lines; None where it can't be read."""
        import pypdfium2

        try:
            page = self._document[index]
            try:
                text_page = page.get_textpage()
                try:
                    return _read(page, text_page)
                finally:
                    text_page.close()
            finally:
                page.close()
        except (pypdfium2.PdfiumError, AssertionError, IndexError):
            return None

    def facts(self) -> Facts:
        """Outline, labels, title and attachments, as far as they can be read."""
        import pypdfium2

        outline: dict[int, list[tuple[int, str]]] = {}
        labels: tuple[str, ...] = ()
        title = ""
        attachments: tuple[str, ...] = ()
        try:
            for item in self._document.get_toc():
                target = item.get_dest()
                page = target.get_index() if target is not None else None
                name = one_line(normalize(item.get_title() or ""))
                if page is not None and name:
                    outline.setdefault(page, []).append((item.level + 1, name))
            labels = tuple(self._document.get_page_label(index) for index in range(self.pages))
            title = one_line(normalize(self._document.get_metadata_value("Title") or ""))
            attachments = tuple(
                one_line(normalize(self._document.get_attachment(index).get_name()))
                for index in range(self._document.count_attachments())
            )
        except (pypdfium2.PdfiumError, ValueError):  # what comes after the break is lost, nothing else
            pass
        return Facts(outline, labels, title, attachments, self._document.get_formtype() == _XFA)


def open_first(data: bytes, password: str | None) -> FirstReader | str:
    """A reader; "password" where the password is wrong or missing; else why PDFium can't open the file."""
    import pypdfium2

    try:
        return FirstReader(pypdfium2.PdfDocument(data, password=password))
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            return "password"
        return str(error).rstrip(".")


def _read(page: Any, text_page: Any) -> RawPage:
    text = str(text_page.get_text_range(errors="replace"))
    if not text.strip():
        return RawPage("", blank=next(page.get_objects(filter=[_raw().FPDF_PAGEOBJ_TEXT]), None) is None)
    places = _Places(text_page, aligned=text_page.count_chars() == len(text))
    spans = list(_spans(text))
    turns = [places.turn(start) for start, _ in spans]
    weights: Counter[int] = Counter()
    for turn, (start, end) in zip(turns, spans, strict=True):
        weights[turn] += end - start
    main = weights.most_common(1)[0][0] if weights else 0
    left, bottom, right, top = page.get_bbox()
    places.turn_to(main, (left, bottom, right, top))
    height = top - bottom if main % 2 == 0 else right - left
    lines = [_line(text, start, end, places, turn != main) for turn, (start, end) in zip(turns, spans, strict=True)]
    cut = cut_at_gaps(text, spans, lines, places)
    return RawPage(text, tuple(line for line in cut if line.text.strip(" \x02")), height)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every line, white space around it left out."""
    start = 0
    for match in [*_BREAK.finditer(text), None]:
        stop = match.start() if match else len(text)
        piece = text[start:stop]
        bare = piece.strip()
        if bare:
            first = start + piece.index(bare[0])
            yield first, first + len(bare)
        start = match.end() if match else stop


def _line(text: str, start: int, end: int, places: _Places, turned: bool) -> Line:
    first, last = places.box(start), places.box(end - 1)
    if last[2] <= last[0] or text[end - 1] in "\x02\ufffe":
        last = places.box(max(start, end - 2))
    return Line(written(text[start:end]), first[0], last[2], first[1], first[3], turned)


def _raw() -> Any:
    """PDFium's own functions, which have no types."""
    import pypdfium2.raw

    return pypdfium2.raw


class _Places:
    """Where the characters of a page stand, as the page is read: turned upright, y downwards."""

    def __init__(self, text_page: Any, *, aligned: bool) -> None:
        raw = self._raw = _raw()
        self._page = text_page.raw
        self._aligned = aligned
        self._rect = raw.FS_RECTF()
        self._pointer = ctypes.byref(self._rect)
        self._turn = 0
        self._bounds: Box = (0.0, 0.0, 0.0, 0.0)

    def turn_to(self, turn: int, bounds: Box) -> None:
        """Which quarter turn, clockwise, makes the text upright; the page's left, bottom, right, top."""
        self._turn = turn
        self._bounds = bounds

    def turn(self, index: int) -> int:
        """Quarter turns, clockwise, that make a character upright."""
        angle = float(self._raw.FPDFText_GetCharAngle(self._page, self._char(index)))
        return -round(angle / _QUARTER) % 4 if angle > 0 else 0

    def box(self, index: int) -> Box:
        """Left, top, right, bottom of a character with its font's ascent and descent."""
        if not self._raw.FPDFText_GetLooseCharBox(self._page, self._char(index), self._pointer):
            return (0.0, 0.0, 0.0, 0.0)
        rect = self._rect
        left, top, right, bottom = rect.left, rect.top, rect.right, rect.bottom
        low_x, low_y, high_x, high_y = self._bounds
        if self._turn == 0:
            return (left - low_x, high_y - top, right - low_x, high_y - bottom)
        if self._turn == 1:
            return (bottom - low_y, left - low_x, top - low_y, right - low_x)
        if self._turn == 2:
            return (high_x - right, bottom - low_y, high_x - left, top - low_y)
        return (high_y - top, high_x - right, high_y - bottom, high_x - left)

    def _char(self, index: int) -> int:
        return index if self._aligned else max(0, self._raw.FPDFText_GetCharIndexFromTextIndex(self._page, index))
