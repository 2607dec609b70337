"""PowerPoint presentations; the only python-pptx import. A page a slide, in reading order, the notes at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DamagedFile, NoText
from ..messages import Message, message
from ..types import Document, Page
from .building import PageBuilder, one_line, ranges
from .packages import PARSER_FAILURES, attribute, embedded_pictures, local, parse_xml, refuse_ole
from .pictures import Pictures
from .strict import as_usual
from .tables import show

if TYPE_CHECKING:
    from pptx.slide import Slide

_TITLE_LENGTH = 80
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"


def load(path: Path, pictures: Pictures | None = None) -> Document:
    """Read a presentation: titles, text, tables, charts' numbers, diagrams' texts and notes; hidden slides too.

    Args:
        pictures: collects those on the slides, not those of their layouts.

    Raises:
        DamagedFile, EncryptedFile, Unreadable. NoText: no slide has text, or a picture to be described.
    """
    from pptx.exc import PythonPptxError
    from pptx.package import Package

    failures: tuple[type[Exception], ...] = (PythonPptxError, *PARSER_FAILURES)
    refuse_ole(path)
    try:
        part: Any = Package.open(as_usual(path)).main_document_part
        presentation = part.presentation  # pptx.Presentation() would refuse .ppsx
        title = one_line(presentation.core_properties.title or "")
        identifiers = presentation.part._element.sldIdLst
        identifiers = [] if identifiers is None else list(identifiers)
    except failures as error:
        raise DamagedFile("file.damaged", format="PPTX", cause=error) from error
    pictures = pictures or Pictures()
    pages: list[Page] = []
    failed: list[int] = []
    bare: list[int] = []
    for number, identifier in enumerate(identifiers, 1):
        try:
            slide = presentation.part.related_slide(identifier.rId)
            page = _page(number, slide)
            pictures.add_files(_pictures(slide, number))
            if not page.text and _has_picture(slide.shapes) and not pictures.are_on(number):
                bare.append(number)
        except failures:
            failed.append(number)
            page = Page(number, "", kind="slide")
        pages.append(page)
    if not any(page.text for page in pages) and not pictures.found:
        if failed:
            raise DamagedFile("file.damaged", format="PPTX", cause=f"slides {ranges(failed)}")
        raise NoText("file.slides_are_pictures" if bare else "file.no_text")
    warnings: list[Message] = []
    if failed:
        warnings.append(message("file.slides_failed", slides=ranges(failed)))
    if bare:
        warnings.append(message("file.slides_without_text", slides=ranges(bare)))
    warnings += pictures.warnings
    first = next((heading.text for page in pages for heading in page.headings), "")
    title = "" if title.lower() in ("powerpoint presentation", "powerpoint 演示文稿") else title
    return Document(title or first or path.stem, "pptx", tuple(pages), tuple(warnings), pictures.found)


def _page(number: int, slide: Slide) -> Page:
    builder = PageBuilder()
    title = slide.shapes.title
    heading = one_line(title.text_frame.text.replace("\v", " ")) if title is not None else ""
    builder.heading(1, heading)
    shapes = [shape for shape in _in_order(slide.shapes) if title is None or shape.shape_id != title.shape_id]
    for shape in shapes:
        if not heading and shape.has_text_frame and shape.text_frame.text.strip():
            heading = one_line(shape.text_frame.text.replace("\v", " "))
            if len(heading) <= _TITLE_LENGTH and len(shape.text_frame.paragraphs) == 1:
                builder.heading(1, heading)  # a slide without a title field: its topmost line, where it is short
                continue
        _shape(builder, shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
            builder.paragraph(_line(paragraph))
    (page,) = builder.pages()
    return replace(page, number=number, kind="slide")


def _in_order(shapes: Iterable[Any]) -> list[Any]:
    """From top to bottom, then left to right; what has no place of its own comes where the file has it."""
    return sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))


def _shape(builder: PageBuilder, shape: Any) -> None:
    if hasattr(shape, "shapes"):  # a group
        for inner in _in_order(shape.shapes):
            _shape(builder, inner)
    elif shape.has_text_frame:
        paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if _line(paragraph).strip()]
        if len(paragraphs) > 1 and shape.is_placeholder:
            for paragraph in paragraphs:
                builder.item("  " * paragraph.level + f"- {_line(paragraph)}")
        else:
            for paragraph in paragraphs:
                builder.paragraph(_line(paragraph))
    elif shape.has_table:
        for row in shape.table.rows:
            builder.row(cell.text for cell in row.cells if not cell.is_spanned)
    elif shape.has_chart:
        for line in _chart(shape.chart):
            builder.item(line)
    else:
        for line in _diagram(shape):
            builder.item(f"- {line}")


def _line(paragraph: Any) -> str:
    return "\n".join(one_line(part) for part in paragraph.text.split("\v"))


def _chart(chart: Any) -> Iterator[str]:
    """The chart's title and its numbers, a line a category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield one_line(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        series = list(plot.series)
        yield " | ".join(["", *(one_line(one.name) for one in series)]).strip()
        for index, category in enumerate(plot.categories):
            values = [one.values[index] if index < len(one.values) else None for one in series]
            yield " | ".join([one_line(str(category)), *(show(value) for value in values)])


def _diagram(shape: Any) -> Iterator[str]:
    """The texts of a SmartArt drawing, a line a point."""
    for element in shape._element.iter(f"{{{_DIAGRAM}}}relIds"):
        data = parse_xml(shape.part.related_part(attribute(element, "dm")).blob)
        for point in data.iter(f"{{{_DIAGRAM}}}pt"):
            text = one_line("".join(one.text or "" for one in point.iter() if local(one) == "t" and one.text))
            if text:
                yield text


def _pictures(slide: Slide, number: int) -> Iterator[tuple[int, int, bytes]]:
    """The files of a slide's pictures, from the top."""
    for shape in _in_order(slide.shapes):
        for identifier in embedded_pictures(shape._element):
            yield number, 0, slide.part.related_part(identifier).blob


def _has_picture(shapes: Iterable[Any]) -> bool:
    from pptx.enum.shapes import MSO_SHAPE_TYPE

    return any(
        _has_picture(shape.shapes) if hasattr(shape, "shapes") else shape.shape_type == MSO_SHAPE_TYPE.PICTURE
        for shape in shapes
    )
