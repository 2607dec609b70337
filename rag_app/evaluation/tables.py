"""Questions and answers in a table: CSV as spreadsheets save it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..errors import DatasetError
from .datasets import read_text

_COLUMNS = {
    "id": ("id", "_id", "编号"),
    "question": ("question", "问题"),
    "answer": ("answer", "答案"),
    "answers": ("answers", "所有答案"),
    "document": ("document", "doc", "file", "文档", "文件"),
    "page": ("page", "页", "页码"),
    "pages": ("pages", "所有页"),
    "state": ("state", "状态"),
}
_NAMES = {name: column for column, names in _COLUMNS.items() for name in names}
_SEVERAL = "|"
_DELIMITERS = ",;\t，；"


def csv_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """(line, row) of each row that is not blank; columns whose name says nothing to us are left out.

    Raises:
        DatasetError: the file can't be read, has no column for questions, or a row has more cells than the header.
    """
    text = read_text(path)
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=lambda one: _known(header, one)))
    columns: list[str | None] = []
    before = 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = [_NAMES.get(cell.strip().casefold()) for cell in cells]
                if "question" not in columns or not {"answer", "answers"} & set(columns):
                    raise DatasetError("eval.no_columns", path=path, line=line, found=", ".join(cells))
                continue
            if len(cells) > len(columns):
                raise DatasetError("eval.too_many_cells", path=path, line=line, cells=len(cells), most=len(columns))
            yield line, _row(columns, cells)
    except csv.Error as error:
        raise DatasetError("eval.bad_line", path=path, line=reader.line_num, cause=error) from error


def _known(header: str, delimiter: str) -> int:
    """How many columns of a header are known when it is cut there."""
    return sum(cell.strip(' "').casefold() in _NAMES for cell in header.strip().split(delimiter))


def _row(columns: list[str | None], cells: list[str]) -> dict[str, object]:
    row: dict[str, object] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column in ("answers", "pages"):
            row[column] = [part.strip() for part in cell.split(_SEVERAL) if part.strip()]
        elif column is not None:
            row[column] = cell
    if not {"answer", "answers"} & set(row):  # a row that ends early has no answer
        row["answers"] = []
    return row
