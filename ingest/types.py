"""The values that pass between the stages of ingestion. All are frozen; none knows a database or a model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from .messages import Message
from .values import Value

Status = Literal["read", "partial", "refused", "unchanged", "moved", "duplicate", "removed"]
PageKind = Literal["page", "slide", "sheet", "text"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file on disk, found but not read.

    Attributes:
        path: absolute, resolved path.
        size: bytes.
        modified_ns: modification time in nanoseconds since the epoch.
    """

    path: Path
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost; a file that costs more is refused.

    Attributes:
        seconds: wall time; pages that are recognized have their own, see :data:`ingest.worker.PAGE_SECONDS`.
        memory_mb: memory of the process that reads it, on top of what that takes when idle.
        pages: pages, slides or sheets.
        unpacked_mb: size of an office file's parts once they are unpacked.
        file_mb: size of the file; a larger one is not even opened.
        ocr: whether pictures are recognized at all.
        ocr_pages: most pages of one file that are recognized; the others are named.
        pictures: most pictures of one file that are handed out to be described, 0 for none; not part of what names how
            a file is read, see :class:`ingest.changes.Readers`.
    """

    seconds: float = 60
    memory_mb: int = 2048
    pages: int = 20_000
    unpacked_mb: int = 1024
    ocr: bool = True
    ocr_pages: int = 100
    file_mb: int = 2048
    pictures: int = field(default=0, repr=False)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a page.

    Attributes:
        start: character offset of the heading's first character in the page's text.
        level: 1 for the outermost.
        text: the heading, on one line.
    """

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """The text of one physical page, slide or sheet; formats without any have exactly one.

    Attributes:
        number: 1-based physical page, slide or sheet.
        text: what was read, never changed afterwards: every span counts in its characters (code points).
        label: the printed page label where it differs from ``number`` ("iv", "A-3"), a sheet's name, else None.
        headings: headings that start on this page, in order.
        kind: what the number counts; "text" for formats without pages.
        lines: (offset in ``text``, line of the file or row of the sheet, 1-based), in order, where a citation names
            lines or rows; empty elsewhere.
        columns: how many columns a sheet has; 0 elsewhere.
        ocr: True when the text was recognized from a picture.
        described: how many pictures of the page a model described: the text is then the model's, not the document's,
            and stands beside the page of the same number with the document's own. 0 elsewhere.
    """

    number: int
    text: str
    label: str | None = None
    headings: tuple[Heading, ...] = ()
    kind: PageKind = "page"
    lines: tuple[tuple[int, int], ...] = ()
    columns: int = 0
    ocr: bool = False
    described: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page, to be described.

    Attributes:
        page: 1-based physical page it is on. at: offset in that page's text where it stands; 0 where that is not known.
        data: a JPEG file, small enough for a model.
    """

    page: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read.

    Attributes:
        title: from the file's metadata or first heading, else the file name without its suffix.
        format: what it is: "pdf", "markdown", "text", "html", "docx", …
        pages: at least one page; some may be empty.
        warnings: what could not be read and why, one message each.
        pictures: those that are still to be described, in order.
    """

    title: str
    format: str
    pages: tuple[Page, ...]
    warnings: tuple[Message, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one page, bounded in the embedding model's tokens.

    Attributes:
        page: 1-based physical page the chunk lies on.
        start, end: the chunk is ``page.text[start:end]``. overlap: how many characters at its start the chunk before
            it has too; without them, a page's chunks joined are the page's text.
        headings: the heading path it stands under, outermost first.
        text: the verbatim text, shown and cited.
        context: title and heading path, put in front of what the model embeds.
        described: it is of the page that a model wrote, see :class:`Page`.
    """

    page: int
    start: int
    end: int
    headings: tuple[str, ...]
    text: str
    context: str
    overlap: int = 0
    described: bool = False

    @property
    def embedded_text(self) -> str:
        """What the model embeds."""
        return embedded_text(self.context, self.text)

    @property
    def content(self) -> bytes:
        """Names :attr:`embedded_text`: chunks with the same share a vector. BLAKE2b, 16 bytes."""
        return hashlib.blake2b(self.embedded_text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def embedded_text(context: str, text: str) -> str:
    """What the model embeds of a chunk: title and heading path, then the text."""
    return f"{context}{text.strip()}"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read and cut. ``digest`` and ``reader`` are as :class:`KnownFile` has them."""

    source: SourceFile
    digest: str
    reader: str
    document: Document
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True, repr=False)
class FileReport(Value):
    """What became of one file.

    Attributes:
        status: "read", "partial" (something could not be read), "refused", "unchanged", "moved" (stored before, under
            a path that is gone), "duplicate" (its content is stored under another path too), or "removed".
        reason: why it is partial (the first warning) or refused; None otherwise.
        other: the path it moved from, or that has the same content.
        kept: True when what the refused file held before keeps answering.
        warnings: all that could not be read, also of an unchanged file.
        pages: pages with text. recognized: those of them that were read by OCR. empty: pages without text. Both are
            1-based physical pages. described: pictures that a model described.
        chunks: chunks stored. seconds: wall time spent on it.
    """

    path: Path
    status: Status
    reason: Message | None = None
    pages: int = 0
    chunks: int = 0
    seconds: float = 0.0
    recognized: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()
    warnings: tuple[Message, ...] = ()
    other: Path | None = None
    kept: bool = False
    described: int = 0

    @classmethod
    def of(cls, path: Path, document: Document, chunks: int) -> Self:
        """What reading a file gave, as it is said of it from then on: its status is "unchanged"."""
        with_text = {page.number for page in document.pages if page.text.strip()}
        return cls(
            path,
            "unchanged",
            pages=len(with_text),
            chunks=chunks,
            recognized=tuple(page.number for page in document.pages if page.ocr and page.text.strip()),
            empty=tuple(page.number for page in document.pages if page.number not in with_text),
            warnings=document.warnings,
            described=sum(page.described for page in document.pages),
        )

    @property
    def needs_password(self) -> bool:
        """True when a password may open what was refused."""
        return self.reason is not None and self.reason.key in ("file.password_needed", "file.wrong_password")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the storage remembers of a file.

    Attributes:
        size, modified_ns: as they were when it was read; -1 where they can't be trusted.
        digest: SHA-256 of the content, hexadecimal; empty where it was never read to its end.
        reader: what read it, see :class:`ingest.changes.Readers`.
        report: what became of it; its status is "unchanged", or "refused".
    """

    size: int
    modified_ns: int
    digest: str
    reader: str
    report: FileReport

    @property
    def is_stored(self) -> bool:
        """Whether it answers questions, be it with an earlier version."""
        return self.report.status != "refused" or self.report.kept


@dataclass(frozen=True, slots=True, repr=False)
class IngestReport(Value):
    """What became of all files of one run, in the order they were met."""

    files: tuple[FileReport, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """True when every file was read whole (or was so before)."""
        return all(file.status not in ("partial", "refused") for file in self.files)


@dataclass(frozen=True, slots=True, repr=False)
class Progress(Value):
    """How far a run is.

    Attributes:
        path: the file at work.
        files_done, files_total, pages, chunks: counts so far.
        fraction: work done, 0–1, by the size of the files.
        seconds: since the run began; ``seconds_left`` is None until it can be told.
        recognizing: (pages done, pages in all) while pages of the file at work are recognized.
        describing: (pictures done, pictures in all) while pictures of the file at work are described.
        report: set when the file at work has just been finished.
    """

    path: Path
    files_done: int
    files_total: int
    pages: int
    chunks: int
    fraction: float
    seconds: float
    report: FileReport | None = None
    recognizing: tuple[int, int] | None = None
    describing: tuple[int, int] | None = None

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the rate so far."""
        if self.fraction < 0.02 or self.seconds < 1:
            return None
        return self.seconds * (1 - self.fraction) / self.fraction

    @property
    def chunks_per_second(self) -> float:
        """Rate since the run began."""
        return self.chunks / self.seconds if self.seconds else 0.0
