"""The write path: discover → load → chunk → embed → store, one commit a file.

The next files are read, by workers, while one is embedded.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .chunking import Chunker
from .discover import discover, stat
from .errors import FileRefused, NoText, Unreadable
from .messages import Message
from .sandbox import Sandbox, result
from .types import Chunk, Document, FileReport, Limits, SourceFile, Status

_EMBED_AT_ONCE = 64


class PassageEmbedder(Protocol):
    """What ingestion needs of an embedding model."""

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimension)."""

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""


class DocumentStore(Protocol):
    """What ingestion needs of the storage. Each call is one commit."""

    def is_current(self, source: SourceFile) -> bool:
        """True when this path was stored with this size and time."""

    def is_same(self, source: SourceFile, digest: str) -> bool:
        """True when this path was stored with this content; its time is then brought up to date."""

    def put(
        self,
        source: SourceFile,
        digest: str,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: npt.NDArray[np.float32],
    ) -> None:
        """Store a document, in place of what the path held before."""

    def stored_report(self, path: Path) -> tuple[int, int]:
        """(pages with text, chunks) of a stored document."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        path: the file at work.
        files_done, files_total, pages, chunks: counts so far.
        fraction: work done, 0–1, by the size of the files.
        seconds: since the run began; ``seconds_left`` is None until it can be told.
        report: set when the file at work has just been finished.
    """

    path: Path
    files_done: int
    files_total: int
    pages: int
    chunks: int
    fraction: float
    seconds: float
    report: FileReport | None = None

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the rate so far."""
        if self.fraction < 0.02 or self.seconds < 1:
            return None
        return self.seconds * (1 - self.fraction) / self.fraction

    @property
    def chunks_per_second(self) -> float:
        """Rate since the run began."""
        return self.chunks / self.seconds if self.seconds else 0.0


def run(
    paths: Iterable[Path],
    store: DocumentStore,
    embedder: PassageEmbedder,
    chunk_tokens: int,
    leave_out: Path | None = None,
    *,
    limits: Limits | None = None,
    workers: int | None = None,
    loaders: Mapping[str, str] | None = None,
) -> Generator[Progress, None, None]:
    """Ingest files and folders, yielding progress; the last event of each file carries its report.

    A file that can't be read costs itself only. Stopping the iteration, or Ctrl-C, loses the file at work and no
    other: each finished file is one commit, and the next run passes over it. Close the generator to stop at once.

    Args:
        chunk_tokens: bound of a chunk, in the embedder's tokens.
        leave_out: a folder that is never read, such as the index's own.
        limits, workers, loaders: what :class:`ingest.sandbox.Sandbox` is told.

    Raises:
        PathNotFound, NothingToRead: before anything is done.
        NoWorkers: while iterating.
    """
    files = discover(paths, leave_out)
    return _Run(files, store, embedder, chunk_tokens, Sandbox(limits, workers, loaders)).events()


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: Status
    reason: Message | None
    pages: int
    chunks: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """A file that changed and is being read."""

    source: SourceFile
    digest: str
    document: Future[Document]


class _Run:
    """The state of one run."""

    def __init__(
        self, files: list[Path], store: DocumentStore, embedder: PassageEmbedder, chunk_tokens: int, sandbox: Sandbox
    ) -> None:
        self._files = files
        self._sizes = [_size(path) for path in files]
        self._store = store
        self._embedder = embedder
        self._sandbox = sandbox
        self._chunker = Chunker(embedder.count_tokens, chunk_tokens)
        self._began = time.monotonic()
        self._bytes_total = sum(self._sizes)
        self._bytes_done = 0
        self._done = 0
        self._pages = 0
        self._chunks = 0

    def events(self) -> Generator[Progress, None, None]:
        with self._sandbox:
            yield from self._events()

    def _events(self) -> Generator[Progress, None, None]:
        begun: deque[_Reading | _Outcome] = deque()
        upcoming = iter(self._files)
        for path in self._files:
            began = time.monotonic()
            yield self._progress(path, 0.0)
            while len(begun) < self._sandbox.workers + 2 and (following := next(upcoming, None)) is not None:
                begun.append(self._begin(following))  # this file, one for each worker, one for the first that is done
            match begun.popleft():
                case _Outcome() as outcome:
                    pass
                case _Reading() as reading:
                    outcome = yield from self._finish(path, reading)
            self._bytes_done += self._sizes[self._done]
            self._done += 1
            self._pages += outcome.pages
            if outcome.status != "unchanged":
                self._chunks += outcome.chunks
            seconds = time.monotonic() - began
            report = FileReport(path, outcome.status, outcome.reason, outcome.pages, outcome.chunks, seconds)
            yield self._progress(path, 0.0, report)

    def _begin(self, path: Path) -> _Reading | _Outcome:
        """Have a file read, unless it did not change or it is plain already that it can't be."""
        try:
            source = stat(path)
            if self._store.is_current(source):
                return _Outcome("unchanged", None, *self._store.stored_report(path))
            digest = _digest(path)
            if self._store.is_same(source, digest):
                return _Outcome("unchanged", None, *self._store.stored_report(path))
            return _Reading(source, digest, self._sandbox.submit(path))
        except FileRefused as error:
            return _Outcome("refused", error.message, 0, 0)

    def _finish(self, path: Path, reading: _Reading) -> Generator[Progress, None, _Outcome]:
        try:
            return (yield from self._store_document(path, reading))
        except FileRefused as error:
            return _Outcome("refused", error.message, 0, 0)

    def _store_document(self, path: Path, reading: _Reading) -> Generator[Progress, None, _Outcome]:
        document = result(reading.document)
        chunks = self._chunker.chunks(document)
        if not chunks:
            raise NoText("file.no_text")
        parts: list[npt.NDArray[np.float32]] = []
        for first in range(0, len(chunks), _EMBED_AT_ONCE):
            batch = chunks[first : first + _EMBED_AT_ONCE]
            parts.append(self._embedder.embed_passages([chunk.embedded_text for chunk in batch]))
            yield self._progress(path, (first + len(batch)) / len(chunks), chunks=first + len(batch))
        self._store.put(reading.source, reading.digest, document, chunks, np.concatenate(parts))
        status: Status = "partial" if document.warnings else "read"
        pages = sum(1 for page in document.pages if page.text.strip())
        return _Outcome(status, document.warnings[0] if document.warnings else None, pages, len(chunks))

    def _progress(self, path: Path, part: float, report: FileReport | None = None, chunks: int = 0) -> Progress:
        done = self._bytes_done + (part * self._sizes[self._done] if report is None else 0)
        return Progress(
            path,
            self._done,
            len(self._files),
            self._pages,
            self._chunks + chunks,
            min(1.0, done / max(1, self._bytes_total)),
            time.monotonic() - self._began,
            report,
        )


def _size(path: Path) -> int:
    """Bytes, for estimating; a file that can't be asked is reported when its turn comes."""
    try:
        return stat(path).size
    except Unreadable:
        return 0


def _digest(path: Path) -> str:
    """SHA-256 of the content, hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable("file.unreadable", cause=error.strerror or error) from error
