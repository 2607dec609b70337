"""Excel workbooks; the only openpyxl import. A page a sheet, a line a row (see :mod:`.tables`).

Values are shown as their number format shows them, formulas by the result Excel stored. A cell merged over several
rows counts for each of them. Hidden sheets are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DamagedFile, NoText
from ..messages import Message, message
from ..types import Document, Heading, Page
from .building import one_line
from .packages import PARSER_FAILURES, refuse_ole
from .strict import as_usual
from .tables import Row, show, table

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+)(\d+):[A-Z]+(\d+)"')
_NO_RESULT = re.compile(rb"</(?:\w+:)?f>\s*(?:<v\s*/>|<v></v>)?\s*</(?:\w+:)?c>")
_READ_AT_ONCE = 1 << 20
_OVERLAP = 200  # longer than what either pattern matches


def load(path: Path) -> Document:
    """Read a workbook.

    Raises:
        DamagedFile, EncryptedFile, Unreadable. NoText: no sheet has a filled cell.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    failures: tuple[type[Exception], ...] = (InvalidFileException, *PARSER_FAILURES)
    refuse_ole(path)
    pages: list[Page] = []
    failed: list[str] = []
    warnings: list[Message] = []
    try:
        workbook = openpyxl.load_workbook(as_usual(path), read_only=True, data_only=True)
        title = (workbook.properties.title or "").strip()
    except failures as error:
        raise DamagedFile("file.damaged", format="XLSX", cause=one_line(str(error))[:200]) from error
    try:
        for number, sheet in enumerate(workbook.worksheets, 1):
            try:
                page, without = _page(number, sheet)
            except PARSER_FAILURES:
                failed.append(sheet.title)
                page, without = Page(number, "", sheet.title, kind="sheet"), 0
            pages.append(page)
            if without:
                warnings.append(message("file.formulas_without_result", sheet=sheet.title, count=without))
    finally:
        workbook.close()
    if failed:
        warnings.insert(0, message("file.sheets_failed", sheets=", ".join(failed)))
    if not any(page.text for page in pages):
        if failed:
            raise DamagedFile("file.damaged", format="XLSX", cause=", ".join(failed))
        raise NoText("file.no_text")
    return Document(title or path.stem, "xlsx", tuple(pages), tuple(warnings))


def _page(number: int, sheet: Any) -> tuple[Page, int]:
    """The sheet, and how many of its formulas have no stored result."""
    sheet.reset_dimensions()  # what the file claims is often wrong, and costs a padded row for each claimed one
    merged, without = _scan(sheet)
    made = table(_rows(sheet, merged))
    headings = (Heading(0, 1, sheet.title),) if made.text else ()
    return Page(number, made.text, sheet.title, headings, "sheet", made.lines, made.columns), without


def _rows(sheet: Any, merged: dict[int, list[tuple[int, int]]]) -> Iterator[Row]:
    reach: dict[int, tuple[int, str]] = {}  # column → last row a merged cell above covers, and what it shows
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if not cells:
            continue
        texts = [show(cell.value, _format(cell)) for cell in cells]
        filled = any(texts)
        for column, (last, text) in list(reach.items()):
            if number > last:
                del reach[column]
            elif filled:
                texts += [""] * (column - len(texts))
                texts[column - 1] = texts[column - 1] or text
        for column, last in merged.get(number, []):
            if column <= len(texts) and texts[column - 1]:
                reach[column] = (last, texts[column - 1])
        yield Row(number, tuple(texts), _bold(cells, texts) if number <= 100 else False)


def _format(cell: Any) -> str:
    """The number format; empty cells have none."""
    return str(getattr(cell, "number_format", None) or "General")


def _bold(cells: tuple[Any, ...], texts: list[str]) -> bool:
    """True when every filled cell is bold; cells that only a merged one above fills have no font."""
    fonts = [cell.font for cell, text in zip(cells, texts, strict=False) if text]
    return all(font is not None and font.bold for font in fonts)


def _scan(sheet: Any) -> tuple[dict[int, list[tuple[int, int]]], int]:
    """What openpyxl does not say of a sheet it streams.

    Returns:
        cells merged downwards, as first row → (column, last row); and the number of formulas without a result.
    """
    from openpyxl.utils import column_index_from_string

    merged: dict[int, list[tuple[int, int]]] = {}
    without = 0
    with sheet._get_source() as source:
        window = b""
        while data := source.read(_READ_AT_ONCE):
            window += data
            end = 0
            for match in _MERGED.finditer(window):
                end = match.end()
                column, first, last = match[1].decode(), int(match[2]), int(match[3])
                if last > first and len(column) <= 3:
                    merged.setdefault(first, []).append((column_index_from_string(column), last))
            for match in _NO_RESULT.finditer(window):
                end = max(end, match.end())
                without += 1
            window = window[max(end, len(window) - _OVERLAP) :]
    return merged, without
