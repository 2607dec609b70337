"""Locks between processes that a dead process can't keep; the only filelock import."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import StorageLocked


class Mark:
    """Says to all processes that this one is at work on something, for as long as it lives; ended by any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        self._path = path
        self._lock = FileLock(path, thread_local=False)
        self._lock.acquire()

    def end(self) -> None:
        """The work is done; a second time does nothing."""
        self._lock.release()
        _remove(self._path)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether some process is at work there; what a dead one left is removed."""
        if not path.is_file():
            return False
        try:
            with FileLock(path, timeout=0, thread_local=False):
                pass
        except Timeout:
            return True
        _remove(path)
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):  # Windows lets no file be deleted that another process looks at; the next one does it
        path.unlink(missing_ok=True)


@contextmanager
def process_lock(path: Path, timeout: float = -1) -> Iterator[None]:
    """Hold the lock file at ``path``; the operating system frees it when the process ends, however it ends.

    Args:
        timeout: seconds to wait, -1 for ever.

    Raises:
        StorageLocked: another process holds it; the error names its process id.
    """
    holder = path.with_suffix(".holder")
    try:
        with FileLock(path, timeout=timeout):
            holder.write_text(str(os.getpid()), encoding="ascii")
            yield
    except Timeout as error:
        pid = holder.read_text(encoding="ascii") if holder.is_file() else "?"
        raise StorageLocked("storage.locked", path=path.parent, pid=pid) from error
