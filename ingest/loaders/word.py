"""Word documents; the only python-docx import.

The body is walked element by element: python-docx's own paragraphs and rows pass over content controls, and over what
stands in nested tables, text boxes and footnotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DamagedFile, NoText
from ..types import Document, Limits
from .building import PageBuilder, one_line
from .limits import check_pages
from .packages import PARSER_FAILURES, embedded_pictures, refuse_ole
from .pictures import Pictures
from .strict import as_usual
from .tables import Row, table

if TYPE_CHECKING:
    from docx.document import Document as Source

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BRANCH = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_WRAPPERS = {f"{_W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo")}
_UNSEEN = {f"{_W}{name}" for name in ("del", "moveFrom", "txbxContent")} | {_BRANCH}
"""Deleted text; text boxes, which are read after their paragraph; what is drawn where a feature is not understood."""
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def load(path: Path, limits: Limits, pictures: Pictures | None = None) -> Document:
    """Read a DOCX file in reading order: headings, paragraphs, lists, tables, text boxes, footnotes below their page.

    Pages begin at explicit page breaks and where Word last broke them; a file with neither is one page. Tracked
    changes are read as accepted; hidden text, headers and footers are not read.

    Args:
        pictures: collects those of the body; a table's come where it ends.

    Raises:
        DamagedFile, EncryptedFile, NoText, OverLimit, Unreadable.
    """
    import docx
    from docx.opc.exceptions import OpcError

    failures: tuple[type[Exception], ...] = (OpcError, *PARSER_FAILURES)
    pictures = pictures or Pictures()
    refuse_ole(path)
    try:
        source = docx.Document(as_usual(path))
        reader = _Reader(_style_names(source), _notes(source))
        reader.read(source.element.body)
        pages = reader.builder.pages()
        pictures.add_files(_embedded(source, reader.pictures))
        title = source.core_properties.title
    except failures as error:
        raise DamagedFile("file.damaged", format="DOCX", cause=error) from error
    check_pages(len(pages), limits)
    if not any(page.text.strip() for page in pages) and not pictures.found:
        raise NoText("file.no_text")
    first = next((heading.text for page in pages for heading in page.headings), "")
    notes = tuple(pictures.warnings)
    return Document((title or first or path.stem).strip(), "docx", pages, notes, pictures.found)


class _Reader:
    """Walks a document into pages.

    Args:
        styles: style id → name. notes: id of a footnote or endnote, "f3" or "e3" → its text.
    """

    def __init__(self, styles: dict[str, str], notes: dict[str, str]) -> None:
        self.builder = PageBuilder()
        self.pictures: list[tuple[int, int, str]] = []  # page, offset in its text, relationship id
        self._styles = styles
        self._notes = notes
        self._noted: list[str] = []

    def read(self, body: Any) -> None:
        for block in _blocks(body):
            if block.tag == f"{_W}p":
                self._paragraph(block)
            else:
                self._table(block)
        self._write_notes()

    def _paragraph(self, paragraph: Any) -> None:
        style = self._styles.get(_value(paragraph, "pPr/pStyle"), "")
        drawn: dict[int, list[str]] = {}
        before, *rest = _split_at_page_breaks(paragraph, drawn)
        self._block(style, before)
        self._draw(drawn.get(0, ()))
        for number, part in enumerate(rest, 1):
            self._write_notes()
            self.builder.page_break()
            self._block(style, part)
            self._draw(drawn.get(number, ()))
        self._note(paragraph)
        for box in _text_boxes(paragraph):
            for block in _blocks(box):
                if block.tag == f"{_W}p":
                    self._paragraph(block)
                else:
                    self._table(block)

    def _block(self, style: str, text: str) -> None:
        if match := _HEADING.fullmatch(style):
            self.builder.heading(int(match[1]), text)
        elif style == "Title":
            self.builder.heading(1, text)
        elif style.startswith("List"):
            self.builder.item(f"- {text}" if text.strip() else "")
        else:
            self.builder.paragraph(text)

    def _table(self, element: Any) -> None:
        rows = [Row(number, tuple(cells)) for number, cells in enumerate(_rows(element), 1)]
        for line in table(rows).text.split("\n"):
            self.builder.item(line)
        self._draw(embedded_pictures(element))
        self._note(element)

    def _draw(self, identifiers: Iterable[str]) -> None:
        self.pictures += [(*self.builder.place, identifier) for identifier in identifiers]

    def _note(self, element: Any) -> None:
        for kind, name in (("f", "footnoteReference"), ("e", "endnoteReference")):
            for reference in element.iter(f"{_W}{name}"):
                text = self._notes.get(kind + reference.get(f"{_W}id", ""), "")
                if text:
                    self._noted.append(text)

    def _write_notes(self) -> None:
        for text in self._noted:
            self.builder.paragraph(text)
        self._noted = []


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables, those in content controls and the like included."""
    for child in parent:
        if child.tag in (f"{_W}p", f"{_W}tbl"):
            yield child
        elif child.tag in _WRAPPERS:
            yield from _blocks(child)


