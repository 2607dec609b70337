"""Files that came through a browser: the app's own copies, in a folder of each knowledge base.

A name from outside is a wish: what is made of it never leaves the folder, is a name on every system, and reads as what
it is. The copies go when their documents go; no other file is ever deleted.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Iterator
from itertools import count
from pathlib import Path

from ingest.errors import OverLimit

from .errors import StorageError

_FOLDER = "uploads"
_PART = ".part-"
_DEEPEST = 6  # folders and the name
_MOST_BYTES = 160  # of a name; file systems take 255, and a number may be added
_MOST_SUFFIX_BYTES = 16
_FORBIDDEN = re.compile(r'[<>:"|?*]')  # on Windows
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(?:\.|\Z)", re.IGNORECASE)
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # control characters, overrides of the direction, half characters


def folder_of(data_dir: Path, kb: str) -> Path:
    """Where the uploads of a knowledge base lie; it may not be there."""
    return data_dir / _FOLDER / kb


def root(data_dir: Path) -> Path:
    """Where all uploads lie."""
    return data_dir / _FOLDER


def safe_path(name: str) -> Path:
    """A relative path of plain names, made of the name that a browser gave; folders in it stay folders."""
    parts = [part for part in map(_safe_name, re.split(r"[/\\]", name)) if part]
    return Path(*(parts or ["_"])[-_DEEPEST:])


def store(folder: Path, name: str, data: bytes | memoryview, most_mb: int) -> Path:
    """Write a file into the folder, under another name where one of other content has its own.

    Raises:
        UnsupportedFormat, OverLimit; StorageError: it can't be written.
    """
    from ingest.loaders import check_supported

    relative = safe_path(name)
    check_supported(relative)
    if len(data) > most_mb << 20:
        raise OverLimit("upload.too_large", size=len(data) >> 20, most=most_mb)
    try:
        wanted = folder.resolve() / relative
        wanted.parent.mkdir(parents=True, exist_ok=True)
        for path in _free_names(wanted):
            if _is_same(path, data) or _write(path, data):
                return path
    except OSError as error:
        raise StorageError("upload.failed", name=relative, cause=error.strerror or error) from error
    raise AssertionError  # there is always another name


def unread(folder: Path, known: Collection[Path]) -> list[Path]:
    """Uploads that were never read: the reading was stopped before their turn."""
    if not folder.is_dir():
        return []
    return sorted(path for path in _files(folder.resolve()) if path not in known)


def delete(folder: Path, paths: Iterable[Path]) -> None:
    """Delete those of the files that are uploads, and folders that this leaves empty.

    Raises:
        StorageError: one can't be deleted.
    """
    folder = folder.resolve()
    for path in paths:
        if not path.is_relative_to(folder):
            continue
        try:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if not parent.is_relative_to(folder) or (parent.is_dir() and any(parent.iterdir())):
                    break
                parent.rmdir()
        except OSError as error:
            raise StorageError("upload.not_deleted", path=path, cause=error.strerror or error) from error


def delete_all(folder: Path) -> None:
    """Delete all uploads of a knowledge base.

    Raises:
        StorageError.
    """
    if folder.is_dir():
        delete(folder, [path for path in folder.resolve().rglob("*") if path.is_file()])


def _safe_name(part: str) -> str:
    part = unicodedata.normalize("NFC", part)
    part = "".join(one for one in part if unicodedata.category(one) not in _UNSEEN)
    part = _FORBIDDEN.sub("_", part).strip(" ").rstrip(". ")
    if part.startswith(".") or _RESERVED.match(part):
        part = f"_{part}"
    stem, suffix = Path(part).stem, Path(part).suffix
    if len(suffix.encode()) > _MOST_SUFFIX_BYTES:
        stem, suffix = part, ""
    room = _MOST_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + suffix


def _free_names(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem} ({number}){path.suffix}") for number in count(2))


def _is_same(path: Path, data: bytes | memoryview) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _write(path: Path, data: bytes | memoryview) -> bool:
    """Write a file whole or not at all; False where the name is taken."""
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    part = path.with_name(f"{_PART}{uuid.uuid4().hex}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return True


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_PART))
