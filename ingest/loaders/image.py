"""Pictures of pages: PNG, JPEG, WebP and TIFF, each frame of a TIFF a page; the only Pillow import.

What is read is marked as recognized.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .. import ocr
from ..errors import DamagedFile, NoText
from ..messages import Message, message
from ..types import Document, Limits, Page
from .files import read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_MOST_PIXELS = 60_000_000  # A3 at 400 dpi has 31 million
_LONGEST = 4000  # pixels of the longer side that are looked at
_FRAMES = 200


def load(
    path: Path, limits: Limits | None = None, recognizer: ocr.Recognizer | None = None, pages: int = _FRAMES
) -> Document:
    """Recognize the text of a picture.

    Args:
        limits: ``ocr`` switches this loader.
        recognizer: one already loaded; else one is made.
        pages: most frames of a TIFF that are read; those beyond are named in a warning.

    Raises:
        NoText: blank, too small, no OCR package, or switched off. DamagedFile: no picture, or one of absurd size.
        Unreadable: see :func:`read_bytes`.
    """
    if limits is not None and not limits.ocr:
        raise NoText("ocr.off")
    data = read_bytes(path)
    if not ocr.available():
        raise NoText("ocr.missing")
    reader = recognizer or ocr.Recognizer()
    found: list[Page] = []
    notes: tuple[Message, ...] = ()
    for number, frame in enumerate(_frames(data), 1):
        if number > pages:
            notes = (message("ocr.budget", pages=f"{number}–", most=pages),)
            break
        found.append(Page(number, reader.recognize(frame), ocr=True))
    if not any(page.text for page in found):
        raise NoText("ocr.blank")
    return Document(path.stem, "image", tuple(found), notes)


def _frames(data: bytes) -> Iterator[Image]:
    """Every frame, upright by its EXIF note, on white, bounded in size."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is ours
            source = Image.open(io.BytesIO(data), formats=_FORMATS)
        for number in range(getattr(source, "n_frames", 1)):
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
            yield frame
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        MemoryError,
    ) as error:
        raise DamagedFile("file.damaged", format="PNG, JPEG, WebP, TIFF", cause=type(error).__name__) from error
