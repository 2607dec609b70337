"""Reads files in worker processes under limits, so that a bomb, a hang or a native crash costs one file alone.

A worker is a fresh interpreter that runs :mod:`ingest.worker` and talks through its standard input and output: that
works alike on Linux, macOS and Windows, imports nothing of the program that calls us, and ends with it, because the
pipe then ends. One thread of ours stands behind each worker that is at work.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from . import errors, messages, types
from .errors import FileRefused, NoWorkers, OverLimit, ReaderFailed
from .loaders import check_supported
from .messages import Message
from .types import Document, Limits
from .worker import MEMORY_EXIT, page_seconds

DEFAULT_WORKERS = min(2, os.cpu_count() or 1)
_START_SECONDS = 60
_SENT_BY_WORKERS = (types.__name__, messages.__name__)
_GARBLED = (EOFError, OSError, pickle.UnpicklingError, AttributeError, ImportError, IndexError, TypeError, ValueError)
"""What unpickling raises on half a reply or on nonsense."""

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW  # also keeps Ctrl-C away from it
else:
    _FLAGS = 0
_starting = threading.Lock()  # on Windows a process may inherit the pipes of another that is being started beside it


class Sandbox:
    """Reads files in worker processes, which are started when they are needed and used again.

    ::

        with Sandbox(Limits(seconds=10)) as sandbox:
            documents = [sandbox.submit(path) for path in paths]
            print(result(documents[0]).title)

    Args:
        limits: what one file may cost.
        workers: most processes at a time.
        loaders: extra loaders, suffix → dotted name of a module as described in :mod:`ingest.loaders`; they win over
            the built-in ones.
    """

    def __init__(
        self, limits: Limits | None = None, workers: int | None = None, loaders: Mapping[str, str] | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.workers = workers or DEFAULT_WORKERS
        self._loaders = dict(loaders or {})
        self._threads = ThreadPoolExecutor(self.workers, "read-files")
        self._lock = threading.Lock()
        self._alive: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._closed = False

    def submit(
        self, path: Path, passwords: Sequence[str] = (), recognizing: Callable[[int, int], None] | None = None
    ) -> Future[Document]:
        """Read a file as soon as a worker is free; :func:`result` waits for it.

        Args:
            passwords: tried one after the other where the file is encrypted.
            recognizing: called before each page that is recognized, from another thread, as
                :class:`ingest.recognition.Recognition` says.

        Raises:
            UnsupportedFormat: no loader reads it; no worker is troubled.
        """
        check_supported(path, self._loaders)
        return self._threads.submit(self._read, path, tuple(passwords), recognizing or (lambda done, total: None))

    def close(self) -> None:
        """End all workers at once, whatever they are doing."""
        with self._lock:
            self._closed = True
            for worker in self._alive:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._alive:
            worker.bury()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, path: Path, passwords: tuple[str, ...], recognizing: Callable[[int, int], None]) -> Document:
        worker = self._take()
        again = False
        try:
            outcome, again = worker.read(path, passwords, self.limits, recognizing)
        finally:
            self._give_back(worker, again)
        if isinstance(outcome, FileRefused):
            raise outcome
        return outcome

    def _take(self) -> _Worker:
        """An idle worker that is still alive (the system may have killed one meanwhile), else a new one."""
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                break
            if worker.is_alive():
                return worker
            self._give_back(worker, again=False)
        with self._lock:
            if self._closed:
                raise NoWorkers("ingest.no_workers", cause="closed")
            worker = _Worker()
            self._alive.add(worker)
        try:
            worker.prepare(self.limits, self._loaders)
        except NoWorkers:
            self._give_back(worker, again=False)
            raise
        return worker

    def _give_back(self, worker: _Worker, again: bool) -> None:
        with self._lock:
            if again:
                self._idle.append(worker)
                return
            worker.kill()
            if not self._closed:  # close() buries those it finds
                self._alive.discard(worker)
                worker.bury()


def result(document: Future[Document]) -> Document:
    """What :meth:`Sandbox.submit` promised.

    Waits in short turns: on Windows, Ctrl-C can't break into one long wait.

    Raises:
        FileRefused: what the loader raised, or that a limit was passed, or that the reader crashed.
        NoWorkers: no process could be started.
    """
    while not is_done(document):
        pass
    return document.result()


def is_done(document: Future[Document]) -> bool:
    """Whether a file is read, or could not be; waits for it a moment."""
    return bool(wait([document], timeout=0.2).done)


class _Worker:
    """One process, seen from ours."""

    def __init__(self) -> None:
        self._late = False
        # our paths come last: a module of the caller's folder must never stand in for one of Python's own
        code = "import sys; sys.path += sys.argv[1:]; from ingest.worker import main; main()"
        paths = [path or str(Path.cwd()) for path in sys.path]
        with _starting:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", code, *paths],  # -P: modules are never taken from the working folder
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    creationflags=_FLAGS,
                )
            except OSError as error:
                raise NoWorkers("ingest.no_workers", cause=error.strerror or error) from error
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._replies = cast("IO[bytes]", self._process.stdout)

    def prepare(self, limits: Limits, loaders: Mapping[str, str]) -> None:
        """Wait until it is ready.

        Raises:
            NoWorkers.
        """
        if not self._send((limits, loaders)) or self._reply(_START_SECONDS) != "ready":
            raise NoWorkers("ingest.no_workers", cause=self._end())

    def read(
        self, path: Path, passwords: tuple[str, ...], limits: Limits, recognizing: Callable[[int, int], None]
    ) -> tuple[Document | FileRefused, bool]:
        """The document, or why there is none; and whether the worker can be used again."""
        seconds = limits.seconds
        reply = self._reply(seconds) if self._send((str(path), passwords)) else None
        for _ in range(limits.ocr_pages if limits.ocr else 0):  # as often as a page may be recognized, time begins anew
            match reply:
                case ("recognizing", int(done), int(total)):
                    recognizing(done, total)
                    seconds = page_seconds(limits)
                    reply = self._reply(seconds)
                case _:
                    break
        match reply:
            case ("read", Document() as document, bool(last)):
                return document, not last
            case ("refused", str(name), Message() as reason, bool(last)):
                return getattr(errors, name)(reason.key, **dict(reason.values)), not last
        end = self._end()
        if self._late or end == "SIGALRM":
            return OverLimit("file.too_slow", seconds=seconds), False
        if end == str(MEMORY_EXIT):
            return OverLimit("file.too_large_for_memory", memory_mb=limits.memory_mb), False
        return ReaderFailed("file.crashed", cause=end), False

    def is_alive(self) -> bool:
        """False once it ended, however that came about."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def bury(self) -> None:
        """Wait for the end of a process that was killed, and close its pipes."""
        with contextlib.suppress(OSError), self._process:  # what was never read can't be flushed
            pass

    def _send(self, request: object) -> bool:
        """Ask for something; False where the process is gone."""
        try:
            self._requests.write(pickle.dumps(request))
            self._requests.flush()
        except OSError:
            return False
        return True

    def _reply(self, seconds: float) -> Any:
        """The next reply; None when there is none, or none that makes sense."""
        timer = threading.Timer(seconds, self._end_late)
        timer.daemon = True
        timer.start()
        try:
            return _Unpickler(self._replies).load()
        except _GARBLED:
            return None
        finally:
            timer.cancel()

    def _end_late(self) -> None:
        self._late = True
        self.kill()

    def _end(self) -> str:
        """The signal that ended the process, or its exit code; one that goes on without sense is killed."""
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        return next((one.name for one in signal.Signals if one == -code), str(code))


class _Unpickler(pickle.Unpickler):
    """Builds our own values only: a worker that a file has taken over can't make us run anything."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _SENT_BY_WORKERS:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")
