"""PDF: pypdfium2 reads the text, pypdf the outline, labels and metadata, and pages that pypdfium2 cannot.

The only pypdfium2 and pypdf imports. pypdfium2 reads 6–25 times as many pages a second with the same text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DamagedFile, EncryptedFile, NoText
from ..messages import Message, message
from ..types import Document, Heading, Limits, Page
from .building import join_wrapped_lines, one_line
from .files import read_bytes
from .limits import check_pages

if TYPE_CHECKING:
    import pypdf
    import pypdfium2

_HYPHEN = re.compile("[\x02\ufffe]\n?")  # how PDFium writes a hyphen that only the line's end made
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD


@dataclass(frozen=True, slots=True)
class _Outline:
    """What pypdf knows: headings by 0-based page as (level, title), page labels, the document's title."""

    headings: dict[int, list[tuple[int, str]]]
    labels: list[str]
    title: str


def load(path: Path, limits: Limits) -> Document:
    """Read a PDF page by page.

    Raises:
        EncryptedFile: it needs a password. DamagedFile: neither reader can open it.
        NoText: no page has text (a scan). OverLimit: it has too many pages.
        Unreadable: see :func:`read_bytes`.
    """
    data = read_bytes(path)
    reader = _open_pypdf(data)
    texts = _page_texts(data, reader, limits)
    outline = _outline(reader)
    failed = [number for number, text in enumerate(texts, 1) if text is None]
    pages = tuple(_page(index, text or "", outline) for index, text in enumerate(texts))
    empty = [page.number for page in pages if not page.text and page.number not in failed]
    if not any(page.text for page in pages):
        raise NoText("file.scan" if empty else "file.no_text")
    warnings: list[Message] = []
    if failed:
        warnings.append(message("file.pages_failed", pages=_ranges(failed)))
    if empty:
        warnings.append(message("file.pages_without_text", pages=_ranges(empty)))
    title = outline.title if not _is_file_name(outline.title) else ""
    return Document(title or path.stem, "pdf", pages, tuple(warnings))


def _page_texts(data: bytes, reader: pypdf.PdfReader | None, limits: Limits) -> list[str | None]:
    """Text of every page, None where no reader could read it."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise EncryptedFile("file.encrypted") from error
        if reader is None:
            raise DamagedFile("file.damaged", format="PDF", cause=error) from error
        check_pages(len(reader.pages), limits)
        return [_pypdf_text(reader, index) for index in range(len(reader.pages))]
    try:
        check_pages(len(document), limits)
        return [_pdfium_text(document, reader, index) for index in range(len(document))]
    finally:
        document.close()


def _pdfium_text(document: pypdfium2.PdfDocument, reader: pypdf.PdfReader | None, index: int) -> str | None:
    import pypdfium2

    try:
        page = document[index]
        try:
            text_page = page.get_textpage()
            try:
                text = str(text_page.get_text_range(errors="replace"))
            finally:
                text_page.close()
        finally:
            page.close()
    except pypdfium2.PdfiumError:
        return _pypdf_text(reader, index) if reader is not None else None
    return _clean(text)


def _pypdf_text(reader: pypdf.PdfReader, index: int) -> str | None:
    try:
        return _clean(reader.pages[index].extract_text())
    except _pypdf_failures():
        return None


def _clean(text: str) -> str:
    return _HYPHEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))


def _open_pypdf(data: bytes) -> pypdf.PdfReader | None:
    """A reader, or None where pypdf can't open the file; it then lends neither outline nor labels."""
    import io

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it finds odd is in our report where it matters
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return None
        len(reader.pages)
    except _pypdf_failures():
        return None
    return reader


def _outline(reader: pypdf.PdfReader | None) -> _Outline:
    if reader is None:
        return _Outline({}, [], "")
    headings: dict[int, list[tuple[int, str]]] = {}
    labels: list[str] = []
    title = ""
    try:
        for level, item in _flatten(reader.outline, 1):
            page = reader.get_destination_page_number(item)
            if page is not None and item.title:
                headings.setdefault(page, []).append((level, one_line(str(item.title))))
        labels = list(reader.page_labels)
        title = one_line(str((reader.metadata and reader.metadata.title) or ""))
    except _pypdf_failures():  # a broken outline costs the headings after the break, nothing else
        pass
    return _Outline(headings, labels, title)


def _flatten(items: list[Any], level: int) -> Iterator[tuple[int, Any]]:
    for item in items:
        if isinstance(item, list):
            yield from _flatten(item, level + 1)
        else:
            yield level, item


def _page(index: int, raw: str, outline: _Outline) -> Page:
    text = join_wrapped_lines(raw, [title for _, title in outline.headings.get(index, [])])
    label = outline.labels[index] if index < len(outline.labels) else ""
    headings: list[Heading] = []
    cursor = 0
    for level, title in outline.headings.get(index, []):
        start = _find_line(text, title, cursor)
        if start is None:
            start = cursor if headings else 0
        headings.append(Heading(start, level, title))
        cursor = start
    number = index + 1
    return Page(number, text, label if label and label != str(number) else None, tuple(headings))


def _find_line(text: str, title: str, cursor: int) -> int | None:
    """Where the heading begins a line of the page's text, white space aside."""
    pattern = r"\s*".join(re.escape(char) for char in title if not char.isspace())
    match = re.compile(f"^{pattern}", re.MULTILINE).search(text, cursor)
    return match.start() if match else None


def _is_file_name(title: str) -> bool:
    """Metadata titles are often what the word processor was fed: "Microsoft Word - report_v3.doc"."""
    return (
        not title
        or bool(re.search(r"\.(docx?|pdf|indd|qxd|tex|dvi|xlsx?|pptx?)$", title, re.IGNORECASE))
        or (title.lower() in ("untitled", "无标题", "untitled document"))
    )


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] → "1–3, 7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}–{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _pypdf_failures() -> tuple[type[Exception], ...]:
    """What pypdf raises on files that break the specification: its own errors, and plain ones from deep inside."""
    from pypdf.errors import DependencyError, PyPdfError

    return (
        PyPdfError,
        DependencyError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        AssertionError,
        NotImplementedError,
        RecursionError,
        OverflowError,
        ArithmeticError,
        OSError,
    )
