"""The write path: discover → load → chunk → embed → store.

Workers read the next files while a group of files is embedded and the group before it is stored, in one commit.
What is under way is bounded: a few files, and two groups of at most some hundred chunks (or one long file) each.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from .changes import Changes, Content, Readers, Seen
from .chunking import Chunker
from .describing import Describing, PictureDescriber
from .discover import Found, check_something, discover, stat
from .embedding import EmbeddingStage, Group, PassageEmbedder, Vectors
from .errors import FileRefused, NoText, ReaderFailed, Unreadable, UserError
from .given import Cutter, OwnReading, Reader
from .messages import Language, Message
from .sandbox import Sandbox, result
from .types import Document, FileReport, KnownFile, Limits, Progress, ReadFile, SourceFile

_GROUP_CHUNKS = 128
_GROUP_FILES = 64
_GROUPS = 2  # in the embedding stage at a time
_RECOGNIZING = 0.9  # of the work on a file with pages to recognize, or pictures to describe
_TICK_SECONDS = 0.2  # on Windows, Ctrl-C can't break into one long wait


class DocumentStore(Protocol):
    """What ingestion needs of the storage. Each call that writes is one commit."""

    def known(self) -> Mapping[Path, KnownFile]:
        """All files that were stored or refused."""

    def touched(self, source: SourceFile) -> None:
        """A known file has another time and the same content."""

    def adopt(self, source: SourceFile, digest: str, reader: str) -> bool:
        """List content under this path too, if it is stored, of the same kind of file and read by ``reader``."""

    def refuse(self, source: SourceFile, digest: str, reader: str, reason: Message) -> bool:
        """Remember a refusal; what the path held before stays. True when it held something."""

    def vectors(self, contents: Sequence[bytes]) -> Mapping[bytes, Vectors]:
        """Those of the contents (:attr:`ingest.types.Chunk.content`) that have a vector."""

    def put(self, files: Sequence[ReadFile], vectors: Sequence[Vectors]) -> None:
        """Store files, each in place of what its path held before."""

    def remove(self, paths: Sequence[Path]) -> None:
        """Take files out."""


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
    describer: PictureDescriber | None = None,
    language: Language = "en",
    own: Mapping[str, Reader] | None = None,
    cutter: Cutter | None = None,
) -> Generator[Progress, None, None]:
    """Make the storage equal to files and folders, yielding progress; each file's last event carries its report.

    Files that left a folder leave the storage. A file that can't be read costs itself only. Stopping the iteration,
    or Ctrl-C, loses the files at work and no other: finished ones are committed, and the next run passes over them.
    Close the generator to stop at once.

    Args:
        chunk_tokens: bound of a chunk, in the embedder's tokens.
        leave_out: a folder that is never read, such as the index's own.
        limits, workers, loaders: what :class:`ingest.sandbox.Sandbox` is told.
        passwords: tried one after the other on encrypted files; never stored.
        describer: describes pictures, as many of a file as ``limits`` say, in the language of what stands around them,
            in ``language`` where nothing does.
        own: suffix → what reads such files, in this process, in place of a loader. cutter: cuts pages into passages.

    Raises:
        PathNotFound, NothingToRead, BadIgnoreFile: before anything is done.
        NoWorkers: while iterating. UserError: what the describer raises when it can't describe anything; files that
            were read whole are stored first.
    """
    paths = list(paths)
    found = discover(paths, leave_out)
    known = store.known()
    check_something(found, known, paths)
    sandbox = Sandbox(limits, workers, loaders)
    own = {suffix.lower(): reader for suffix, reader in (own or {}).items()}
    identity = describer.identity if describer is not None else ""
    readers = Readers.of(chunk_tokens, sandbox.limits, identity, own, cutter)
    suffixes = (*(loaders or ()), *own)
    changes = Changes(found, known, readers, sandbox.limits, unlocking=bool(passwords), loaders=suffixes)
    chunker = Chunker(embedder.count_tokens, chunk_tokens, cutter)
    describing = Describing(describer, language) if describer is not None else None
    return _Run(found, changes, readers, store, embedder, chunker, sandbox, passwords, describing, own).events()


class _Reading:
    """A file that changed and is being read, its pictures last."""

    def __init__(
        self,
        source: SourceFile,
        seen: Seen,
        submit: Callable[[_Reading], Future[Document]],
        describing: Describing | None,
    ) -> None:
        self.source = source
        self.seen = seen
        self.recognizing: tuple[int, int] | None = None
        self.describing: tuple[int, int] | None = None
        self._describing = describing
        self.document = submit(self)

    def is_ready(self) -> bool:
        """Whether all of it is read, or can't be; what has pictures goes on to be described."""
        if not self.document.done():
            return False
        if self._describing is None or self.document.exception() or not self.document.result().pictures:
            return True
        self.document = self._describing.start(self.document.result(), self._note_describing)
        return False

    def note_recognizing(self, done: int, total: int) -> None:
        self.recognizing = done, total  # by the sandbox's thread: one assignment

    def _note_describing(self, done: int, total: int) -> None:
        self.recognizing, self.describing = None, (done, total)


