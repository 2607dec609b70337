"""Notices damage to Chroma's HNSW files, which Chroma itself meets with missing hits or a crash of the process.

Only writers change those files (chromadb 1.5.9; a reader replays the log in memory). So the one writer breaks the seal
when it begins and makes a new one when it ends, and where there is one, the files are as it says, or damaged. SQLite
looks after its own file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .errors import StorageError

_FILE = "seal.json"
_WRITTEN = "index_metadata.pickle"


class Seal:
    """The seal on the folders below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked: dict[str, tuple[int, int]] = {}

    def break_open(self) -> None:
        """The files are about to change."""
        (self._folder / _FILE).unlink(missing_ok=True)

    def blank(self) -> None:
        """Fill files that mean nothing yet with zeros: they hold what was in memory, see :mod:`rag_app.memory`."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if folder.is_dir() and not (folder / _WRITTEN).is_file():
                for path in folder.iterdir():
                    size = path.stat().st_size
                    with path.open("r+b") as file:
                        file.write(bytes(size))

    def make(self) -> None:
        """The files are whole now."""
        if self._folder.is_dir():
            digests = {path.relative_to(self._folder).as_posix(): _digest(path) for path in self._files()}
            work = self._folder / f"{_FILE}.part"
            work.write_text(json.dumps(digests), encoding="ascii")
            work.replace(self._folder / _FILE)

    def check(self) -> None:
        """Compare the files with the seal, if there is one; those that did not change since the last look are not read.

        Raises:
            StorageError: a file is damaged or missing; names it.
        """
        try:
            digests = json.loads((self._folder / _FILE).read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return
        for name, digest in digests.items():
            path = self._folder / name
            try:
                status = path.stat()
                stamp = status.st_size, status.st_mtime_ns
                if self._checked.get(name) == stamp:
                    continue
                whole = _digest(path) == digest
            except OSError:
                whole = False
            if not whole:
                if not (self._folder / _FILE).is_file():
                    return  # a writer has begun meanwhile
                raise StorageError("storage.vectors_damaged", path=self._folder, cause=name)
            self._checked[name] = stamp

    def _files(self) -> list[Path]:
        """Those that mean something: before an index is first written, every opening makes its files anew."""
        written = [path.parent for path in self._folder.glob(f"*/{_WRITTEN}")]
        return sorted(path for folder in written for path in folder.iterdir() if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
