"""What a knowledge base holds, as it is looked through: files with their states, pages with their chunks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from ingest.messages import Message
from ingest.types import PageKind
from ingest.values import Value

FileState = Literal["read", "partial", "refused"]
FileOrder = Literal["name", "newest", "largest"]


@dataclass(frozen=True, slots=True, repr=False)
class ListedFile(Value):
    """A file that a knowledge base has seen.

    Attributes:
        state: "read"; "partial": some of it could not be read; "refused": not what it holds now.
        document: the id of what was read of it, None if nothing ever was; a refused file may keep what it held before.
        size: bytes, 0 where it is not known. pages: with text. recognized: those of them read by OCR. empty: pages
            without text. described: pictures that a model described. reason: why it was refused.
        uploaded: it is the app's own copy, and goes with the document.
    """

    path: Path
    state: FileState
    document: int | None = None
    title: str = ""
    format: str = ""
    size: int = 0
    ingested: datetime | None = None
    pages: int = 0
    chunks: int = 0
    recognized: int = 0
    empty: int = 0
    described: int = 0
    warnings: tuple[Message, ...] = ()
    reason: Message | None = None
    tags: tuple[str, ...] = ()
    uploaded: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class FileList(Value):
    """Some of the files that were asked for. ``total``: how many there are."""

    total: int
    files: tuple[ListedFile, ...]


@dataclass(frozen=True, slots=True, repr=False)
class FileCounts(Value):
    """How many files of a knowledge base there are of each kind; refused files have no format."""

    states: dict[FileState, int] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class ReadPage(Value):
    """A page as it was read.

    Attributes:
        number, label, text, kind, ocr: as :class:`ingest.types.Page` has them.
        described: the text is a model's description of the page's pictures.
        chunks: spans of the text, in order; they may overlap.
    """

    number: int
    label: str | None
    text: str
    kind: PageKind
    ocr: bool
    described: bool
    chunks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, repr=False)
class ReadPages(Value):
    """Some pages of a document. ``total``: how many it has, descriptions counted apart."""

    total: int
    pages: tuple[ReadPage, ...]
