"""pypdf, the second reader: asked for whatever PDFium could not read. The only pypdf import."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .building import one_line
from .pdf_lines import HYPHEN, Facts, RawPage

if TYPE_CHECKING:
    import pypdf

_LINE_END_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u2010]\n(?=[^\W\d_])")


class SecondReader:
    """A PDF opened with pypdf, at the first question; answers with nothing where pypdf fails."""

    def __init__(self, data: bytes, password: str | None) -> None:
        self._data = data
        self._password = password
        self._reader: pypdf.PdfReader | None = None
        self._tried = False

    @property
    def pages(self) -> int:
        """How many pages there are; 0 where it can't be opened."""
        reader = self._opened()
        return len(reader.pages) if reader is not None else 0

    def page(self, index: int) -> RawPage | None:
        """A page's text without places; None where it can't be read."""
        reader = self._opened()
        if reader is None:
            return None
        try:
            text = reader.pages[index].extract_text()
        except _failures():
            return None
        return RawPage(_LINE_END_HYPHEN.sub(HYPHEN, text.replace("\r", "\n").replace(HYPHEN, "")))

    def facts(self) -> Facts:
        """Outline, labels and so on, as far as they can be read."""
        reader = self._opened()
        if reader is None:
            return Facts()
        outline: dict[int, list[tuple[int, str]]] = {}
        labels: tuple[str, ...] = ()
        title = ""
        try:
            for level, item in _flatten(reader.outline, 1):
                page = reader.get_destination_page_number(item)
                if page is not None and item.title:
                    outline.setdefault(page, []).append((level, one_line(str(item.title))))
            labels = tuple(reader.page_labels)
            title = one_line(str((reader.metadata and reader.metadata.title) or ""))
        except _failures():  # what comes after the break is lost, nothing else
            pass
        return Facts(outline, labels, title)

    def _opened(self) -> pypdf.PdfReader | None:
        if not self._tried:
            self._tried = True
            self._reader = _open(self._data, self._password)
        return self._reader


def _open(data: bytes, password: str | None) -> pypdf.PdfReader | None:
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it finds odd is in our report where it matters
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not any(reader.decrypt(one) for one in dict.fromkeys((password or "", ""))):
            return None
        len(reader.pages)
    except _failures():
        return None
    return reader


def _flatten(items: list[Any], level: int) -> Iterator[tuple[int, Any]]:
    for item in items:
        if isinstance(item, list):
            yield from _flatten(item, level + 1)
        else:
            yield level, item


def _failures() -> tuple[type[Exception], ...]:
    """What pypdf raises on files that break the specification: its own errors, and plain ones from deep inside."""
    from pypdf.errors import DependencyError, DeprecationError, PyPdfError

    return (
        PyPdfError,
        DependencyError,
        DeprecationError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        AssertionError,
        NotImplementedError,
        RecursionError,
        OverflowError,
        ArithmeticError,
        OSError,
    )