@dataclass(frozen=True, slots=True)
class _Twin:
    """A file whose content another file of this run has, which is at work."""

    seen: Seen


class _Run:
    """The state of one run."""

    def __init__(
        self,
        found: Found,
        changes: Changes,
        readers: Readers,
        store: DocumentStore,
        embedder: PassageEmbedder,
        chunker: Chunker,
        sandbox: Sandbox,
        passwords: Sequence[str],
        describing: Describing | None,
        own: Mapping[str, Reader],
    ) -> None:
        self._describing = describing
        self._own = own
        self._own_reading = OwnReading(sandbox.workers)
        self._files = found.files
        self._changes = changes
        self._readers = readers
        self._sizes = {path: _size(path) for path in found.files}
        self._store = store
        self._sandbox = sandbox
        self._passwords = passwords
        self._chunker = chunker
        self._stage = EmbeddingStage(embedder, store.vectors)
        self._begun: deque[_Reading | _Twin | FileReport] = deque()
        self._at_work: set[Content] = set()  # contents that are being read or embedded
        self._group: list[ReadFile] = []
        self._group_chunks = 0
        self._groups: deque[Group] = deque()
        self._twins: list[_Twin] = []
        self._started: dict[Path, float] = {}
        self._began = time.monotonic()
        self._bytes_total = sum(self._sizes.values())
        self._bytes_done = self._done = self._pages = self._chunks = 0
        self._at = found.files[0] if found.files else Path()

    def events(self) -> Generator[Progress, None, None]:
        with self._sandbox, self._own_reading, self._stage, self._describing or nullcontext():
            try:
                yield from self._read_all()
            except UserError:
                if self._describing is not None and self._describing.failed:
                    yield from self._store_rest()
                raise
            yield from self._remove_gone()

    def _read_all(self) -> Generator[Progress, None, None]:
        upcoming = iter(self._files)
        while True:
            self._begin_more(upcoming)
            if len(self._groups) < _GROUPS and (begun := self._first_ready()) is not None:
                yield from self._take(begun)
            elif self._group and (not self._groups or not self._begun):
                self._start_group()  # the embedder has nothing to do
            elif self._groups and self._groups[0].is_done:
                yield from self._store_group(self._groups.popleft())
            elif self._begun or self._groups:
                yield from self._wait()
            else:
                break

    def _store_rest(self) -> Generator[Progress, None, None]:
        """Store what is read when no further file can be."""
        if self._group:
            self._start_group()
        while self._groups:
            yield from self._store_group(self._groups.popleft())

    # Files, one by one

    def _begin_more(self, upcoming: Iterator[Path]) -> None:
        """Keep every worker busy, and one file ready for the first that is done."""
        while len(self._begun) < self._sandbox.workers + 2 and (path := next(upcoming, None)) is not None:
            self._started[path] = time.monotonic()
            self._begun.append(self._begin(path))

    def _begin(self, path: Path) -> _Reading | _Twin | FileReport:
        """Have a file read, unless it did not change or it is plain already that it can't be."""
        try:
            source = stat(path)
        except FileRefused as error:
            return FileReport(path, "refused", error.message)  # not remembered: there is nothing to compare with
        try:
            seen = self._changes.look(source)
        except FileRefused as error:
            return self._refused(Seen(source, ("", "")), error)
        if seen.unchanged is not None:
            if seen.touched:
                self._store.touched(seen.source)
            return seen.unchanged.report
        if seen.content in self._at_work:
            return _Twin(seen)
        adopted = self._adopt(seen)
        if adopted is not None:
            return adopted
        self._at_work.add(seen.content)
        return _Reading(source, seen, self._submit, self._describing)

    def _submit(self, reading: _Reading) -> Future[Document]:
        """Have a file read: by a reader that was brought along for such files, else in the sandbox."""
        path = reading.source.path
        own = self._own.get(path.suffix.lower())
        if own is not None:
            return self._own_reading.submit(own, path)
        return self._sandbox.submit(path, self._passwords, reading.note_recognizing)

    def _adopt(self, seen: Seen) -> FileReport | None:
        """List a stored content under this path too."""
        path, digest = seen.source.path, seen.content[0]
        readers = self._changes.readers(path, seen.content)
        if any(self._store.adopt(seen.source, digest, reader) for reader in sorted(readers)):
            return self._changes.other(path, seen.content) or FileReport(path, "duplicate")
        return None

    def _refused(self, seen: Seen, error: FileRefused) -> FileReport:
        self._at_work.discard(seen.content)
        source = seen.source
        if isinstance(error, (Unreadable, ReaderFailed)):  # it may go well the next time
            source = replace(source, modified_ns=-1)
        reader = self._readers.name(source.path, troubled=True)
        kept = self._store.refuse(source, seen.content[0], reader, error.message)
        return FileReport(source.path, "refused", error.message, kept=kept)

    # Stages

    def _first_ready(self) -> _Reading | _Twin | FileReport | None:
        """The first that needs no waiting, taken out: a long scan must not hold up the files after it."""
        for place, begun in enumerate(self._begun):
            if not isinstance(begun, _Reading) or begun.is_ready():
                del self._begun[place]
                return begun
        return None

    def _take(self, begun: _Reading | _Twin | FileReport) -> Generator[Progress, None, None]:
        match begun:
            case FileReport() as report:
                yield self._finished(report)
            case _Twin() as twin:
                yield from self._take_twin(twin)
            case _Reading() as reading:
                self._at = reading.source.path
                try:
                    self._add(reading)
                except FileRefused as error:
                    yield self._finished(self._refused(reading.seen, error))
                    yield from self._take_twins()

    def _add(self, reading: _Reading) -> None:
        """Put a file that was read into the group that is being filled."""
        document = result(reading.document)
        after = stat(reading.source.path)
        if after != reading.source:
            raise Unreadable("file.changing")
        chunks = tuple(self._chunker.chunks(document))
        if not chunks:
            raise _no_text(document)
        reader = self._readers.name(reading.source.path, troubled=bool(document.warnings))
        self._group.append(ReadFile(reading.seen.source, reading.seen.content[0], reader, document, chunks))
        self._group_chunks += len(chunks)
        if self._group_chunks >= _GROUP_CHUNKS or len(self._group) >= _GROUP_FILES:
            self._start_group()

    def _take_twin(self, twin: _Twin) -> Generator[Progress, None, None]:
        if twin.seen.content in self._at_work:
            self._twins.append(twin)  # until the other is stored or refused
            return
        adopted = self._adopt(twin.seen)
        if adopted is not None:
            yield self._finished(adopted)
        else:  # the other one could not be read; so this one tries, with its own name
            self._begun.appendleft(self._begin(twin.seen.source.path))

    def _start_group(self) -> None:
        self._groups.append(self._stage.start(self._group))
        self._group = []
        self._group_chunks = 0

    def _store_group(self, group: Group) -> Generator[Progress, None, None]:
        self._store.put(group.files, group.vectors())
        for file in group.files:
            content = file.digest, file.source.path.suffix.lower()
            self._at_work.discard(content)
            self._changes.add(file.source.path, content)
            yield self._finished(_report(file))
        yield from self._take_twins()

    def _take_twins(self) -> Generator[Progress, None, None]:
        twins, self._twins = self._twins, []
        for twin in twins:
            yield from self._take_twin(twin)

    def _wait(self) -> Generator[Progress, None, None]:
        """A moment, until something is done."""
        futures: list[Future[Any]] = list(self._groups[0].futures) if self._groups else []
        first = None
        match self._begun[0] if self._begun else None:
            case _Reading() as reading:
                if len(self._groups) < _GROUPS:
                    futures += [begun.document for begun in self._begun if isinstance(begun, _Reading)]
                first = reading
                self._at = reading.source.path
        wait(futures, _TICK_SECONDS, FIRST_COMPLETED)
        yield self._progress(reading=first)

    def _remove_gone(self) -> Generator[Progress, None, None]:
        if self._changes.gone:
            self._store.remove(self._changes.gone)  # the last step, so that a moved file has been found by its content
        for path in self._changes.leaving:
            yield self._finished(FileReport(path, "removed"))

    # Progress

    def _finished(self, report: FileReport) -> Progress:
        self._bytes_done += self._sizes.get(report.path, 0)
        self._done += 1
        if report.status in ("read", "partial"):
            self._pages += report.pages
            self._chunks += report.chunks
        self._at = report.path
        now = time.monotonic()
        return self._progress(replace(report, seconds=now - self._started.pop(report.path, now)))

    def _progress(self, report: FileReport | None = None, reading: _Reading | None = None) -> Progress:
        recognizing = reading.recognizing if reading is not None else None
        describing = reading.describing if reading is not None else None
        under_way = 0.0
        chunks = self._chunks
        for group in self._groups:
            under_way += group.share * sum(self._sizes.get(file.source.path, 0) for file in group.files)
            chunks += round(group.share * sum(len(file.chunks) for file in group.files))
        if seen := describing or recognizing:
            under_way += _RECOGNIZING * seen[0] / max(1, seen[1]) * self._sizes.get(self._at, 0)
        return Progress(
            self._at,
            self._done,
            len(self._files) + len(self._changes.leaving),
            self._pages,
            chunks,
            min(1.0, (self._bytes_done + under_way) / max(1, self._bytes_total)),
            time.monotonic() - self._began,
            report,
            recognizing,
            describing,
        )


def _no_text(document: Document) -> NoText:
    """Why nothing of a document can be searched: what could not be read, where that is known."""
    if document.warnings:
        return NoText(document.warnings[0].key, **dict(document.warnings[0].values))
    return NoText("file.no_text")


def _report(file: ReadFile) -> FileReport:
    return replace(
        FileReport.of(file.source.path, file.document, len(file.chunks)),
        status="partial" if file.document.warnings else "read",
        reason=file.document.warnings[0] if file.document.warnings else None,
    )


def _size(path: Path) -> int:
    """Bytes, for estimating; a file that can't be asked is reported when its turn comes."""
    try:
        return stat(path).size
    except Unreadable:
        return 0
