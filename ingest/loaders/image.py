"""Pictures of pages: PNG, JPEG, WebP and TIFF, each frame of a TIFF a page; the only Pillow import.

What is read is marked as recognized.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DamagedFile, NoText
from ..messages import Message, message
from ..recognition import Recognition
from ..types import Document, Limits, Page
from .building import ranges
from .files import read_bytes
from .limits import check_pages

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_MOST_PIXELS = 60_000_000  # A3 at 400 dpi has 31 million
_LONGEST = 4000  # pixels of the longer side that are looked at


def load(path: Path, limits: Limits | None = None, *, recognition: Recognition | None = None) -> Document:
    """Recognize the text of a picture.

    Args:
        recognition: reads it, each frame of a TIFF as a page; those beyond its budget are named in a warning.

    Raises:
        NoText: blank, too small, or nothing can be recognized here. DamagedFile: no picture, or one of absurd size.
        Unreadable: see :func:`read_bytes`. OverLimit: more frames than ``limits.pages``.
    """
    recognition = recognition or Recognition(limits)
    data = read_bytes(path)
    if recognition.refusal:
        raise NoText("file.picture", reason=recognition.refusal)
    limits = limits or Limits()
    found: list[Page] = []
    notes: tuple[Message, ...] = ()
    with _named_damage():
        source = _open(data)
        frames = getattr(source, "n_frames", 1)
    check_pages(frames, limits)
    recognition.expect(frames)
    for number in range(1, frames + 1):
        if recognition.is_spent:
            notes = (message("ocr.budget", pages=ranges(range(number, frames + 1)), most=recognition.budget),)
            break
        with _named_damage():
            frame = _frame(source, number - 1)
        found.append(Page(number, recognition.recognize(frame), ocr=True))
    if not any(page.text for page in found):
        raise NoText(notes[0].key, **dict(notes[0].values)) if notes else NoText("ocr.blank")
    return Document(path.stem, "image", tuple(found), notes)


@contextmanager
def _named_damage() -> Iterator[None]:
    """What Pillow raises on broken files, as ours."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        TypeError,  # a TIFF without its dimensions
        ValueError,
        EOFError,
        MemoryError,
    ) as error:
        raise DamagedFile("file.damaged", format="PNG, JPEG, WebP, TIFF", cause=type(error).__name__) from error


def _open(data: bytes) -> Image:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is ours
        return Image.open(io.BytesIO(data), formats=_FORMATS)


def _frame(source: Image, number: int) -> Image:
    """A frame, upright by its EXIF note, on white, bounded in size."""
    from PIL import Image, ImageOps

    source.seek(number)
    if source.width * source.height > _MOST_PIXELS:
        raise DamagedFile("ocr.too_large", width=source.width, height=source.height)
    if source.format == "JPEG":
        source.draft("RGB", (_LONGEST, _LONGEST))
    frame = ImageOps.exif_transpose(source)
    if frame.mode in ("RGBA", "LA", "PA") or "transparency" in frame.info:
        white = Image.new("RGBA", frame.size, "white")
        frame = Image.alpha_composite(white, frame.convert("RGBA"))
    elif frame.mode.startswith("I"):
        frame = frame.convert("I").point(lambda value: value / 256).convert("L")
    frame = frame.convert("RGB")
    frame.thumbnail((_LONGEST, _LONGEST))
    return frame
