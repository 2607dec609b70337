"""Files to text: ``LOADERS`` maps a suffix to the loader that reads it.

A loader is a module with a function ``load(path)``, or ``load(path, limits)`` where it has pages or unpacked sizes to
keep within limits, that returns a Document or raises FileRefused.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import cast

from ..errors import UnsupportedFormat
from ..types import Document, Limits

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
}
"""Suffix, lower case → the module whose ``load`` reads it: one of this package, or any other by its dotted name."""


def check_supported(path: Path, more: Collection[str] = ()) -> None:
    """Refuse a file that no loader reads.

    Args:
        more: suffixes that are read besides those of ``LOADERS``.

    Raises:
        UnsupportedFormat.
    """
    known = {*LOADERS, *more}
    if path.suffix.lower() not in known:
        raise UnsupportedFormat("file.unsupported", suffix=path.suffix or path.name, supported=" ".join(sorted(known)))


def load(path: Path, limits: Limits | None = None) -> Document:
    """Read a file, in this process: use :class:`ingest.sandbox.Sandbox` for files that nobody vouches for.

    Args:
        limits: its ``pages`` and ``unpacked_mb`` are kept; time and memory are the sandbox's to enforce.

    Raises:
        FileRefused: it can't be read; the error says why and what to do.
    """
    check_supported(path)
    name = LOADERS[path.suffix.lower()]
    loader = import_module(name if "." in name else f".{name}", __name__).load
    wanted = {"limits": limits or Limits()} if "limits" in inspect.signature(loader).parameters else {}
    return cast("Document", loader(path, **wanted))
