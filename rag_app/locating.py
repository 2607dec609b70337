"""Where a citation stands on the page of its file."""

from __future__ import annotations

import hashlib

from .errors import NotLocated, UnknownDocument
from .store import Store
from .types import Citation, Rectangle


def locate(store: Store, citation: Citation, password: str | None = None) -> tuple[Rectangle, ...]:
    """The rectangles of a citation's quote, one a line; none for formats without fixed pages and for recognized text.

    Args:
        password: of an encrypted PDF.

    Raises:
        UnknownDocument: it is no longer stored. NotLocated: the file is gone, or is not the one that was read.
    """
    if citation.path.suffix.lower() != ".pdf" or citation.ocr or citation.described:
        return ()
    stored = store.catalog.files.page(citation.path, citation.page)
    if stored is None:
        raise UnknownDocument("document.gone", path=citation.path)
    digest, text = stored
    try:
        data = citation.path.read_bytes()
    except OSError as error:
        raise NotLocated("document.not_there", path=citation.path, cause=error.strerror or error) from error
    if hashlib.sha256(data).hexdigest() != digest or text[citation.start : citation.end] != citation.quote:
        raise NotLocated("document.changed", path=citation.path)
    from ingest.loaders.pdf_places import places

    found = places(data, citation.page, text, citation.start, citation.end, password)
    return tuple(Rectangle(citation.page, *area) for area in found)
