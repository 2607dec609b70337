"""Pictures of pages: PNG, JPEG, WebP and TIFF, each frame of a TIFF a page.

What is read is marked as recognized.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import NoText
from ..messages import Message, message
from ..recognition import Recognition
from ..types import Document, Limits, Page
from .building import ranges
from .files import read_bytes
from .limits import check_pages
from .pictures import Pictures, is_text
from .pixels import frame, named_damage, opened


def load(
    path: Path,
    limits: Limits | None = None,
    *,
    recognition: Recognition | None = None,
    pictures: Pictures | None = None,
) -> Document:
    """Recognize the text of a picture.

    Args:
        recognition: reads it, each frame of a TIFF as a page; those beyond its budget are named in a warning.
        pictures: collects the frames that are more than text.

    Raises:
        NoText: blank, too small, or nothing can be recognized here, and it is not to be described. DamagedFile: no
            picture, or one of absurd size. Unreadable: see :func:`read_bytes`. OverLimit: more frames than
            ``limits.pages``.
    """
    recognition = recognition or Recognition(limits)
    pictures = pictures or Pictures()
    data = read_bytes(path)
    if recognition.refusal and not pictures.wanted:
        raise NoText("file.picture", reason=recognition.refusal)
    with named_damage():
        source = opened(data)
        frames = getattr(source, "n_frames", 1)
    check_pages(frames, limits or Limits())
    recognition.expect(frames)
    found: list[Page] = []
    unread: list[int] = []
    for number in range(1, frames + 1):
        reads = not recognition.refusal and not recognition.is_spent
        if not reads and not recognition.refusal:
            unread.append(number)
        if not reads and not pictures.wanted:
            continue
        with named_damage():
            image = frame(source, number - 1)
        text = recognition.recognize(image) if reads else ""
        found.append(Page(number, text, ocr=reads))
        if not is_text(text):
            pictures.add(image, number)
    notes: list[Message] = []
    if unread:
        notes.append(message("ocr.budget", pages=ranges(unread), most=recognition.budget))
    notes += pictures.warnings
    if not any(page.text for page in found) and not pictures.found:
        if recognition.refusal:
            raise NoText("file.picture", reason=recognition.refusal)
        raise NoText(notes[0].key, **dict(notes[0].values)) if notes else NoText("ocr.blank")
    return Document(path.stem, "image", tuple(found), tuple(notes), pictures.found)
