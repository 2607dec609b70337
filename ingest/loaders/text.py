"""Plain text; a form feed begins a new page. its encoding is found by :mod:`.encoding`."""

from __future__ import annotations

from pathlib import Path

from ..errors import NoText
from ..types import Document, Page, PageKind
from .building import join_wrapped_lines
from .encoding import decode
from .files import read_bytes


def load(path: Path) -> Document:
    """Read a text file.

    Raises:
        DamagedFile: the bytes are not text. NoText: nothing but white space. Unreadable: see :func:`read_bytes`.
    """
    text = decode(read_bytes(path))
    parts = text.split("\f")
    kind: PageKind = "page" if len(parts) > 1 else "text"
    pages = tuple(Page(number, join_wrapped_lines(part), kind=kind) for number, part in enumerate(parts, 1))
    if not any(page.text for page in pages):
        raise NoText("file.no_text")
    return Document(path.stem, "text", pages)
