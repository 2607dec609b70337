"""Word documents; the only python-docx import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DamagedFile, NoText
from ..types import Document, Limits
from .building import PageBuilder
from .limits import check_pages
from .packages import PARSER_FAILURES, refuse_ole

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def load(path: Path, limits: Limits) -> Document:
    """Read a DOCX file in reading order: headings, paragraphs, lists and tables.

    Pages begin at explicit page breaks and where Word last broke them; a file with neither is one page.

    Raises:
        DamagedFile, EncryptedFile, NoText, OverLimit, Unreadable.
    """
    import docx
    from docx.opc.exceptions import OpcError
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    failures: tuple[type[Exception], ...] = (OpcError, *PARSER_FAILURES)
    refuse_ole(path)
    builder = PageBuilder()
    try:
        source = docx.Document(str(path))
        for block in source.iter_inner_content():
            if isinstance(block, Paragraph):
                _paragraph(builder, block)
            elif isinstance(block, Table):
                _table(builder, block)
        title = source.core_properties.title
    except failures as error:
        raise DamagedFile("file.damaged", format="DOCX", cause=error) from error
    pages = builder.pages()
    check_pages(len(pages), limits)
    if not any(page.text.strip() for page in pages):
        raise NoText("file.no_text")
    first = next((heading.text for page in pages for heading in page.headings), "")
    return Document((title or first or path.stem).strip(), "docx", pages)


def _paragraph(builder: PageBuilder, paragraph: Paragraph) -> None:
    before, *rest = _split_at_page_breaks(paragraph)
    _block(builder, paragraph, before)
    for part in rest:
        builder.page_break()
        _block(builder, paragraph, part)


def _block(builder: PageBuilder, paragraph: Paragraph, text: str) -> None:
    style = (paragraph.style.name if paragraph.style else "") or ""
    if match := _HEADING.fullmatch(style):
        builder.heading(int(match[1]), text)
    elif style == "Title":
        builder.heading(1, text)
    elif style.startswith("List"):
        builder.item(f"- {text}" if text.strip() else "")
    else:
        builder.paragraph(text)


def _split_at_page_breaks(paragraph: Paragraph) -> list[str]:
    """The paragraph's text, cut where a page ends inside it."""
    parts = [""]
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    for element in paragraph._p.iter():
        if element.tag == f"{word}t":
            parts[-1] += element.text or ""
        elif element.tag == f"{word}tab":
            parts[-1] += "\t" if element.getparent().tag == f"{word}r" else ""
        elif element.tag == f"{word}br" and element.get(f"{word}type") == "page":
            parts.append("")
        elif element.tag in (f"{word}br", f"{word}cr"):
            parts[-1] += "\n"
        elif element.tag == f"{word}lastRenderedPageBreak" and _starts_page(parts):
            parts.append("")
    return parts


def _starts_page(parts: list[str]) -> bool:
    """False right after an explicit break, which Word notes a second time."""
    return len(parts) == 1 or bool(parts[-1].strip())


def _table(builder: PageBuilder, table: Table) -> None:
    for row in table.rows:
        cells: list[str] = []
        seen: set[int] = set()
        for cell in row.cells:  # merged cells come once per column
            if id(cell._tc) not in seen:
                seen.add(id(cell._tc))
                cells.append(cell.text)
        builder.row(cells)
