"""Files to text: ``LOADERS`` maps a suffix to the loader that reads it.

A loader is a module with a function ``load(path)`` that returns a Document or raises FileRefused. It is given what it
names besides: ``limits`` where it has pages or unpacked sizes to keep within, ``passwords`` where its format knows
encryption, ``recognition`` where there are pictures to read, ``pictures`` where there are some to be described.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from ..errors import UnsupportedFormat
from ..recognition import Recognition
from ..types import Document, Limits
from .packages import refuse_ole
from .pictures import Pictures
from .unpacked import check_unpacked

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
"""Suffix, lower case → the module whose ``load`` reads it: one of this package, or any other by its dotted name."""


_OLD = {".doc": ".docx", ".dot": ".docx", ".xls": ".xlsx", ".ppt": ".pptx", ".pps": ".pptx"}
_PACKAGES = {"word": "DOCX", "slides": "PPTX", "sheets": "XLSX", "opendocument": "OpenDocument", "epub": "EPUB"}
"""Modules whose formats are ZIP archives, which may be made to unpack to far more than they weigh."""
_PICTURED = ("pdf", "word", "slides", "image")


def may_hold_pictures(path: Path) -> bool:
    """Whether the file's loader collects pictures to be described."""
    return LOADERS.get(path.suffix.lower()) in _PICTURED


def check_supported(path: Path, more: Collection[str] = ()) -> None:
    """Refuse a file that no loader reads.

    Args:
        more: suffixes that are read besides those of ``LOADERS``.

    Raises:
        UnsupportedFormat.
    """
    suffix = path.suffix.lower()
    if suffix not in {*LOADERS, *more}:
        if suffix in _OLD:
            raise UnsupportedFormat("file.old_office", old=suffix, new=_OLD[suffix])
        documents = [suffix for suffix, module in LOADERS.items() if module != "code"]
        supported = " ".join([*documents, *more])
        raise UnsupportedFormat("file.unsupported", suffix=path.suffix or path.name, supported=supported)


def load(
    path: Path,
    limits: Limits | None = None,
    *,
    passwords: Sequence[str] = (),
    recognition: Recognition | None = None,
    pictures: Pictures | None = None,
) -> Document:
    """Read a file, in this process: use :class:`ingest.sandbox.Sandbox` for files that nobody vouches for.

    Args:
        limits: all but time and memory are kept; those are the sandbox's to enforce.
        passwords: tried one after the other on encrypted files.
        recognition: what reads pictures; by default one that keeps the limits.
        pictures: collects those to be described; by default there are none.

    Raises:
        FileRefused: it can't be read; the error says why and what to do.
    """
    check_supported(path)
    name = LOADERS[path.suffix.lower()]
    limits = limits or Limits()
    if name in _PACKAGES:
        refuse_ole(path)
        check_unpacked(path, limits, _PACKAGES[name])
    loader = import_module(name if "." in name else f".{name}", __name__).load
    offered = {
        "limits": limits,
        "passwords": passwords,
        "recognition": recognition or Recognition(limits),
        "pictures": pictures or Pictures(),
    }
    wanted = inspect.signature(loader).parameters
    return cast("Document", loader(path, **{name: value for name, value in offered.items() if name in wanted}))
