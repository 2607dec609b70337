"""The sample documents that come with the program."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def sample_folder() -> Path | None:
    """The sample documents: beside the packages in a checkout, inside this one in a wheel."""
    package = Path(str(files("rag_app")))
    for folder in (package.parent / "sample_docs", package / "sample_docs"):
        if folder.is_dir():
            return folder
    return None
