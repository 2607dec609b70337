"""Work on a knowledge base's documents, as jobs: files are read, folders kept in step, documents and bases deleted.

One at a time writes to the data folder; the others wait for their turn, and can be stopped while they do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from rag_app import FileReport, IngestReport, KnowledgeBase, Message, Progress, RagApp

from .jobs import Job, jobs

_TICK = 0.3  # s
_READ, _ERASE = "ingest", "erase"

Show = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: files and folders to read once, or folders to keep in step."""

    paths: tuple[Path, ...]
    in_step: bool = False


@dataclass(frozen=True, slots=True)
class Erasing:
    """What is deleted: documents of a knowledge base, or all of it (``count`` is None), and what was said of it."""

    name: str
    count: int | None
    said: tuple[Message, ...] = ()


def read(app: RagApp, kb: KnowledgeBase, paths: Sequence[Path], passwords: Sequence[str] = ()) -> None:
    """Read files and folders, which starts a new report unless passwords are tried on files of the last one."""

    def ingest(show: Show) -> IngestReport:
        return app.ingest(*paths, kb=kb.name, passwords=passwords, progress=show)

    _start(kb, Request(tuple(paths)), ingest, fresh=not passwords)


def keep_in_step(
    app: RagApp, kb: KnowledgeBase, folders: Sequence[Path], then: Callable[[], None] = lambda: None
) -> None:
    """Make the knowledge base equal to folders, and remember them; ``then`` is called once that is done."""

    def sync(show: Show) -> IngestReport:
        report = app.sync(*folders, kb=kb.name, progress=show)
        then()
        return report

    _start(kb, Request(tuple(folders), in_step=True), sync, fresh=True)


def erase(app: RagApp, kb: KnowledgeBase, paths: Sequence[Path]) -> None:
    """Delete documents, and search for what is left of them."""
    _start_erasing(
        kb, Erasing(kb.name, len(paths)), lambda tell: app.remove(*paths, kb=kb.name, verify=True, tell=tell)
    )


def delete(app: RagApp, kb: KnowledgeBase) -> None:
    """Delete a knowledge base, once nothing is read into it any more, and search for what is left of it."""
    for job in running(kb):
        job.cancel()
    _start_erasing(kb, Erasing(kb.name, None), lambda tell: app.delete_knowledge_base(kb.name, verify=True, tell=tell))


def running(kb: KnowledgeBase) -> list[Job]:
    """What is being read into a knowledge base, or waits for its turn."""
    return [job for job in jobs().of(_READ, kb.id) if not job.finished]


def finished(kb: KnowledgeBase) -> list[Job]:
    """What was read last, until that is put away."""
    return [job for job in jobs().of(_READ, kb.id) if job.finished]


def is_waiting(job: Job) -> bool:
    """Whether a job that has not begun waits for another one."""
    others = [one for kind in (_READ, _ERASE) for one in jobs().running(kind) if one is not job]
    return any(one.began < job.began for one in others)


def erasures() -> list[Job]:
    """What is being deleted, and what was, until that is put away."""
    return jobs().of(_ERASE)


def put_away(done: Sequence[Job]) -> None:
    """Show these no longer."""
    for job in done:
        jobs().forget(job.key)


def request_of(job: Job) -> Request:
    """What was asked for."""
    asked: Request = job.key[-1]
    return asked


def reports_of(job: Job) -> list[FileReport]:
    """What became of the files so far, in the order they were finished."""
    return list(job.events)


def erasing(job: Job) -> Erasing:
    """What is deleted, and what was said of it."""
    what: Erasing = job.result or job.key[-1]
    return what


def _start(kb: KnowledgeBase, request: Request, ingest: Callable[[Show], IngestReport], *, fresh: bool) -> None:
    if fresh and not running(kb):
        put_away(finished(kb))
    turn = _turn()

    def work(job: Job) -> IngestReport:
        def show(step: Progress) -> None:
            if step.report is not None:
                job.say(step.report)
            job.is_at(step)

        with _my(turn, job):
            return ingest(show)

    jobs().start((_READ, kb.id, time.time_ns(), request), work)


def _start_erasing(kb: KnowledgeBase, what: Erasing, remove: Callable[[Callable[[Message], None]], object]) -> None:
    turn = _turn()

    def work(job: Job) -> Erasing:
        said: list[Message] = []
        with _my(turn, job):
            remove(said.append)
        return Erasing(what.name, what.count, tuple(said))

    jobs().start((_ERASE, kb.id, time.time_ns(), what), work)


@st.cache_resource(show_spinner=False)
def _turn() -> threading.Lock:
    """Held by whoever writes to the data folder."""
    return threading.Lock()


@contextmanager
def _my(turn: threading.Lock, job: Job) -> Iterator[None]:
    while not turn.acquire(timeout=_TICK):
        job.is_at(job.step)  # raises when it was stopped
    try:
        job.is_at(job.step)
        yield
    finally:
        turn.release()
