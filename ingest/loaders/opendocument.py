"""OpenDocument: ODT text, ODS sheets, ODP slides, straight from their content.xml."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DamagedFile, EncryptedFile, NoText
from ..types import Document, Heading, Page
from .building import PageBuilder, one_line
from .packages import attribute, local, open_package, parse_xml, read_part
from .tables import Row, table

if TYPE_CHECKING:
    from .packages import Element

_MOST_REPEATED = 1000  # cells or rows; the sheet's unused rest is written as one repeated a million times
_UNSEEN = ("annotation", "annotation-end", "tracked-changes", "forms", "sequence-decls", "settings", "note-citation")


def load(path: Path) -> Document:
    """Read an OpenDocument file.

    Raises:
        DamagedFile, EncryptedFile, NoText, Unreadable.
    """
    kind = path.suffix.lower().lstrip(".")
    with open_package(path, kind.upper()) as package:
        title = _title(package)
        content = parse_xml(read_part(package, "content.xml"))
        body = next((one for one in content.iter() if local(one) == "body"), None)
        root = None if body is None else next((one for one in body if local(one)), None)
        if root is None:
            raise DamagedFile("file.damaged", format=kind.upper(), cause="content.xml")
        match local(root):
            case "spreadsheet":
                pages = tuple(_sheets(root))
            case "presentation":
                pages = tuple(_slide(number, page) for number, page in enumerate(_children(root, "page"), 1))
            case _:
                builder = PageBuilder()
                _fill(builder, root, _page_breaking(content))
                pages = builder.pages()
    if not any(page.text.strip() for page in pages):
        raise NoText("file.no_text")
    first = next((heading.text for page in pages for heading in page.headings if page.kind != "sheet"), "")
    return Document(title or first or path.stem, kind, pages)


def _title(package: zipfile.ZipFile) -> str:
    """The title in the metadata.

    Raises:
        EncryptedFile: the manifest says that parts are encrypted.
    """
    names = set(package.namelist())
    if "META-INF/manifest.xml" in names:
        manifest = parse_xml(read_part(package, "META-INF/manifest.xml"), recover=True)
        if any(local(one) == "encryption-data" for one in manifest.iter()):
            raise EncryptedFile("file.encrypted")
    if "meta.xml" not in names:
        return ""
    meta = parse_xml(read_part(package, "meta.xml"), recover=True)
    return one_line(next((one.text or "" for one in meta.iter() if local(one) == "title"), ""))


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if local(child) == name)


def _page_breaking(content: Element) -> set[str]:
    """Names of the paragraph styles that begin a page."""
    return {
        attribute(style, "name")
        for style in content.iter()
        if local(style) == "style"
        and (
            attribute(style, "master-page-name")
            or any(attribute(one, "break-before") == "page" for one in style if local(one) == "paragraph-properties")
        )
    }


def _fill(builder: PageBuilder, element: Element, breaking: set[str], depth: int = 0) -> None:
    """Put what stands below ``element`` into ``builder``; ``depth`` counts the lists around."""
    for child in element:
        name = local(child)
        if name in ("p", "h", "table", "list") and attribute(child, "style-name") in breaking and not builder.blank:
            builder.page_break()
        if name == "h":
            builder.heading(int(attribute(child, "outline-level") or 1), _text(child))
        elif name == "p":
            _paragraph(builder, child, depth)
        elif name == "list":
            for item in child:
                _fill(builder, item, breaking, depth + 1)
        elif name == "table":
            for row in child.iter():
                if local(row) == "table-row":
                    builder.row(_text(cell) for cell in _children(row, "table-cell"))
        elif name == "soft-page-break":
            if not builder.blank:
                builder.page_break()
        elif name and name not in _UNSEEN:
            _fill(builder, child, breaking, depth)


def _paragraph(builder: PageBuilder, element: Element, depth: int) -> None:
    """A paragraph or list item, cut where a page ends inside it."""
    for index, text in enumerate(_text(element, "\f").split("\f")):
        if index and not builder.blank:
            builder.page_break()
        if depth:
            builder.item("  " * (depth - 1) + ("" if index else "- ") + text.strip() if text.strip() else "")
        else:
            builder.paragraph(text.strip())


def _text(element: Element, page_break: str = "") -> str:
    """The text a reader sees inside an element, footnotes in brackets; white space folded as ODF says."""
    parts: list[str] = []

    def walk(one: Element) -> None:
        name = local(one)
        if name in _UNSEEN or not name:
            return
        if name in ("p", "h") and parts and one is not element:
            parts.append("\n")
        parts.append({"s": " ", "tab": " ", "line-break": "\n", "soft-page-break": page_break}.get(name, ""))
        if name == "note":
            parts.append(" [")
        parts.append(" ".join((one.text or "").split("\n")))
        for child in one:
            walk(child)
            parts.append(" ".join((child.tail or "").split("\n")))
        if name == "note":
            parts.append("]")

    walk(element)
    lines = "".join(parts).replace("\f", "\n\f\n").split("\n") if page_break else "".join(parts).split("\n")
    return "\n".join("\f" if line == "\f" else one_line(line) for line in lines).strip("\n ")


def _sheets(root: Element) -> Iterator[Page]:
    for number, sheet in enumerate(_children(root, "table"), 1):
        made = table(_rows(sheet))
        name = attribute(sheet, "name")
        headings = (Heading(0, 1, name),) if made.text and name else ()
        yield Page(number, made.text, name or None, headings, "sheet", made.lines, made.columns)


def _rows(sheet: Element) -> Iterator[Row]:
    number = 1
    for row in sheet.iter():
        if local(row) != "table-row":
            continue
        repeated = int(attribute(row, "number-rows-repeated") or 1)
        cells: list[str] = []
        for cell in row:
            if local(cell) in ("table-cell", "covered-table-cell"):
                text = one_line(_text(cell))
                times = int(attribute(cell, "number-columns-repeated") or 1)
                cells += [text] * min(times, _MOST_REPEATED)
        if any(cells):
            for offset in range(min(repeated, _MOST_REPEATED)):
                yield Row(number + offset, tuple(cells))
        number += repeated


def _slide(number: int, page: Element) -> Page:
    """Title, then the other frames as the file has them, then the notes."""
    builder = PageBuilder()
    titles = [one for one in page.iter() if attribute(one, "class") == "title" and local(one) == "frame"]
    for title in titles:
        builder.heading(1, _text(title))
    for child in page:
        if child not in titles and local(child) != "notes":
            _fill(builder, child, set())
    for notes in _children(page, "notes"):
        for frame in notes:
            if attribute(frame, "class") == "notes":
                _fill(builder, frame, set())
    (made,) = builder.pages()
    return replace(made, number=number, kind="slide")
