"""What one file is granted of OCR: the pages of its budget, one recognizer for them all, and a word before each."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from .messages import Message, message
from .types import Limits

if TYPE_CHECKING:
    from PIL.Image import Image

    from .ocr import Recognizer

_SMALLEST = 16  # pixels of a side: below it there is no text
_CONTRAST = 24  # of 255, between the darkest and the lightest pixel: below it there is none either


def new_recognizer() -> Recognizer:
    """A recognizer, imported only now: most files need none."""
    from .ocr import Recognizer

    return Recognizer()


def is_available() -> bool:
    """True where the OCR package is installed; nothing of it is loaded."""
    return importlib.util.find_spec("rapidocr") is not None


class Recognition:
    """Recognizes pages of one file, members of an archive included.

    Args:
        limits: ``ocr`` switches it, ``ocr_pages`` is its budget.
        recognizer: gives the recognizer when the first page needs one.
        tell: called before each page with (pages recognized so far, pages there will be as far as is known).
    """

    def __init__(
        self,
        limits: Limits | None = None,
        recognizer: Callable[[], Recognizer] = new_recognizer,
        tell: Callable[[int, int], None] | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._new_recognizer = recognizer
        self._recognizer: Recognizer | None = None
        self._tell = tell
        self._done = 0
        self._expected = 0

    @property
    def refusal(self) -> Message | None:
        """Why nothing can be recognized; None where it can."""
        if not self._limits.ocr:
            return message("ocr.off")
        return None if is_available() else message("ocr.missing")

    @property
    def budget(self) -> int:
        """Most pages of a file."""
        return self._limits.ocr_pages

    @property
    def is_spent(self) -> bool:
        """True when the budget is used up."""
        return self._done >= self.budget

    def expect(self, pages: int) -> None:
        """So many more pages are about to come."""
        self._expected += pages

    def recognize(self, image: Image) -> str:
        """The text of a page, empty where there is none; blank pictures cost nothing of the budget."""
        if is_blank(image):
            self._expected -= 1
            return ""
        if self._tell is not None:
            self._tell(self._done, min(self._expected, self.budget))
        self._done += 1
        if self._recognizer is None:
            self._recognizer = self._new_recognizer()
        return self._recognizer.recognize(image)


def is_blank(image: Image, smallest: int = _SMALLEST) -> bool:
    """True where nothing can be seen: fewer pixels than ``smallest`` on a side, or all of nearly one colour."""
    if min(image.size) < smallest:
        return True
    darkest, lightest = image.convert("L").getextrema()
    return float(lightest) - float(darkest) < _CONTRAST  # type: ignore[arg-type]
