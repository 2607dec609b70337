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
IMAGE = 3  # FPDF_PAGEOBJ_IMAGE
COVERED = 0.5  # of the page's area


def pictured(data: bytes, numbers: Sequence[int], password: str | None) -> list[int]:
    """Those of the pages that a picture covers: what little text they have may be a stamp on a scan.

    Args:
        data: the PDF. numbers: 1-based pages.
    """
    document = opened(data, password) if numbers else None
    if document is None:
        return []
    with closing(document):
        return [number for number in numbers if _picture_share(document, number - 1) > COVERED]


def recognize_pages(
    data: bytes, numbers: Sequence[int], recognition: Recognition, password: str | None = None
) -> Iterator[tuple[int, str]]:
    """The text of the pages asked for, as far as the budget goes; empty where there is none or it can't be drawn.

    Args:
        data: the PDF. numbers: 1-based pages.
    """
    import pypdfium2

    document = opened(data, password) if numbers else None
    if document is None:
        return
    recognition.expect(len(numbers))
    with closing(document):
        for number in numbers:
            if recognition.is_spent:
                return
            try:
                with closing(document[number - 1]) as page:
                    image = render(page, _scale(page))
            except pypdfium2.PdfiumError:
                yield number, ""
            else:
                yield number, recognition.recognize(image)


def opened(data: bytes, password: str | None) -> pypdfium2.PdfDocument | None:
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
        shares: list[float] = [share_of(picture, page) for picture in page.get_objects(filter=[IMAGE])]
        return max(shares, default=0.0)


def share_of(picture: pypdfium2.PdfObject, page: pypdfium2.PdfPage) -> float:
    """Which part of its page a picture covers; 0 where that can't be told."""
    import pypdfium2

    try:
        x0, y0, x1, y1 = picture.get_bounds()
    except pypdfium2.PdfiumError:
        return 0.0
    left, bottom, right, top = page.get_bbox()
    seen = max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
    return float(seen / max(1.0, (right - left) * (top - bottom)))


def _scale(page: pypdfium2.PdfPage) -> float:
    """What a page is enlarged by to be recognized."""
    longest = max(*page.get_size(), 1)
    return float(min(max(_DPI / 72, _SHORTEST / longest), _LONGEST / longest))


def render(page: pypdfium2.PdfPage, scale: float) -> Image:
    """A page as a picture, ``scale`` pixels a point."""
    with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
        picture: Image = bitmap.to_pil()
        return picture.convert("RGB")
