"""What an ingestion would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from .discover import by_content, check_something, digest_of, discover, stat
from .errors import FileRefused
from .loaders import check_supported
from .pipeline import readers
from .types import FileReport, KnownFile, Limits


def plan(
    paths: Iterable[Path],
    known: Mapping[Path, KnownFile],
    chunk_tokens: int,
    limits: Limits,
    leave_out: Path | None = None,
) -> Iterator[FileReport]:
    """A report of each file as :func:`ingest.pipeline.run` would give it, without what only reading tells.

    A file that would be read has the status "read"; it may turn out to be refused.

    Raises:
        PathNotFound, NothingToRead, BadIgnoreFile.
    """
    paths = list(paths)
    found = discover(paths, leave_out)
    check_something(found, known, paths)
    gone = found.gone(known)
    contents = by_content(known)
    current = readers(chunk_tokens, limits)
    for path in found.files:
        try:
            source = stat(path)
            before = known.get(path)
            if before is not None and before.reader in current:
                if (before.size, before.modified_ns) == (source.size, source.modified_ns):
                    yield before.report
                    continue
                if before.digest and before.digest == digest_of(path):
                    yield before.report
                    continue
            check_supported(path)
            content = digest_of(path), path.suffix.lower()
        except FileRefused as error:
            yield FileReport(path, "refused", error.message)
            continue
        other = contents.setdefault(content, path)
        if other == path or (other in known and known[other].reader not in current):
            yield FileReport(path, "read")
        else:
            report = known[other].report if other in known else FileReport(path, "duplicate")
            yield replace(report, path=path, status="moved" if other in gone else "duplicate", other=other)
    for path in gone:
        if known[path].is_stored:
            yield FileReport(path, "removed")
