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
    ".docx": "word",
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), "slides"),
    **dict.fromkeys((".xlsx", ".xlsm"), "sheets"),
    **dict.fromkeys((".odt", ".ods", ".odp"), "opendocument"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "delimited"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson", ".geojson"), "data"),
    ".epub": "epub",
    ".rtf": "richtext",
    ".eml": "mail",
    ".zip": "archives",
    **dict.fromkeys(
        (
            ".py .pyi .js .mjs .cjs .jsx .ts .tsx .vue .java .c .h .cpp .cc .cxx .hpp .cs .m .mm .go .rs .rb .php "
            ".kt .kts .swift .scala .dart .pl .lua .r .sql .sh .bash .zsh .ps1 .psm1 .bat .yaml .yml .toml .ini .cfg "
            ".conf .properties .log .rst .tex .bib .srt .vtt .xml .css .proto .graphql .adoc .org"
        ).split(),
        "code",
    ),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"), "image"),
}
"""Suffix, lower case → the module of this package whose ``load`` reads it."""


def load(path: Path) -> Document:
    """Read a file.

    Raises:
        FileRefused: it can't be read; the error says why and what to do.
    """
    refuse_unsupported(path)
    loader = cast("Loader", import_module(f".{LOADERS[path.suffix.lower()]}", __name__).load)
    return loader(path)


def refuse_unsupported(path: Path) -> None:
    """Go by the name alone.

    Raises:
        UnsupportedFormat: no loader reads files named so.
    """
    if path.suffix.lower() not in LOADERS:
        documents = (suffix for suffix, module in LOADERS.items() if module != "code")
        raise UnsupportedFormat("file.unsupported", suffix=path.suffix or path.name, supported=" ".join(documents))
