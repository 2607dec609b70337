"""Collects the pictures of a file that are to be described: small copies, bounded in number and size."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..errors import DamagedFile
from ..messages import Message, message
from ..recognition import is_blank
from ..types import Limits, Picture
from .pixels import FORMATS, frame, named_damage, on_white, opened

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 1024  # pixels of the longer side that a model is given
_SMALLEST = 64  # pixels of a side: icons, rules and bullets have fewer
_MOST_BYTES = 64 << 20  # of a file's pictures together
_QUALITY = 85
_MOST_LETTERS = 500
_EMBEDDED = (*FORMATS, "GIF", "BMP")


class Pictures:
    """The pictures of one file. Icons and blank ones are left out, and one that comes again is taken once.

    Args:
        limits: ``pictures`` is how many are taken; by default none.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._most = limits.pictures if limits else 0
        self._found: list[Picture] = []
        self._seen: set[bytes] = set()
        self._bytes = 0
        self._missed: int | None = None

    @property
    def wanted(self) -> bool:
        """Whether looking for one (more) makes sense."""
        return self._most > 0 and self._missed is None

    @property
    def found(self) -> tuple[Picture, ...]:
        """Those taken, in the order they came."""
        return tuple(self._found)

    @property
    def warnings(self) -> Iterator[Message]:
        """Which were not taken because there are too many."""
        if self._missed is not None:
            yield message("describe.limit", most=len(self._found), page=self._missed)

    def are_on(self, page: int) -> bool:
        """Whether one was taken from a page."""
        return any(picture.page == page for picture in self._found)

    def add(self, image: Image, page: int, at: int = 0) -> None:
        """A picture of a page, see :class:`ingest.types.Picture`."""
        if not self.wanted or min(image.size) < _SMALLEST:
            return
        small = on_white(image)
        small.thumbnail((LONGEST, LONGEST))
        if is_blank(small, 1):
            return
        file = io.BytesIO()
        small.save(file, "JPEG", quality=_QUALITY)
        data = file.getvalue()
        if self._is_new(data):
            self._take(Picture(page, at, data))

    def add_files(self, files: Iterable[tuple[int, int, bytes]]) -> None:
        """Pictures as an office file holds them, as (page, at, bytes); what can't be decoded is passed over."""
        for page, at, data in files:
            if not self.wanted:
                return
            if self._is_new(data):
                try:
                    with named_damage():
                        image = frame(opened(data, _EMBEDDED), 0, 2 * LONGEST)
                except DamagedFile:  # a drawing in vectors, mostly
                    continue
                self.add(image, page, at)

    def _is_new(self, data: bytes) -> bool:
        digest = hashlib.blake2b(data, digest_size=16).digest()
        new = digest not in self._seen
        self._seen.add(digest)
        return new

    def _take(self, picture: Picture) -> None:
        if len(self._found) >= self._most or self._bytes + len(picture.data) > _MOST_BYTES:
            self._missed = picture.page
            return
        self._found.append(picture)
        self._bytes += len(picture.data)


def is_text(recognized: str) -> bool:
    """Whether a picture is one of text: what was recognized on it says all that a description could."""
    return len("".join(recognized.split())) > _MOST_LETTERS
