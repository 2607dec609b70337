"""Files of pictures to pixels, bounded in size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import DamagedFile

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
MOST_PIXELS = 60_000_000  # A3 at 400 dpi has 31 million
_LONGEST = 4000  # pixels of the longer side that are looked at


@contextmanager
def named_damage() -> Iterator[None]:
    """What Pillow raises on broken files, as ours.

    Raises:
        DamagedFile.
    """
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


def opened(data: bytes, formats: tuple[str, ...] = FORMATS) -> Image:
    """A picture of which hardly more than the header is read; use inside :func:`named_damage`."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is ours
        return Image.open(io.BytesIO(data), formats=formats)


def frame(source: Image, number: int, longest: int = _LONGEST) -> Image:
    """A frame (from 0), upright by its EXIF note, on white, its longer side bounded; use as :func:`opened`.

    Raises:
        DamagedFile: of absurd size.
    """
    from PIL import ImageOps

    source.seek(number)
    if source.width * source.height > MOST_PIXELS:
        raise DamagedFile("ocr.too_large", width=source.width, height=source.height)
    if source.format == "JPEG":
        source.draft("RGB", (longest, longest))
    upright = on_white(ImageOps.exif_transpose(source))
    upright.thumbnail((longest, longest))
    return upright


def on_white(image: Image) -> Image:
    """The same in RGB, white where it is transparent."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    elif image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGB")
