"""``rag-app ask --pages``: the cited pages as pictures, each quote marked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..app import RagApp
from ..errors import NotLocated, RagError, UnknownDocument
from ..page_images import SourceError
from ..types import Answer
from .output import Output
from .shapes import PageJson


class PageError(RagError):
    """A picture can't be written."""


def draw(rag: RagApp, answer: Answer, folder: Path) -> Mapping[int, PageJson]:
    """Write ``1.png`` for citation 1, and so on; returns what became of each.

    Raises:
        PageError: the folder can't be written.
    """
    drawn: dict[int, PageJson] = {}
    for citation in answer.citations:
        note = rag.source_note(citation)
        try:
            image = rag.page_image(citation)
            drawn[citation.number] = {
                "file": _write(folder / f"{citation.number}.png", image.png),
                "rectangles": image.rectangles,
                "note": note or "",
            }
        except (NotLocated, UnknownDocument, SourceError) as error:
            drawn[citation.number] = {"file": None, "rectangles": (), "note": note or error.message}
    return drawn


def show_pages(drawn: Mapping[int, PageJson], output: Output) -> None:
    """Say where the pictures are, and why some are not."""
    output.line()
    for number, page in drawn.items():
        output.line(f"[{number}] {page['file'] or output.plain(page['note'])}", style="dim")


def _write(path: Path, png: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    except OSError as error:
        raise PageError("source.unwritable", path=path, cause=error.strerror or error) from error
    return path.resolve()
