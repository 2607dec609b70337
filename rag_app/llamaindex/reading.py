"""A reader of LlamaIndex as one of the app's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document as TheirDocument

from ingest.types import Document, Page

from .identity import identity


class LlamaIndexReader:
    """Implements :class:`ingest.given.Reader` by any :class:`BaseReader` of files.

    It is called as LlamaIndex's ``SimpleDirectoryReader`` does: with the path, and nothing else. Several documents of
    one file become its pages, in order, by their ``page_label`` where they have one.
    """

    def __init__(self, reader: BaseReader) -> None:
        self._reader = reader
        self.identity = identity(reader)

    def read(self, path: Path) -> Document:
        """The document of a file.

        Raises:
            What the reader raises.
        """
        found = self._reader.load_data(path)
        title = next((str(one.metadata["title"]) for one in found if one.metadata.get("title")), path.stem)
        return Document(title, path.suffix.lower().lstrip("."), _pages(found))


def _pages(found: Sequence[TheirDocument]) -> tuple[Page, ...]:
    labels = [str(one.metadata.get("page_label", "")) for one in found]
    texts = [one.text for one in found]
    if len(found) < 2 and not any(labels):
        return (Page(1, texts[0] if texts else "", kind="text"),)
    return numbered(list(zip(labels, texts, strict=True)))


def numbered(pages: Sequence[tuple[str, str]]) -> tuple[Page, ...]:
    """Pages of (label, text): labels that are rising numbers are the pages' numbers, else pages are counted."""
    numbers = [int(label) for label, _ in pages if label.isdecimal()]
    if len(numbers) == len(pages) and all(one < other for one, other in pairwise([0, *numbers])):
        return tuple(Page(number, text) for number, (_, text) in zip(numbers, pages, strict=True))
    return tuple(
        Page(place, text, label if label and label != str(place) else None)
        for place, (label, text) in enumerate(pages, 1)
    )
