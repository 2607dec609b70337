"""What the PDF readers hand over: pages as lines with their place, and what the file says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

HYPHEN = "\x02"
"""Ends a line whose hyphen only the line's end may have made, until :func:`pdf_text.resolve_hyphens`."""


class Line(NamedTuple):
    """A line, or the part of one before a wide gap; x grows to the right, y downwards, both in points.

    Attributes:
        turned: it does not run as the page's other lines do (a stamp, the note in a margin).
    """

    text: str
    left: float
    right: float
    top: float
    bottom: float
    turned: bool = False

    @property
    def size(self) -> float:
        """Height, a little more than the font size."""
        return self.bottom - self.top


class RawPage(NamedTuple):
    """A page as a reader gave it.

    Attributes:
        text: all of it, as the reader ordered it.
        lines: the same as lines with their place, empty where the reader knows none.
        height: of the page as it is read, in points.
        blank: nothing on the page is text, so that no reader will find any.
    """

    text: str
    lines: tuple[Line, ...] = ()
    height: float = 0.0
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What a PDF says about itself.

    Attributes:
        outline: 0-based page → (level from 1, title) in order.
        labels: printed page labels, "" where there is none.
        attachments: names of embedded files.
        xfa: the pages are a form that only Adobe's own programs fill in; what they show is a note that says so.
    """

    outline: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    title: str = ""
    attachments: tuple[str, ...] = ()
    xfa: bool = False
