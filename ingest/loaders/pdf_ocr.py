"""Pages of a PDF as pictures: which ones are nothing else, and what is recognized on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ..recognition import Recognition

if TYPE_CHECKING:
    import pypdfium2
    from PIL.Image import Image

_DPI = 200
_LONGEST = 4000  # pixels of the longer side, whatever the page's size
_SHORTEST = 900  # small pages are drawn larger
_IMAGE = 3  # FPDF_PAGEOBJ_IMAGE
_COVERED = 0.5  # of the page's area


def pictured(data: bytes, numbers: Sequence[int], password: str | None) -> list[int]:
    """Those of the pages that a picture covers: what little text they have may be a stamp on a scan.

    Args:
        data: the PDF. numbers: 1-based pages.
    """
    document = _opened(data, password) if numbers else None
    if document is None:
        return []
    with closing(document):
        return [number for number in numbers if _picture_share(document, number - 1) > _COVERED]


def recognize_pages(
    data: bytes, numbers: Sequence[int], recognition: Recognition, password: str | None = None
) -> Iterator[tuple[int, str]]:
    """The text of the pages asked for, as far as the budget goes; empty where there is none or it can't be drawn.

    Args:
        data: the PDF. numbers: 1-based pages.
    """
    import pypdfium2

    document = _opened(data, password) if numbers else None
    if document is None:
        return
    recognition.expect(len(numbers))
    with closing(document):
        for number in numbers:
            if recognition.is_spent:
                return
            try:
                image = _render(document, number - 1)
            except pypdfium2.PdfiumError:
                yield number, ""
            else:
                yield number, recognition.recognize(image)


def _opened(data: bytes, password: str | None) -> pypdfium2.PdfDocument | None:
    """The document; None where PDFium can't open it, so that pypdf read it."""
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError:
        return None


def _picture_share(document: pypdfium2.PdfDocument, index: int) -> float:
    """Which part of the page its largest picture covers."""
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return 0.0
    with closing(page):
        left, bottom, right, top = page.get_bbox()
        largest = 0.0
        for picture in page.get_objects(filter=[_IMAGE]):
            try:
                x0, y0, x1, y1 = picture.get_bounds()
            except pypdfium2.PdfiumError:
                continue
            seen = max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
            largest = max(largest, seen)
        return float(largest / max(1.0, (right - left) * (top - bottom)))


def _render(document: pypdfium2.PdfDocument, index: int) -> Image:
    with closing(document[index]) as page:
        longest = max(page.get_size())
        scale = min(max(_DPI / 72, _SHORTEST / max(longest, 1)), _LONGEST / max(longest, 1))
        with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
            picture: Image = bitmap.to_pil()
            return picture.convert("RGB")
