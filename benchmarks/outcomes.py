"""What became of a file: read through the sandbox, cut into chunks, and counted; for hostile.py and fuzzing.py."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.chunking import Chunker
from ingest.errors import FileRefused, NoText, OverLimit, ReaderFailed
from ingest.sandbox import Sandbox, result
from ingest.types import Document

CHUNK_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """How reading one file ended.

    Attributes:
        status: "read", "partial" or "refused".
        kind: the class of the refusal, "" where there is none. key: of the reason or first warning.
        reason: the same for a person; "" for a file read whole.
        pages: those with text. seconds: from asking to the last chunk.
    """

    name: str
    status: str
    kind: str
    key: str
    reason: str
    pages: int
    characters: int
    chunks: int
    seconds: float

    @property
    def failed(self) -> bool:
        """True where the reader crashed or raised what nobody foresaw."""
        return self.kind == ReaderFailed.__name__

    @property
    def slow(self) -> bool:
        """True where the time limit was passed."""
        return self.kind == OverLimit.__name__ and self.key == "file.too_slow"


def chunker() -> Chunker:
    """One that needs no model: a token is a Chinese character or a bit more than half a Latin word."""
    return Chunker(lambda text: len(text) - text.count(" ") // 2, CHUNK_TOKENS)


def outcome(sandbox: Sandbox, cutter: Chunker, path: Path, name: str = "") -> tuple[Outcome, Document | None]:
    """Read and chunk a file as :mod:`ingest.pipeline` does."""
    name = name or path.name
    began = time.monotonic()
    try:
        document = result(sandbox.submit(path))
        chunks = cutter.chunks(document)
        if not chunks:
            raise NoText("file.no_text")
    except FileRefused as error:
        seconds = time.monotonic() - began
        kind, key = type(error).__name__, error.message.key
        return Outcome(name, "refused", kind, key, error.text("en"), 0, 0, 0, seconds), None
    seconds = time.monotonic() - began
    pages = sum(1 for page in document.pages if page.text.strip())
    characters = sum(len(page.text) for page in document.pages)
    if document.warnings:
        first = document.warnings[0]
        done = Outcome(name, "partial", "", first.key, first.text("en"), pages, characters, len(chunks), seconds)
    else:
        done = Outcome(name, "read", "", "", "", pages, characters, len(chunks), seconds)
    return done, document


class Watch:
    """The most memory that processes started by this one ever held, in MiB; Linux only, 0 elsewhere."""

    def __init__(self) -> None:
        self.most = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for task in Path("/proc/self/task").glob("*/children"):
                try:
                    children = task.read_text().split()
                except OSError:  # the thread has ended
                    continue
                self.most = max([self.most, *(memory_mb(child, "VmHWM") for child in children)])


def memory_mb(process: str = "self", what: str = "VmRSS") -> float:
    """Memory of a process in MiB: VmRSS now, VmHWM at most; 0 where that can't be told."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what + ":")), 0.0)
