"""Images that go with a question: read, checked, and made small enough for a model to read."""

from __future__ import annotations

import io
from pathlib import Path

from ingest.errors import IngestError

from ..errors import QuestionError

MOST_BYTES = 50 << 20
_LONGEST = 1024  # pixels; more would only be more tokens
_QUALITY = 90


def picture(image: str | Path | bytes) -> bytes:
    """An image as the model gets it: JPEG, its longer side at most 1,024 pixels.

    Raises:
        QuestionError: it can't be read, is no image, or is too large.
    """
    name = "image" if isinstance(image, bytes) else str(image)
    try:
        data = image if isinstance(image, bytes) else _read(Path(image).expanduser())
    except OSError as error:
        raise QuestionError("question.image_unreadable", image=name, cause=error.strerror or error) from error
    if len(data) > MOST_BYTES:
        raise QuestionError("question.image_too_large", image=name, most=MOST_BYTES >> 20)
    from ingest.loaders.pixels import frame, named_damage, opened

    small = io.BytesIO()
    try:
        with named_damage():
            frame(opened(data), 0, _LONGEST).save(small, "JPEG", quality=_QUALITY)
    except IngestError as error:
        raise QuestionError("question.image_unreadable", image=name, cause=error.message) from error
    return small.getvalue()


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)
