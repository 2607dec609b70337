"""PDF: PDFium reads pages, outline and labels; pypdf reads what PDFium cannot, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import DamagedFile, EncryptedFile, NoText
from ..messages import Message, message
from ..types import Document, Heading, Limits, Page
from .building import join_wrapped_lines, ranges
from .files import read_bytes
from .limits import check_pages
from .pdf_layout import Block, blocks
from .pdf_lines import HYPHEN, Facts, RawPage
from .pdf_outline import body_size, heading_sizes, headings_by_outline, headings_by_size
from .pdf_pdfium import FirstReader, open_first
from .pdf_pypdf import SecondReader
from .pdf_quality import needs_ocr
from .pdf_running import without_running
from .pdf_text import normalize, resolve_hyphens


def load(path: Path, limits: Limits | None = None, *, password: str | None = None) -> Document:
    """Read a PDF page by page.

    Args:
        password: what opens an encrypted file; an owner password alone keeps none from being read.

    Raises:
        EncryptedFile: it needs a password, or another one. DamagedFile: neither reader can open it.
        NoText: no page has text (a scan). OverLimit: more pages than ``limits.pages``.
        Unreadable: see :func:`read_bytes`.
    """
    limits = limits or Limits()
    data = read_bytes(path)
    second = SecondReader(data, password)
    raw, facts = _read(data, password, second, limits)
    pages = _pages(raw, facts)
    failed = [number for number, one in enumerate(raw, 1) if one is None]
    empty = [page.number for page in pages if not page.text and page.number not in failed]
    if not any(page.text for page in pages):
        raise NoText("file.scan" if empty else "file.no_text")
    garbled = [
        page.number for page, one in zip(pages, raw, strict=True) if page.text and one and needs_ocr(one.text, page)
    ]
    title = facts.title if not _is_file_name(facts.title) else ""
    return Document(title or path.stem, "pdf", pages, tuple(_warnings(failed, empty, garbled, facts.attachments)))


def _read(
    data: bytes, password: str | None, second: SecondReader, limits: Limits
) -> tuple[list[RawPage | None], Facts]:
    """All pages, None where no reader could read one, and what the file says about itself."""
    first = open_first(data, password)
    if isinstance(first, FirstReader):
        try:
            check_pages(first.pages, limits)
            raw = [_page(first.page(index), index, second) for index in range(first.pages)]
            facts = first.facts()
        finally:
            first.close()
        if raw:
            return raw, facts
        cause = "no pages"
    elif first == "password":
        raise EncryptedFile("file.encrypted" if password is None else "file.wrong_password")
    else:
        cause = first
    if not second.pages:
        raise DamagedFile("file.damaged", format="PDF", cause=cause)
    check_pages(second.pages, limits)
    return [second.page(index) for index in range(second.pages)], second.facts()


def _page(read: RawPage | None, index: int, second: SecondReader) -> RawPage | None:
    """What the first reader read, unless the second one reads more of it."""
    if read is not None and (read.blank or not _suspect(read.text)):
        return read
    other = second.page(index)
    if other is None or (read is not None and _suspect(other.text)):
        return read
    return other


def _suspect(text: str) -> bool:
    return needs_ocr(text, Page(1, text))


def _pages(raw: Sequence[RawPage | None], facts: Facts) -> tuple[Page, ...]:
    body = body_size(raw)
    laid: list[list[Block]] = []
    for index, page in enumerate(without_running(raw)):
        titles = {"".join(title.split()) for _, title in facts.outline.get(index, ())}
        if page is None:
            laid.append([])
        elif page.lines or not page.text.strip():
            laid.append(blocks(page.lines, titles, body))
        elif raw[index] is not None and raw[index].lines:  # type: ignore[union-attr]  # nothing but running lines
            laid.append([])
        else:
            joined = join_wrapped_lines(_plain(page.text), titles)
            laid.append([Block(line, 0.0, row=False) for line in joined.split("\n")] if joined else [])
    texts = resolve_hyphens(["\n".join(block.text for block in page) for page in laid])
    sizes = heading_sizes(laid, body) if not facts.outline else []
    made = []
    for index, (page_blocks, text) in enumerate(zip(laid, texts, strict=True)):
        headings: list[Heading] = []
        if index in facts.outline:
            headings = headings_by_outline(text, facts.outline[index])
        elif sizes and text:
            headings = headings_by_size(page_blocks, text, sizes, body)
        label = facts.labels[index] if index < len(facts.labels) else ""
        made.append(Page(index + 1, text, label if label and label != str(index + 1) else None, tuple(headings)))
    return tuple(made)


def _plain(text: str) -> str:
    return HYPHEN.join(normalize(part) for part in text.split(HYPHEN))


def _warnings(failed: list[int], empty: list[int], garbled: list[int], attachments: Sequence[str]) -> list[Message]:
    made: list[Message] = []
    if failed:
        made.append(message("file.pages_failed", pages=ranges(failed)))
    if empty:
        made.append(message("file.pages_without_text", pages=ranges(empty)))
    if garbled:
        made.append(message("file.pages_garbled", pages=ranges(garbled)))
    if attachments:
        made.append(message("file.attachments", names=", ".join(attachments)))
    return made


def _is_file_name(title: str) -> bool:
    """Metadata titles are often what the word processor was fed: "Microsoft Word - report_v3.doc"."""
    return (
        not title
        or bool(re.search(r"\.(docx?|pdf|indd|qxd|tex|dvi|xlsx?|pptx?)$", title, re.IGNORECASE))
        or (title.lower() in ("untitled", "无标题", "untitled document"))
    )
