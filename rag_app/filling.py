"""Files into a knowledge base: once, from a folder that is kept in step, or for as long as one looks on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from ingest.errors import IngestError
from ingest.messages import message
from ingest.types import FileReport, IngestReport, Progress

from . import kept_runs
from .errors import SettingsError, StorageLocked
from .index.erasure import purge
from .index.rebuild import restore
from .llm.vision import open_describer
from .precedence import GivingWay
from .settings import language
from .store import Store
from .types import KnowledgeBase

_WINDOW_MARGIN = 16  # tokens of a window that prefixes and special tokens take

Show = Callable[[Progress], None]


def fill(store: Store, kb: KnowledgeBase, paths: Sequence[Path], passwords: Sequence[str], show: Show) -> IngestReport:
    """Make a knowledge base equal to files and folders.

    Raises:
        What :meth:`rag_app.app.RagApp.ingest` raises.
    """
    from ingest.pipeline import run

    began = time.monotonic()
    reports: list[FileReport] = []
    state = store.catalog.knowledge_bases.index(kb.id)
    embedder = store.embedder_of(state)
    describer = open_describer(store)
    with store.writing(kb) as writer:
        writer.use_embedder(embedder.info, store.setting_of(state))
        restore(writer, embedder, lambda done, total: store.notify(message("storage.restored", done=done, total=total)))
        steps = run(
            paths,
            writer,
            GivingWay(embedder, store.precedence),
            chunk_tokens(store, embedder.info.window),
            leave_out=store.settings.data_dir,
            limits=store.settings.parse_limits,
            workers=store.settings.parse_workers,
            passwords=passwords,
            describer=describer,
            language=language(store.settings),
            own=store.parts.readers,
            cutter=store.parts.cutter,
        )
        try:
            with closing(steps):
                for step in steps:
                    store.precedence.give_way()
                    if step.report is not None:
                        reports.append(step.report)
                    show(step)
        finally:
            if writer.removed_something:
                purge(writer, vectors=False)
                kept_runs.forget_documents(store.settings.data_dir, kb.id, writer.dropped)
    reports.sort(key=lambda report: report.path)
    return IngestReport(tuple(reports), time.monotonic() - began)


def plan(store: Store, kb: KnowledgeBase, paths: Iterable[Path]) -> IngestReport:
    """What :func:`fill` would do; nothing is read but what is new, and that only to know its content."""
    from ingest.plan import plan as reports

    began = time.monotonic()
    known = store.catalog.files.known(kb.id)
    window = store.embedder_of(store.catalog.knowledge_bases.index(kb.id)).info.window
    describer = open_describer(store)
    planned = reports(
        paths,
        known,
        chunk_tokens(store, window),
        store.settings.parse_limits,
        leave_out=store.settings.data_dir,
        describer=describer.identity if describer is not None else "",
        own=store.parts.readers,
        cutter=store.parts.cutter,
    )
    return IngestReport(tuple(sorted(planned, key=lambda report: report.path)), time.monotonic() - began)


def folders_in_step(store: Store, kb: KnowledgeBase, folders: Sequence[Path]) -> list[Path]:
    """The folders to bring in step: those given, which are remembered, else those that were given before.

    Raises:
        PathNotFound: there is no such folder. SettingsError: none is given and none is remembered.
    """
    from ingest.discover import folder

    given = [folder(path) for path in folders]
    if given:
        store.catalog.files.keep_folders(kb.id, given)
        return given
    remembered = store.catalog.files.folders(kb.id)
    if not remembered:
        raise SettingsError("cli.sync_nothing", kb=kb.name)
    return remembered


def watch(
    store: Store, kb: KnowledgeBase, folders: Sequence[Path], show: Show, stop: threading.Event
) -> Iterator[IngestReport]:
    """Bring folders in step now and after each change, until ``stop`` is set; yields what each time did.

    Where another process writes, it waits; what is wrong with a folder is said, and the next change tried again.
    """
    from ingest.watch import changes

    for _ in changes(folders, stop):
        while not stop.is_set():
            try:
                yield fill(store, kb, folders, (), show)
                break
            except StorageLocked as error:
                store.notify(error.message)
            except IngestError as error:
                store.notify(error.message)
                break


def changes_of(store: Store, kb: KnowledgeBase, stop: threading.Event) -> Iterator[None]:
    """Now, and whenever something in the remembered folders changed and came to rest, until ``stop`` is set.

    Raises:
        PathNotFound: one is gone. SettingsError: none is remembered.
    """
    from ingest.discover import folder
    from ingest.watch import changes

    return changes([folder(path) for path in folders_in_step(store, kb, [])], stop)


def chunk_tokens(store: Store, window: int) -> int:
    """The bound of a chunk: the setting, within the model's window."""
    return min(store.settings.chunk_tokens, window - _WINDOW_MARGIN)
