"""Which files a path means, and a folder against what is known of it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from .errors import NothingToRead, PathNotFound, Unreadable
from .ignore import Ignore
from .types import SourceFile

_NEVER = {"Thumbs.db", "desktop.ini", "__MACOSX"}
_SECOND = 10**9
_TICK = _SECOND // 20  # no finer clock stamps files on the systems we know


@dataclass(frozen=True, slots=True)
class Found:
    """What paths mean.

    Attributes:
        files: absolute paths, folders walked in name order, each once.
        folders: the folders among the paths.
        closed: folders that could not be listed, so that nothing is known of what is in them.
        own: the folder that is passed over.
    """

    files: tuple[Path, ...]
    folders: tuple[Path, ...] = ()
    closed: tuple[Path, ...] = ()
    own: Path | None = None

    def gone(self, known: Iterable[Path]) -> list[Path]:
        """Those of the known paths that were in the folders and are not there any more (or are ignored now)."""
        there = set(self.files)
        unseen = self.closed if self.own is None else (*self.closed, self.own)
        return sorted(
            path
            for path in known
            if path not in there
            and any(path.is_relative_to(folder) for folder in self.folders)
            and not any(path.is_relative_to(folder) for folder in unseen)
        )


def discover(paths: Iterable[Path], leave_out: Path | None = None) -> Found:
    """The files that ``paths`` name.

    Hidden files and folders, office lock files (``~$…``) and what a ``.ragignore`` names are left out inside a
    folder; a file named outright is never left out. Links to folders are not followed, so a loop can't catch us.

    Args:
        leave_out: a folder whose files are passed over, such as the index's own.

    Raises:
        PathNotFound: a path that does not exist.
        BadIgnoreFile: see :class:`ingest.ignore.Ignore`.
    """
    own = leave_out.resolve() if leave_out else None
    files: dict[Path, None] = {}
    folders: list[Path] = []
    closed: list[Path] = []
    for path in [_expanded(path) for path in paths]:
        full = path.resolve()
        if not path.is_dir():
            files[full] = None
            continue
        folders.append(full)
        files.update(dict.fromkeys(_walk(full, own, closed)))
    return Found(tuple(files), tuple(folders), tuple(closed), own)


def check_something(found: Found, known: Iterable[Path], paths: Iterable[Path]) -> None:
    """Refuse folders without a file: an unmounted drive must not empty a knowledge base.

    Raises:
        NothingToRead.
    """
    if found.files or found.closed:
        return
    named = ", ".join(map(str, paths))
    gone = found.gone(known)
    if gone:
        raise NothingToRead("ingest.all_gone", path=named, count=len(gone))
    raise NothingToRead("ingest.nothing_to_read", path=named)


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


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal.

    Raises:
        Unreadable.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable("file.unreadable", cause=error.strerror or error) from error


def can_be_trusted(source: SourceFile) -> bool:
    """Whether a later change is sure to change the file's time too; call it before reading the file.

    A file may be written twice within one tick of the clock that stamps it. Whole seconds mean a file system with
    coarse times (FAT: 2 s). A time in the future, after the clock was set back, can't be trusted either.
    """
    tick = 2 * _SECOND if source.modified_ns % _SECOND == 0 else _TICK
    return time.time_ns() - source.modified_ns > tick


def folder(path: Path) -> Path:
    """A folder's absolute path.

    Raises:
        PathNotFound: there is none.
    """
    full = _expanded(path).resolve()
    if not full.is_dir():
        raise PathNotFound("ingest.no_folder", path=path)
    return full


def _expanded(path: Path) -> Path:
    """The path with "~" filled in; it exists."""
    try:
        full = path.expanduser()
        full.stat()
    except (RuntimeError, OSError, ValueError) as error:  # no such user; no such file, name too long; a NUL in it
        raise PathNotFound("ingest.no_such_path", path=path) from error
    return full


def _walk(top: Path, own: Path | None, closed: list[Path]) -> Iterator[Path]:
    """Files; also folders that can't be listed, so that they are reported."""
    rules: dict[Path, Ignore] = {}
    unlisted: list[Path] = []
    for parent, folders, files in os.walk(top, onerror=lambda error: unlisted.append(Path(error.filename))):
        here = Path(parent)
        if here == own:
            folders.clear()
            continue
        ignore = rules[here] = Ignore(here, rules.get(here.parent))
        folders[:] = sorted(
            name
            for name in folders
            if not _left_out(name) and here / name != own and not ignore.ignores(name, is_folder=True)
        )
        for name in sorted(files):
            if not _left_out(name) and not ignore.ignores(name, is_folder=False):
                yield here / name
    closed += unlisted
    yield from unlisted


def _left_out(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _NEVER
