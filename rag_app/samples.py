"""The sample documents that come with the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def sample_folder() -> Path | None:
    """The sample documents: inside this package in a wheel, beside it in a checkout."""
    package = Path(str(files("rag_app")))
    for folder in (package / "sample_docs", package.parent / "sample_docs"):
        if folder.is_dir():
            return folder
    return None
