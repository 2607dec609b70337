"""The page that a citation is of, as a picture with the quote marked; and whether its file is still what was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ingest.drawing import DrawingRequest, draw
from ingest.messages import Message, message
from ingest.values import Value

from .errors import RagError
from .store import Store
from .types import Citation, Rectangle

_SIZE = slice(16, 24)  # in a PNG: width and height, 4 bytes each


class SourceError(RagError):
    """The file of a citation is gone, has changed, or can't be drawn."""


@dataclass(frozen=True, slots=True, repr=False)
class PageImage(Value):
    """A page as a picture.

    Attributes:
        png: the picture, the quote marked in it. width, height: of it, in pixels.
        page, pages: which one it is (1-based), of how many.
        rectangles: where the quote stands; none on another page than the citation's, or where that can't be told.
    """

    png: bytes
    width: int
    height: int
    page: int
    pages: int
    rectangles: tuple[Rectangle, ...] = ()


def source_note(store: Store, citation: Citation) -> Message | None:
    """What is wrong with the file of a citation: it is gone, or has changed since; None where it is as it was read."""
    try:
        found = citation.path.stat()
        known = store.catalog.files.stamps(citation.path)
        if not known or (found.st_size, found.st_mtime_ns) in known:
            return None
        same_size = found.st_size in [size for size, _ in known]
        if same_size and _digest(citation.path.read_bytes()) in store.catalog.files.digests(citation.path):
            return None  # it was only touched
    except OSError:
        return message("source.gone", document=citation.document)
    return message("source.changed", document=citation.document)


def page_image(store: Store, citation: Citation, page: int | None, width: int) -> PageImage:
    """Draw it.

    Raises:
        SourceError.
    """
    name = citation.document
    if citation.path.suffix.lower() != ".pdf":
        raise SourceError("source.no_picture", document=name)
    try:
        data = citation.path.read_bytes()
    except OSError as error:
        raise SourceError("source.gone", document=name) from error
    if _digest(data) not in store.catalog.files.digests(citation.path):
        raise SourceError("source.changed", document=name)
    number = citation.page if page is None else max(1, min(page, citation.pages))
    text = ""
    if citation.quote and number == citation.page and not citation.ocr and not citation.described:
        texts = store.catalog.passages.page_texts(citation.path, number)
        text = next((one for one in texts if one[citation.start : citation.end] == citation.quote), "")
    drawing = draw(DrawingRequest(data, number, width, text, citation.start, citation.end))
    if drawing is None:
        raise SourceError("source.not_drawn", document=name)
    header = drawing.png[_SIZE]
    size = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")
    marked = tuple(Rectangle(number, *area) for area in drawing.areas)
    return PageImage(drawing.png, *size, number, citation.pages, marked)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
