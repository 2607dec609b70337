"""The bytes of a file, or the operating system's reason why not."""

from __future__ import annotations

from pathlib import Path

from ..errors import NoText, Unreadable


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        Unreadable: no permission, a disk error, gone meanwhile.
        NoText: the file has no bytes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable("file.unreadable", cause=error.strerror or error) from error
    if not data:
        raise NoText("file.empty")
    return data
