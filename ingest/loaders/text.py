"""Plain text; a form feed begins a new page. Its encoding is found by :mod:`.encoding`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..errors import NoText
from ..types import Document, Page, PageKind
from .building import join_wrapped_lines
from .encoding import decode
from .files import read_bytes

_WHITE = re.compile(r"[\s\u200b]")  # what joining wrapped lines may add, drop or change


def load(path: Path) -> Document:
    """Read a text file.

    Raises:
        DamagedFile: the bytes are not text. NoText: nothing but white space. Unreadable: see :func:`read_bytes`.
    """
    parts = decode(read_bytes(path)).split("\f")
    kind: PageKind = "page" if len(parts) > 1 else "text"
    pages: list[Page] = []
    line = 1
    for number, part in enumerate(parts, 1):
        text = join_wrapped_lines(part)
        pages.append(Page(number, text, kind=kind, lines=tuple(_lines(part, text, line))))
        line += part.count("\n")
    if not any(page.text for page in pages):
        raise NoText("file.no_text")
    return Document(path.stem, "text", tuple(pages))


def _lines(source: str, text: str, first: int) -> Iterator[tuple[int, int]]:
    """Where each line of the file begins in the text made of it: both have the same characters but for white space."""
    places = (at for at, char in enumerate(text) if not _WHITE.match(char))
    for number, line in enumerate(source.split("\n"), first):
        characters = len(_WHITE.sub("", line))
        if characters:
            yield next(places), number
            next(islice(places, characters - 1, characters - 1), None)  # pass over the rest of the line
