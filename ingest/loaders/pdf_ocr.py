"""Pages of a PDF as pictures, and what is recognized on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..ocr import Recognizer

if TYPE_CHECKING:
    import pypdfium2
    from PIL.Image import Image

_DPI = 200
_LONGEST = 4000  # pixels of the longer side, whatever the page's size
_SHORTEST = 900  # small pages are drawn larger


def recognize_pages(
    data: bytes, numbers: Sequence[int], recognizer: Recognizer, password: str | None = None
) -> Iterator[tuple[int, str]]:
    """The text of the pages asked for, one after the other; empty where there is none or the page can't be drawn.

    Args:
        data: the PDF. numbers: 1-based pages.
    """
    import pypdfium2

    document = pypdfium2.PdfDocument(data, password=password)
    try:
        for number in numbers:
            try:
                image = _render(document, number - 1)
            except pypdfium2.PdfiumError:
                yield number, ""
            else:
                yield number, recognizer.recognize(image)
    finally:
        document.close()


def _render(document: pypdfium2.PdfDocument, index: int) -> Image:
    page = document[index]
    try:
        longest = max(page.get_size())
        scale = min(max(_DPI / 72, _SHORTEST / max(longest, 1)), _LONGEST / max(longest, 1))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        try:
            picture: Image = bitmap.to_pil()
            return picture.convert("RGB")
        finally:
            bitmap.close()
    finally:
        page.close()
