"""The write path: discover → load → chunk → embed → store, one commit a file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .chunking import Chunker
from .discover import discover, stat
from .errors import FileRefused, NoText, Unreadable
from .loaders import load
from .messages import Message
from .types import Chunk, Document, FileReport, SourceFile, Status

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
) -> Iterator[Progress]:
    """Ingest files and folders, yielding progress; the last event of each file carries its report.

    A file that can't be read costs itself only. Stopping the iteration, or Ctrl-C, loses the file at work and no
    other: each finished file is one commit, and the next run passes over it.

    Args:
        chunk_tokens: bound of a chunk, in the embedder's tokens.
        leave_out: a folder that is never read, such as the index's own.

    Raises:
        PathNotFound, NothingToRead: before anything is done.
    """
    return _Run(discover(paths, leave_out), store, embedder, chunk_tokens).events()


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: Status
    reason: Message | None
    pages: int
    chunks: int


class _Run:
    """The state of one run."""

    def __init__(self, files: list[Path], store: DocumentStore, embedder: PassageEmbedder, chunk_tokens: int) -> None:
        self._files = files
        self._sizes = [_size(path) for path in files]
        self._store = store
        self._embedder = embedder
        self._chunker = Chunker(embedder.count_tokens, chunk_tokens)
        self._began = time.monotonic()
        self._bytes_total = sum(self._sizes)
        self._bytes_done = 0
        self._done = 0
        self._pages = 0
        self._chunks = 0

    def events(self) -> Iterator[Progress]:
        for path in self._files:
            began = time.monotonic()
            yield self._progress(path, 0.0)
            try:
                outcome = yield from self._one(path)
            except FileRefused as error:
                outcome = _Outcome("refused", error.message, 0, 0)
            self._bytes_done += self._sizes[self._done]
            self._done += 1
            self._pages += outcome.pages
            if outcome.status != "unchanged":
                self._chunks += outcome.chunks
            seconds = time.monotonic() - began
            report = FileReport(path, outcome.status, outcome.reason, outcome.pages, outcome.chunks, seconds)
            yield self._progress(path, 0.0, report)

    def _one(self, path: Path) -> Generator[Progress, None, _Outcome]:
        source = stat(path)
        if self._store.is_current(source):
            return _Outcome("unchanged", None, *self._store.stored_report(path))
        digest = _digest(path)
        if self._store.is_same(source, digest):
            return _Outcome("unchanged", None, *self._store.stored_report(path))
        document = load(path)
        chunks = self._chunker.chunks(document)
        if not chunks:
            raise NoText("file.no_text")
        parts: list[npt.NDArray[np.float32]] = []
        for first in range(0, len(chunks), _EMBED_AT_ONCE):
            batch = chunks[first : first + _EMBED_AT_ONCE]
            parts.append(self._embedder.embed_passages([chunk.embedded_text for chunk in batch]))
            yield self._progress(path, (first + len(batch)) / len(chunks), chunks=first + len(batch))
        self._store.put(source, digest, document, chunks, np.concatenate(parts))
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
