"""What a program can bring along for ingestion: its own readers of files, its own way of cutting pages."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from .errors import FileRefused, ReaderFailed
from .types import Document


class Reader(Protocol):
    """Reads files of a kind that the app does not read, or reads them in another way."""

    @property
    def identity(self) -> str:
        """Changes whenever what it makes of a file does; files that were read otherwise are read anew."""

    def read(self, path: Path) -> Document:
        """The document of a file; runs in this process, without limits, so only on files that are trusted.

        Raises:
            FileRefused: it can't be read; the error says why. Any other error costs that file alone, too.
        """


class Cutter(Protocol):
    """Cuts a page's text into pieces, where the app's own way of doing so is not wanted."""

    @property
    def identity(self) -> str:
        """Changes whenever the pieces do."""

    def cut(self, text: str) -> Sequence[tuple[int, int]]:
        """Pieces (start, end) in reading order; what is in none of them is not searched.

        One that is too long for the embedding model is cut further.

        Raises:
            FileRefused: the text can't be cut so.
        """


class OwnReading:
    """Files read in threads of this process by readers that were brought along; use as a context manager."""

    def __init__(self, workers: int) -> None:
        self._waiting = ThreadPoolExecutor(workers, "own readers")
        self._reading = ThreadPoolExecutor(workers, "own reader")

    def submit(self, reader: Reader, path: Path) -> Future[Document]:
        """Read a file; whatever goes wrong becomes a FileRefused."""
        return self._waiting.submit(self._read, reader, path)

    def _read(self, reader: Reader, path: Path) -> Document:
        done = self._reading.submit(reader.read, path)
        error = done.exception()
        if isinstance(error, FileRefused) or error is None:
            return done.result()
        raise ReaderFailed("file.failed", error=f"{type(error).__name__}: {error}") from error

    def __enter__(self) -> OwnReading:
        return self

    def __exit__(self, *_: object) -> None:
        for threads in (self._waiting, self._reading):
            threads.shutdown(cancel_futures=True)
