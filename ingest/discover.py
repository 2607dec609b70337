"""Which files a path means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import NothingToRead, PathNotFound, Unreadable
from .types import SourceFile

_NEVER = {"Thumbs.db", "desktop.ini", "__MACOSX"}


def discover(paths: Iterable[Path], leave_out: Path | None = None) -> list[Path]:
    """The files that ``paths`` name, folders walked in name order, each file once.

    Hidden files and folders and office lock files (``~$…``) inside a folder are left out; a file named outright is
    never left out. Links to folders are not followed, so a loop can't catch us.

    Args:
        leave_out: a folder whose files are passed over, such as the index's own.

    Raises:
        PathNotFound: a path that does not exist.
        NothingToRead: the paths hold no file at all.
    """
    found: dict[Path, None] = {}
    own = leave_out.resolve() if leave_out else None
    asked = [path.expanduser() for path in paths]
    for path in asked:
        if not path.exists():
            raise PathNotFound("ingest.no_such_path", path=path)
        found.update(dict.fromkeys(_walk(path, own) if path.is_dir() else [path.resolve()]))
    if not found:
        raise NothingToRead("ingest.nothing_to_read", path=", ".join(map(str, asked)))
    return list(found)


def stat(path: Path) -> SourceFile:
    """Size and time of a file.

    Raises:
        Unreadable: the operating system would not say.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise Unreadable("file.unreadable", cause=error.strerror or error) from error
    return SourceFile(path, status.st_size, status.st_mtime_ns)


def _walk(folder: Path, own: Path | None) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder.resolve()):
        folders[:] = sorted(name for name in folders if not _left_out(name) and Path(parent, name) != own)
        yield from (Path(parent, name) for name in sorted(files) if not _left_out(name))


def _left_out(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _NEVER
