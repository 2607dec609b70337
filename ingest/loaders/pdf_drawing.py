"""A page of a PDF as a picture, parts of it marked as with a text marker."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from .pdf_ocr import opened, render
from .pdf_places import Area

if TYPE_CHECKING:
    from PIL.Image import Image

_MARKER = (255, 232, 105)
_MARGIN = 0.002  # of the page, around what is marked
_HIGHEST = 6000  # pixels


def picture(data: bytes, page: int, width: int, areas: Sequence[Area], password: str | None = None) -> bytes | None:
    """A PNG of the page; None where there is no such page, or PDFium can't draw it.

    Args:
        data: the PDF. page: 1-based. width: pixels; less where the page is very high.
    """
    import pypdfium2

    document = opened(data, password)
    if document is None:
        return None
    with closing(document):
        try:
            with closing(document[page - 1]) as drawn:
                across, down = drawn.get_size()
                image = render(drawn, min(width / max(across, 1), _HIGHEST / max(down, 1)))
        except (pypdfium2.PdfiumError, IndexError):
            return None
    for area in areas:
        _mark(image, area)
    png = io.BytesIO()
    image.save(png, "PNG")
    return png.getvalue()


def _mark(image: Image, area: Area) -> None:
    """Colour a part of a picture so that what is black stays black."""
    from PIL import Image, ImageChops

    width, height = image.size
    box = (
        max(0, int((area.left - _MARGIN) * width)),
        max(0, int((area.top - _MARGIN) * height)),
        min(width, int((area.right + _MARGIN) * width) + 1),
        min(height, int((area.bottom + _MARGIN) * height) + 1),
    )
    part = image.crop(box)
    image.paste(ImageChops.multiply(part, Image.new(part.mode, part.size, _MARKER)), box)
