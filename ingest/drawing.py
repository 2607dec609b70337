"""Pages of PDFs as pictures, drawn in a process of its own: a file that crashes PDFium takes nothing else with it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60
if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0


@dataclass(frozen=True, slots=True)
class DrawingRequest:
    """What to draw.

    Attributes:
        data: the PDF. page: 1-based. width: pixels. text: the page's, as it was read, "" to mark nothing.
        start, end: the part of the text to mark.
    """

    data: bytes
    page: int
    width: int
    text: str = ""
    start: int = 0
    end: int = 0
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page, drawn.

    Attributes:
        png: the picture. areas: (left, top, right, bottom) of each marked part, as fractions of the page.
    """

    png: bytes
    areas: tuple[tuple[float, float, float, float], ...]


def draw(request: DrawingRequest) -> Drawing | None:
    """The page; None where it can't be drawn, or that takes too long."""
    code = "import sys; sys.path += sys.argv[1:]; from ingest.drawing import main; main()"
    paths = [path or str(Path.cwd()) for path in sys.path]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *paths],
            input=pickle.dumps(request),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            creationflags=_FLAGS,
            check=True,
        )
        length = int.from_bytes(done.stdout[:8], "big")
        areas = [float(part) for part in done.stdout[8 : 8 + length].decode("ascii").split()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    png = done.stdout[8 + length :]
    found = tuple(zip(areas[::4], areas[1::4], areas[2::4], areas[3::4], strict=True))
    return Drawing(png, found) if png else None


def main() -> None:
    """Draw what standard input asks for; numbers and a PNG go to standard output, nothing that runs code."""
    from .loaders.pdf_drawing import picture
    from .loaders.pdf_places import Area, places

    request: DrawingRequest = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from the parent
    areas: tuple[Area, ...] = ()
    if request.text:
        areas = places(request.data, request.page, request.text, request.start, request.end, request.password)
    png = picture(request.data, request.page, request.width, areas, request.password)
    numbers = " ".join(repr(value) for area in areas for value in area).encode("ascii")
    sys.stdout.buffer.write(len(numbers).to_bytes(8, "big") + numbers + (png or b""))
