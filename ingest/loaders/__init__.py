"""Files to text: ``LOADERS`` maps a suffix to the loader that reads it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from ..errors import UnsupportedFormat
from ..types import Document

Loader = Callable[[Path], Document]

LOADERS: dict[str, str] = {
    ".pdf": "pdf",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".html": "web",
    ".htm": "web",
    ".xhtml": "web",
    ".docx": "office",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".webp": "image",
    ".tif": "image",
    ".tiff": "image",
}
"""Suffix, lower case → the module of this package whose ``load`` reads it."""


def load(path: Path) -> Document:
    """Read a file.

    Raises:
        FileRefused: it can't be read; the error says why and what to do.
    """
    module = LOADERS.get(path.suffix.lower())
    if module is None:
        raise UnsupportedFormat(
            "file.unsupported", suffix=path.suffix or path.name, supported=" ".join(sorted(LOADERS))
        )
    loader = cast("Loader", import_module(f".{module}", __name__).load)
    return loader(path)
