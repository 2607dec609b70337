"""What to search in, as SQL over the catalog: both indexes are asked for chunks of these only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from ..types import Filters

_CHUNKS = (
    "SELECT chunk.id FROM chunk JOIN page ON page.id = chunk.page JOIN document ON document.id = page.document "
    "WHERE document.kb = ? AND document.id IN (SELECT file.document FROM file WHERE {})"
)
_LISTED = "(SELECT value FROM json_each(?))"  # SQLite takes 32,766 values in a statement, and this is one
_CHANGED = (  # a file that was changed a moment before it was read has no time that can be trusted
    "CASE WHEN file.modified_ns >= 0 THEN file.modified_ns / 1000000000 "
    "ELSE (SELECT CAST(strftime('%s', ingested) AS INTEGER) FROM document AS d WHERE d.id = file.document) END"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that gives chunk ids, and its values."""

    sql: str
    values: tuple[object, ...]

    def __and__(self, other: Condition) -> Condition:
        return Condition(f"{self.sql} INTERSECT {other.sql}", (*self.values, *other.values))


def condition(kb: str, filters: Filters, files: Sequence[Path]) -> Condition | None:
    """The chunks that the filters leave; None when they leave all.

    Args:
        kb: knowledge base id. files: those that ``filters.documents`` and ``filters.folders`` mean, in full.
    """
    parts: list[str] = ["file.kb = ?"]
    values: list[object] = [kb]
    if filters.documents or filters.folders:
        parts.append(f"file.path IN {_LISTED}")
        values.append(json.dumps([str(path) for path in files]))
    if filters.types:
        wanted = [kind.lower().removeprefix(".") for kind in filters.types]
        parts.append(
            f"file.document IN (SELECT id FROM document WHERE format IN {_LISTED} OR ltrim(suffix, '.') IN {_LISTED})"
        )
        values += [json.dumps(wanted)] * 2
    if filters.tags:
        parts.append(f"file.path IN (SELECT path FROM tag WHERE tag.kb = file.kb AND tag.name IN {_LISTED})")
        values.append(json.dumps(filters.tags))
    if filters.since is not None:
        parts.append(f"{_CHANGED} >= ?")
        values.append(_midnight(filters.since))
    if filters.until is not None:
        parts.append(f"{_CHANGED} < ?")
        values.append(_midnight(filters.until + timedelta(days=1)))
    if len(parts) == 1:
        return None
    return Condition(_CHUNKS.format(" AND ".join(parts)), (kb, *values))


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day).astimezone().timestamp())
