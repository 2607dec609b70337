"""The write path: discover → load → chunk → embed → store, one commit a file.

The next files are read, by workers, while one is embedded.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .chunking import Chunker
from .discover import discover, stat
from .errors import FileRefused, NoText, Unreadable
from .sandbox import Sandbox, is_done, result
from .types import Chunk, Document, FileReport, Limits, Progress, SourceFile

_EMBED_AT_ONCE = 64
_RECOGNIZING = 0.9  # of the work on a file with pages to recognize


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

    def stored_report(self, path: Path) -> FileReport:
        """What became of a stored document when it was read."""


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
    passwords: Sequence[str] = (),
) -> Generator[Progress, None, None]:
    """Ingest files and folders, yielding progress; the last event of each file carries its report.

    A file that can't be read costs itself only. Stopping the iteration, or Ctrl-C, loses the file at work and no
    other: each finished file is one commit, and the next run passes over it. Close the generator to stop at once.

    Args:
        chunk_tokens: bound of a chunk, in the embedder's tokens.
        leave_out: a folder that is never read, such as the index's own.
        limits, workers, loaders: what :class:`ingest.sandbox.Sandbox` is told.
        passwords: tried one after the other on encrypted files; never stored.

    Raises:
        PathNotFound, NothingToRead: before anything is done.
        NoWorkers: while iterating.
    """
    files = discover(paths, leave_out)
    return _Run(files, store, embedder, chunk_tokens, Sandbox(limits, workers, loaders), passwords).events()


class _Reading:
    """A file that changed and is being read."""

    def __init__(self, source: SourceFile, digest: str, sandbox: Sandbox, passwords: Sequence[str]) -> None:
        self.source = source
        self.digest = digest
        self.recognizing: tuple[int, int] | None = None
        self.document = sandbox.submit(source.path, passwords, self._note)

    def _note(self, done: int, total: int) -> None:
        self.recognizing = done, total  # by the sandbox's thread: one assignment


class _Run:
    """The state of one run."""

    def __init__(
        self,
        files: list[Path],
        store: DocumentStore,
        embedder: PassageEmbedder,
        chunk_tokens: int,
        sandbox: Sandbox,
        passwords: Sequence[str],
    ) -> None:
        self._files = files
        self._sizes = [_size(path) for path in files]
        self._store = store
        self._embedder = embedder
        self._sandbox = sandbox
        self._passwords = passwords
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
        begun: deque[_Reading | FileReport] = deque()
        upcoming = iter(self._files)
        for path in self._files:
            began = time.monotonic()
            yield self._progress(path, 0.0)
            while len(begun) < self._sandbox.workers + 2 and (following := next(upcoming, None)) is not None:
                begun.append(self._begin(following))  # this file, one for each worker, one for the first that is done
            match begun.popleft():
                case FileReport() as report:
                    pass
                case _Reading() as reading:
                    report = yield from self._finish(reading)
            self._bytes_done += self._sizes[self._done]
            self._done += 1
            self._pages += report.pages
            if report.status != "unchanged":
                self._chunks += report.chunks
            yield self._progress(path, 0.0, replace(report, seconds=time.monotonic() - began))

    def _begin(self, path: Path) -> _Reading | FileReport:
        """Have a file read, unless it did not change or it is plain already that it can't be."""
        try:
            source = stat(path)
            if self._store.is_current(source):
                return self._store.stored_report(path)
            digest = _digest(path)
            if self._store.is_same(source, digest):
                return self._store.stored_report(path)
            return _Reading(source, digest, self._sandbox, self._passwords)
        except FileRefused as error:
            return FileReport(path, "refused", error.message)

    def _finish(self, reading: _Reading) -> Generator[Progress, None, FileReport]:
        try:
            return (yield from self._store_document(reading))
        except FileRefused as error:
            return FileReport(reading.source.path, "refused", error.message)

    def _store_document(self, reading: _Reading) -> Generator[Progress, None, FileReport]:
        path = reading.source.path
        yield from self._wait(reading)
        document = result(reading.document)
        chunks = self._chunker.chunks(document)
        if not chunks:
            raise NoText("file.no_text")
        parts: list[npt.NDArray[np.float32]] = []
        rest = 1 - _RECOGNIZING if reading.recognizing else 1.0
        for first in range(0, len(chunks), _EMBED_AT_ONCE):
            batch = chunks[first : first + _EMBED_AT_ONCE]
            parts.append(self._embedder.embed_passages([chunk.embedded_text for chunk in batch]))
            done = first + len(batch)
            yield self._progress(path, 1 - rest + rest * done / len(chunks), chunks=done)
        self._store.put(reading.source, reading.digest, document, chunks, np.concatenate(parts))
        return _report(path, document, len(chunks))

    def _wait(self, reading: _Reading) -> Generator[Progress, None, None]:
        """Until the file is read; a word for each page that is recognized."""
        told = None
        while not is_done(reading.document):
            if reading.recognizing != told:
                told = reading.recognizing
                part = _RECOGNIZING * told[0] / max(1, told[1]) if told else 0.0
                yield self._progress(reading.source.path, part, recognizing=told)

    def _progress(
        self,
        path: Path,
        part: float,
        report: FileReport | None = None,
        chunks: int = 0,
        recognizing: tuple[int, int] | None = None,
    ) -> Progress:
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
            recognizing,
        )


def _report(path: Path, document: Document, chunks: int) -> FileReport:
    with_text = [page for page in document.pages if page.text.strip()]
    return FileReport(
        path,
        "partial" if document.warnings else "read",
        document.warnings[0] if document.warnings else None,
        len(with_text),
        chunks,
        recognized=tuple(page.number for page in with_text if page.ocr),
        empty=tuple(page.number for page in document.pages if not page.text.strip()),
        warnings=document.warnings,
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
