"""CSV and TSV: the delimiter is found out; a line a record, as :mod:`.tables` writes rows."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import DamagedFile, NoText
from ..types import Document, Page
from .encoding import decode
from .files import read_bytes
from .tables import Row, table

_DELIMITERS = ",;\t|"


def load(path: Path) -> Document:
    """Read a CSV or TSV file.

    Raises:
        DamagedFile: the bytes are not text. NoText: no filled cell. Unreadable: see :func:`read_bytes`.
    """
    text = decode(read_bytes(path))
    preferred = "\t" if path.suffix.lower() in (".tsv", ".tab") else ""
    made = table(_rows(text, preferred or _delimiter(text)))
    if not made.text:
        raise NoText("file.no_text")
    return Document(path.stem, "csv", (Page(1, made.text, kind="text", lines=made.lines),))


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    first = 1
    try:
        for cells in reader:
            if first > 1 or text[:4].lower() != "sep=":
                yield Row(first, tuple(cells))
            first = reader.line_num + 1
    except csv.Error as error:
        raise DamagedFile("file.damaged", format="CSV", cause=error) from error


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first rows into the most columns, and into equally many."""
    if text[:4].lower() == "sep=":  # Excel's own note
        return text[4:5] or ","
    lines = io.StringIO(text[:65536], newline="").readlines()[:100]

    def score(delimiter: str) -> float:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return 0.0
        if not widths:
            return 0.0
        usual = max(set(widths), key=widths.count)
        return (widths.count(usual) / len(widths)) * min(usual - 1, 3) if usual > 1 else 0.0

    return max(_DELIMITERS, key=score)
