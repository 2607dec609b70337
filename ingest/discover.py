"""Which files a path means."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

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
    asked = [_expanded(path) for path in paths]
    for path in asked:
        found.update(dict.fromkeys(_walk(path, own) if path.is_dir() else [path.resolve()]))
    if not found:
        raise NothingToRead("ingest.nothing_to_read", path=", ".join(map(str, asked)))
    return list(found)


def stat(path: Path) -> SourceFile:
    """Size and time of a file.

    Raises:
        Unreadable: the operating system would not say, it is no ordinary file, or its name is no text.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise Unreadable("file.unreadable", cause=error.strerror or error) from error
    if not S_ISREG(status.st_mode):  # a pipe or a device may never end
        raise Unreadable("file.folder_unreadable" if S_ISDIR(status.st_mode) else "file.not_regular")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise Unreadable("file.bad_name") from error
    return SourceFile(path, status.st_size, status.st_mtime_ns)


def _expanded(path: Path) -> Path:
    """The path with "~" filled in; it exists."""
    try:
        full = path.expanduser()
        full.stat()
    except (RuntimeError, OSError, ValueError) as error:  # no such user; no such file, name too long; a NUL in it
        raise PathNotFound("ingest.no_such_path", path=path) from error
    return full


def _walk(folder: Path, own: Path | None) -> Iterator[Path]:
    """Files; also folders that can't be listed, so that they are reported."""
    closed: list[Path] = []
    for parent, folders, files in os.walk(folder.resolve(), onerror=lambda error: closed.append(Path(error.filename))):
        if Path(parent) == own:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not _left_out(name) and Path(parent, name) != own)
        yield from (Path(parent, name) for name in sorted(files) if not _left_out(name))
    yield from closed


def _left_out(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _NEVER
