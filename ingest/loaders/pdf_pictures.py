"""Pictures of a PDF that are worth describing: whole pages that are one, and large pictures beside text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ..types import Page
from .pdf_ocr import COVERED, IMAGE, opened, render, share_of
from .pictures import LONGEST, Pictures, is_text
from .pixels import MOST_PIXELS

if TYPE_CHECKING:
    import pypdfium2

_LARGE = 0.04  # of the page's area: a sixth of its width and a quarter of its height
_LARGE_INSIDE = 200  # pixels of each side, where a picture's place on the page is not known


def collect(data: bytes, pages: Sequence[Page], pictures: Pictures, password: str | None = None) -> None:
    """Hand the pictures of a PDF to ``pictures``, as far as it wants them; pages full of text are none.

    Args:
        data: the PDF. pages: as they were read, so that a scan of text is known as such.
    """
    import pypdfium2

    document = opened(data, password) if pictures.wanted else None
    if document is None:
        return
    with closing(document):
        for page in pages:
            if not pictures.wanted:
                return
            try:
                with closing(document[page.number - 1]) as drawn:
                    _collect(drawn, page, pictures)
            except pypdfium2.PdfiumError:
                continue


def _collect(drawn: pypdfium2.PdfPage, page: Page, pictures: Pictures) -> None:
    images = list(drawn.get_objects(filter=[IMAGE]))
    textless = not page.text.strip()
    covered = sum(share_of(image, drawn) for image in images if not image.level) > COVERED
    if (page.ocr and covered) or (textless and next(drawn.get_objects(), None) is not None):
        if not is_text(page.text):
            pictures.add(render(drawn, LONGEST / max(*drawn.get_size(), 1)), page.number)
        return
    _add_each([image for image in images if _is_large(image, drawn)], page.number, pictures)


def _add_each(images: Iterable[pypdfium2.PdfImage], number: int, pictures: Pictures) -> None:
    import pypdfium2

    for image in images:
        try:
            with closing(image.get_bitmap(render=True)) as bitmap:
                pictures.add(bitmap.to_pil(), number)
        except pypdfium2.PdfiumError:
            continue


def _is_large(image: pypdfium2.PdfImage, drawn: pypdfium2.PdfPage) -> bool:
    """Whether it takes enough of the page to be more than an ornament, and is of sane size."""
    import pypdfium2

    try:
        width, height = image.get_px_size()
    except pypdfium2.PdfiumError:
        return False
    if width * height > MOST_PIXELS:
        return False
    if image.level:  # inside a form its bounds are the form's
        return bool(min(width, height) >= _LARGE_INSIDE)
    return share_of(image, drawn) >= _LARGE
