"""Memory that is handed out blank.

Chroma's HNSW library (chromadb 1.5.9) writes arrays to disk that it never set, so what had been in that memory before,
a deleted text perhaps, lands in a file. glibc can blank memory as it hands it out; elsewhere there is no such switch.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

_M_PERTURB = -6  # see mallopt(3)
_BLANK = 0xFF  # memory is filled with the complement


@contextmanager
def blank_memory() -> Iterator[None]:
    """Meanwhile, what this process allocates (over a kilobyte at a time) holds zeros."""
    switch = _switch()
    if switch is None:
        yield
        return
    switch(_M_PERTURB, _BLANK)
    try:
        yield
    finally:
        switch(_M_PERTURB, 0)


@cache
def _switch() -> Callable[[int, int], int] | None:
    if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
        return None
    found: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    return found
