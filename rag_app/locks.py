"""Locks between processes that a dead process can't keep; the only filelock import."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import StorageLocked


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
