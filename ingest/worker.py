"""The process that files are read in; :mod:`ingest.sandbox` starts it, sends it paths and gets documents back.

Requests come pickled on standard input, replies go pickled to standard output. The first request is (limits, extra
loaders), answered by "ready"; each one after it is (path, passwords). A reply is one of:

    ("recognizing", pages done, pages in all)           before each page that is recognized; another reply follows
    ("read", Document, last)
    ("refused", name of a FileRefused class, Message, last)

``last`` says that this process ends after it and another one should follow.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from . import errors
from .errors import FileRefused, OverLimit, ReaderFailed
from .loaders import LOADERS, load
from .loaders.pictures import Pictures
from .messages import Message
from .recognition import Recognition, new_recognizer
from .types import Limits

MEMORY_EXIT = 77
"""Exit code of a process that was over the memory limit and could not say so."""
GRACE_SECONDS = 10
PAGE_SECONDS = 180
"""What recognizing one page may take at least: seconds on a laptop, half a minute on one that has much else to do."""
_MOST_FILES = 200
_STATM = Path("/proc/self/statm")


def main() -> None:
    """Serve until standard input ends, which it does when the parent ends, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, replies = _own_pipes()
    limits, loaders = pickle.load(requests)  # noqa: S301 -- from the parent
    LOADERS.update(loaders)
    files: queue.SimpleQueue[tuple[str, tuple[str, ...]]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, files), daemon=True).start()
    sys.excepthook = _last_words(replies)
    idle_mb = _resident_mb()
    lift_memory_limit = _limit_memory(limits.memory_mb)
    recognizer = cache(new_recognizer)  # its models are loaded once for all files

    def recognizing(done: int, total: int) -> None:
        _send(replies, pickle.dumps(("recognizing", done, total)))
        _alarm(page_seconds(limits) + GRACE_SECONDS)

    _send(replies, pickle.dumps("ready"))
    for count in range(1, _MOST_FILES + 1):
        path, passwords = files.get()
        _alarm(limits.seconds + GRACE_SECONDS)
        try:
            reply = _reply(Path(path), limits, passwords, Recognition(limits, recognizer, recognizing))
            grown = _resident_mb() - idle_mb > limits.memory_mb / 2
            data = pickle.dumps((*reply, grown or count == _MOST_FILES))
        except MemoryError:
            lift_memory_limit()
            refused = OverLimit("file.too_large_for_memory", memory_mb=limits.memory_mb)
            data = pickle.dumps((*_refused(refused), True))
        _alarm(0)
        _send(replies, data)
        del data


def page_seconds(limits: Limits) -> float:
    """Most seconds from one recognized page to the next."""
    return max(limits.seconds, PAGE_SECONDS)


def _reply(path: Path, limits: Limits, passwords: tuple[str, ...], recognition: Recognition) -> tuple[object, ...]:
    try:
        pictures = Pictures(limits)
        return ("read", load(path, limits, passwords=passwords, recognition=recognition, pictures=pictures))
    except FileRefused as error:
        return _refused(error)


def _refused(error: FileRefused) -> tuple[str, str, Message]:
    """An error as what the parent can build it from again: no exception is pickled, its cause may be anything."""
    known = next(kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind)
    return "refused", known.__name__, error.message


def _last_words(replies: BinaryIO) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """What ends this process when a loader raises what nobody foresaw: say so, then let a fresh one follow."""

    def end(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        failed = ReaderFailed("file.failed", error=f"{kind.__name__}: {error}"[:300])
        _send(replies, pickle.dumps((*_refused(failed), True)))
        os._exit(1)

    return end


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for us alone; what a loader reads or prints goes nowhere."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return requests, replies


def _receive(requests: BinaryIO, files: queue.SimpleQueue[tuple[str, tuple[str, ...]]]) -> None:
    """Pass on the requests; end the process, whatever it is doing, when the parent is gone."""
    while True:
        try:
            files.put(pickle.load(requests))  # noqa: S301 -- from the parent
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)


def _send(replies: BinaryIO, data: bytes) -> None:
    try:
        replies.write(data)
        replies.flush()
    except OSError:  # the parent is gone
        os._exit(0)


def _alarm(seconds: float) -> None:
    """End the process after ``seconds`` if the parent did not.

    A loader inside C code that keeps the interpreter's lock lets :func:`_receive` never run; the kernel needs no lock.
    """
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _resident_mb() -> float:
    """Memory held now; where only the peak is known, that; 0 where nothing is."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return 0.0


def _limit_memory(megabytes: int) -> Callable[[], None]:
    """Bound this process's memory to what it takes now and ``megabytes`` more; returns what lifts the bound.

    Linux bounds the address space. macOS has no such bound, so a thread watches the memory in use there. Windows has
    neither.
    """
    if sys.platform == "win32":
        return lambda: None
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no core file
    if not _STATM.exists():
        threading.Thread(target=_watch_memory, args=(_resident_mb() + megabytes,), daemon=True).start()
        return lambda: None
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = int(_STATM.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") + (megabytes << 20)
    for bound in (before, hard):
        most = most if bound == resource.RLIM_INFINITY else min(most, bound)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def _watch_memory(most_mb: float) -> None:
    while _resident_mb() <= most_mb:
        time.sleep(0.1)
    os._exit(MEMORY_EXIT)