def _seen(parent: Any) -> Iterator[Any]:
    """All elements of a paragraph that are read with it, in order."""
    for child in parent:
        if child.tag in _UNSEEN or (child.tag == f"{_W}r" and _is_hidden(child)):
            continue
        yield child
        yield from _seen(child)


def _is_hidden(run: Any) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    return mark is not None and mark.get(f"{_W}val", "true") not in ("0", "false", "off")


def _split_at_page_breaks(paragraph: Any, drawn: dict[int, list[str]] | None = None) -> list[str]:
    """The paragraph's text, cut where a page ends inside it.

    Args:
        drawn: takes the relationship ids of the pictures in it, part → ids.
    """
    parts = [""]
    for element in _seen(paragraph):
        if element.tag == f"{_W}t":
            parts[-1] += element.text or ""
        elif element.tag == f"{_W}noBreakHyphen":
            parts[-1] += "-"
        elif element.tag == f"{_W}tab":
            parts[-1] += "\t" if element.getparent().tag == f"{_W}r" else ""
        elif element.tag == f"{_W}br" and element.get(f"{_W}type") == "page":
            parts.append("")
        elif element.tag in (f"{_W}br", f"{_W}cr"):
            parts[-1] += "\n"
        elif element.tag == f"{_W}drawing" and drawn is not None:
            drawn.setdefault(len(parts) - 1, []).extend(embedded_pictures(element))
        elif element.tag == f"{_W}lastRenderedPageBreak" and _starts_page(parts):
            parts.append("")
    return parts


def _starts_page(parts: list[str]) -> bool:
    """False right after an explicit break, which Word notes a second time."""
    return len(parts) == 1 or bool(parts[-1].strip())


def _text_boxes(paragraph: Any) -> Iterator[Any]:
    """Text boxes anchored in the paragraph, the drawing for old programs left out."""
    for child in paragraph:
        if child.tag == f"{_W}txbxContent":
            yield child
        elif child.tag != _BRANCH:
            yield from _text_boxes(child)


def _rows(element: Any) -> Iterator[list[str]]:
    """The cells of each row on the table's grid, so that each stands under its header.

    A cell over several columns is followed by empty ones, one over several rows stands in each of them.
    """
    above: list[str] = []
    for row in _parts(element, "tr"):
        cells: list[str] = []
        for cell in _parts(row, "tc"):
            merged = cell.find(f"{_W}tcPr/{_W}vMerge")
            goes_on = merged is not None and merged.get(f"{_W}val", "continue") == "continue"
            at = len(cells)
            cells.append(above[at] if goes_on and at < len(above) else _cell(cell))
            span = _value(cell, "tcPr/gridSpan")
            cells += [""] * (min(int(span), 64) - 1 if span.isdecimal() else 0)
        above = cells
        yield cells


def _cell(cell: Any) -> str:
    """The text of a cell on one line, a table inside it row by row."""
    parts: list[str] = []
    for block in _blocks(cell):
        if block.tag == f"{_W}p":
            parts.append(" ".join(_split_at_page_breaks(block)))
            parts += [_cell(box) for box in _text_boxes(block)]
        else:
            parts += ["; ".join(filter(None, row)) for row in _rows(block)]
    return one_line(" ".join(parts))


def _parts(parent: Any, name: str) -> Iterator[Any]:
    for child in parent:
        if child.tag == f"{_W}{name}":
            yield child
        elif child.tag in _WRAPPERS:
            yield from _parts(child, name)


def _value(element: Any, path: str) -> str:
    found = element.find("/".join(f"{_W}{step}" for step in path.split("/")))
    return str(found.get(f"{_W}val", "")) if found is not None else ""


def _embedded(source: Source, drawn: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, bytes]]:
    """The files behind pictures; what is no part of the document is passed over."""
    for page, at, identifier in drawn:
        if part := source.part.related_parts.get(identifier):
            yield page, at, part.blob


def _style_names(source: Source) -> dict[str, str]:
    return {style.style_id: style.name or "" for style in source.styles}


def _notes(source: Source) -> dict[str, str]:
    """Footnotes and endnotes; python-docx knows the parts only as bytes."""
    from docx.oxml import parse_xml

    notes: dict[str, str] = {}
    for relation in source.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("footnotes", "endnotes") and not relation.is_external:
            for note in parse_xml(relation.target_part.blob):
                if note.get(f"{_W}type") in (None, "normal"):  # others are separators
                    notes[kind[0] + note.get(f"{_W}id", "")] = _cell(note)
    return notes
