"""What an ingestion would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .changes import Changes, Readers
from .discover import check_something, discover, stat
from .errors import FileRefused
from .given import Cutter, Reader
from .types import FileReport, KnownFile, Limits


def plan(
    paths: Iterable[Path],
    known: Mapping[Path, KnownFile],
    chunk_tokens: int,
    limits: Limits,
    leave_out: Path | None = None,
    describer: str = "",
    own: Mapping[str, Reader] | None = None,
    cutter: Cutter | None = None,
) -> Iterator[FileReport]:
    """A report of each file as :func:`ingest.pipeline.run` would give it, without what only reading tells.

    A file that would be read has the status "read"; it may turn out to be refused.

    Args:
        describer: the identity of what describes pictures, empty where nothing does.
        own, cutter: as :func:`ingest.pipeline.run` has them.

    Raises:
        PathNotFound, NothingToRead, BadIgnoreFile.
    """
    paths = list(paths)
    found = discover(paths, leave_out)
    check_something(found, known, paths)
    readers = Readers.of(chunk_tokens, limits, describer, own, cutter)
    changes = Changes(found, known, readers, limits, loaders=tuple(own or ()))
    for path in found.files:
        try:
            seen = changes.look(stat(path))
        except FileRefused as error:
            yield FileReport(path, "refused", error.message)
            continue
        if seen.unchanged is not None:
            yield seen.unchanged.report
            continue
        yield changes.other(path, seen.content) or FileReport(path, "read")
        changes.add(path, seen.content)
    for path in changes.leaving:
        yield FileReport(path, "removed")
