"""Office files saved as "Strict Open XML": the same parts under other names, which the office libraries don't know."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import IO

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"
_RELATIONS = "_rels/.rels"


def as_usual(path: Path) -> str | IO[bytes]:
    """The path, or, where the file is a strict one, a copy in memory with the usual names.

    Raises:
        BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError: what :mod:`zipfile` raises on broken files.
    """
    with zipfile.ZipFile(path) as package:
        if _RELATIONS not in package.namelist() or not _STRICT.search(package.read(_RELATIONS)):
            return str(path)
        copy = io.BytesIO()
        with zipfile.ZipFile(copy, "w") as usual:  # stored: it is read once and thrown away
            for name in package.namelist():
                data = package.read(name)
                usual.writestr(name, _STRICT.sub(_USUAL, data) if name.endswith((".xml", ".rels")) else data)
    copy.seek(0)
    return copy
