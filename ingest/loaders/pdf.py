"""PDF: PDFium reads pages, outline and labels; pypdf and OCR read what PDFium cannot, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import DamagedFile, EncryptedFile, NoText
from ..messages import Message, message
from ..recognition import Recognition
from ..types import Document, Heading, Limits, Page
from .building import join_wrapped_lines, ranges
from .files import read_bytes
from .limits import check_pages
from .pdf_layout import Block, blocks
from .pdf_lines import HYPHEN, Facts, RawPage
from .pdf_ocr import pictured, recognize_pages
from .pdf_outline import body_size, heading_sizes, headings_by_outline, headings_by_size
from .pdf_pdfium import FirstReader, open_first
from .pdf_pictures import collect
from .pdf_pypdf import SecondReader
from .pdf_quality import is_sparse, needs_ocr
from .pdf_running import without_running
from .pdf_text import normalize, resolve_hyphens
from .pictures import Pictures


def load(
    path: Path,
    limits: Limits | None = None,
    *,
    passwords: Sequence[str] = (),
    recognition: Recognition | None = None,
    pictures: Pictures | None = None,
) -> Document:
    """Read a PDF page by page.

    Args:
        passwords: tried one after the other on an encrypted file; an owner password alone keeps none from being read.
        recognition: reads the pages that are pictures, or whose text is garbage.
        pictures: collects those that are worth describing.

    Raises:
        EncryptedFile: it needs a password, or another one. DamagedFile: neither reader can open it.
        NoText: no page has text, or a picture to be described. OverLimit: more pages than ``limits.pages``.
        Unreadable: see :func:`read_bytes`.
    """
    limits = limits or Limits()
    recognition = recognition or Recognition(limits)
    pictures = pictures or Pictures()
    data = read_bytes(path)
    raw, facts, password = _read(data, passwords, limits)
    read = _pages(raw, facts)
    useless = [page.number for page, one in zip(read, raw, strict=True) if needs_ocr(one.text if one else "", page)]
    sparse = [page.number for page in read if page.number not in useless and is_sparse(page)]
    stamped = [] if recognition.refusal else pictured(data, sparse, password)
    wanted = sorted({*useless, *stamped})
    found = {} if recognition.refusal else dict(recognize_pages(data, wanted, recognition, password))
    pages = tuple(_better(page, found.get(page.number, ""), page.number in useless, facts) for page in read)
    missed = [number for number in wanted if number not in found]
    collect(data, pages, pictures, password)
    if not any(page.text for page in pages) and not pictures.found:
        if all(one is None for one in raw):
            raise DamagedFile("file.damaged", format="PDF", cause=f"pages {ranges(useless)}")
        if wanted and recognition.refusal:
            raise NoText("file.scan", reason=recognition.refusal)
        if missed and recognition.is_spent:
            raise NoText("ocr.budget", pages=ranges(missed), most=recognition.budget)
        raise NoText("file.blank_pages" if wanted else "file.no_text")
    title = facts.title if not _is_file_name(facts.title) else ""
    notes = (*_warnings(raw, pages, missed, recognition, facts), *pictures.warnings)
    return Document(title or path.stem, "pdf", pages, notes, pictures.found)


def _read(data: bytes, passwords: Sequence[str], limits: Limits) -> tuple[list[RawPage | None], Facts, str | None]:
    """All pages, None where no reader could read one; what the file says about itself; the password that opened it."""
    for password in (None, *passwords):
        first = open_first(data, password)
        if first != "password":
            break
    second = SecondReader(data, password)
    if isinstance(first, FirstReader):
        try:
            check_pages(first.pages, limits)
            raw = [_page(first.page(index), index, second) for index in range(first.pages)]
            facts = first.facts()
        finally:
            first.close()
        if raw:
            return raw, facts, password
        cause = "no pages"
    elif first == "password":
        raise EncryptedFile("file.wrong_password" if passwords else "file.password_needed")
    else:
        cause = first
    if not second.pages:
        raise DamagedFile("file.damaged", format="PDF", cause=cause)
    check_pages(second.pages, limits)
    return [second.page(index) for index in range(second.pages)], second.facts(), password


def _better(page: Page, recognized: str, useless: bool, facts: Facts) -> Page:
    """The page with what was recognized on it, if its own text is useless or no more than a stamp on that."""
    if not recognized or not (useless or _letters(recognized) > 2 * _letters(page.text)):
        return page
    headings = headings_by_outline(recognized, facts.outline.get(page.number - 1, ()))
    return replace(page, text=recognized, headings=tuple(headings), ocr=True)


def _letters(text: str) -> int:
    return len("".join(text.split()))


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


def _warnings(
    raw: Sequence[RawPage | None],
    pages: Sequence[Page],
    missed: Sequence[int],
    recognition: Recognition,
    facts: Facts,
) -> Iterator[Message]:
    """What was not read.

    Args:
        missed: pages that should have been recognized and were not; one that was looked at and has no text is
            nobody's loss.
    """
    failed = [page.number for page, one in zip(pages, raw, strict=True) if one is None and not page.ocr]
    garbled = [
        page.number
        for page, one in zip(pages, raw, strict=True)
        if page.text and not page.ocr and one and needs_ocr(one.text, page)
    ]
    missed = [number for number in missed if number not in (*failed, *garbled)]
    if failed:
        yield message("file.pages_failed", pages=ranges(failed))
    if missed and recognition.refusal:
        yield message("file.pages_without_text", pages=ranges(missed), reason=recognition.refusal)
    elif missed and recognition.is_spent:
        yield message("ocr.budget", pages=ranges(missed), most=recognition.budget)
    elif missed:
        yield message("file.pages_not_drawn", pages=ranges(missed))
    if garbled:
        yield message("file.pages_garbled", pages=ranges(garbled))
    if facts.xfa:
        yield message("file.xfa")
    if facts.attachments:
        yield message("file.attachments", names=", ".join(facts.attachments))


def _is_file_name(title: str) -> bool:
    """Metadata titles are often what the word processor was fed: "Microsoft Word - report_v3.doc"."""
    return (
        not title
        or bool(re.search(r"\.(docx?|pdf|indd|qxd|tex|dvi|xlsx?|pptx?)$", title, re.IGNORECASE))
        or (title.lower() in ("untitled", "无标题", "untitled document"))
    )
