"""Plain text; a form feed begins a new page. Encodings are detected by charset-normalizer."""

from __future__ import annotations

from pathlib import Path

from ..errors import DamagedFile, NoText
from ..types import Document, Page, PageKind
from .building import join_wrapped_lines
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


def decode(data: bytes) -> str:
    """Bytes of unknown encoding as text, with Unix line ends.

    Raises:
        DamagedFile: no encoding fits, or the bytes are plainly binary.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _detect(data)
    if "\0" in text:
        raise DamagedFile("file.not_text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _detect(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise DamagedFile("file.not_text")
    return str(best)
