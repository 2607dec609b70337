"""Files into a knowledge base."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ingest.types import IngestReport, Progress

from .. import filling
from ..index import enriching
from ..llm.completing import ModelCompletion
from .base import Opened


class Filling(Opened):
    """Files into a knowledge base."""

    def ingest(
        self,
        *paths: str | Path,
        kb: str | None = None,
        passwords: Sequence[str] = (),
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Make a knowledge base equal to files and folders: what is new or changed is read, what left a folder leaves.

        Unchanged files cost a look at their size and time. Ctrl-C, or an error, loses the files at work only.

        Args:
            passwords: tried one after the other on encrypted files; never stored.
            progress: called with each step; a step that finishes a file carries its report.

        Raises:
            PathNotFound, NothingToRead, BadIgnoreFile, NoWorkers, UnknownKnowledgeBase, EmbedderError, StorageError.
        """
        named = [Path(path) for path in paths]
        return filling.fill(self._store, self._store.kb(kb), named, passwords, progress or (lambda step: None))

    def plan(self, *paths: str | Path, kb: str | None = None) -> IngestReport:
        """What :meth:`ingest` would do, without doing it; a file that would be read has the status "read".

        Raises:
            PathNotFound, NothingToRead, BadIgnoreFile, UnknownKnowledgeBase, EmbedderError.
        """
        return filling.plan(self._store, self._store.kb(kb), [Path(path) for path in paths])

    def sync(
        self,
        *folders: str | Path,
        kb: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """:meth:`ingest` folders and remember them; without any, all that are remembered.

        Raises:
            SettingsError: no folder is given and none remembered. And what :meth:`ingest` raises.
        """
        base = self._store.kb(kb)
        in_step = filling.folders_in_step(self._store, base, [Path(folder) for folder in folders])
        return filling.fill(self._store, base, in_step, (), progress or (lambda step: None))

    def watch(
        self,
        *folders: str | Path,
        kb: str | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[IngestReport]:
        """:meth:`sync` now and whenever something changed and came to rest; yields each report, until ``stop`` is set.

        Raises:
            What :meth:`sync` raises.
        """
        base = self._store.kb(kb)
        in_step = filling.folders_in_step(self._store, base, [Path(folder) for folder in folders])
        return filling.watch(self._store, base, in_step, progress or (lambda step: None), stop or threading.Event())

    def changes(self, kb: str | None = None, stop: threading.Event | None = None) -> Iterator[None]:
        """Yields now, and whenever something in the folders that :meth:`sync` remembers changed and came to rest.

        Args:
            stop: ends it when it is set.

        Raises:
            SettingsError: no folder is remembered. PathNotFound: one is gone. UnknownKnowledgeBase.
        """
        return filling.changes_of(self._store, self._store.kb(kb), stop or threading.Event())

    def folders(self, kb: str | None = None) -> list[Path]:
        """The folders that :meth:`sync` remembers.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._store.catalog.files.folders(self._store.kb(kb).id)

    def leave_folder(self, folder: str | Path, kb: str | None = None) -> None:
        """Let :meth:`sync` forget a folder; what was read of it stays.

        Raises:
            UnknownKnowledgeBase.
        """
        self._store.catalog.files.leave_folder(self._store.kb(kb).id, Path(folder))

    def enrich(self, kb: str | None = None, progress: Callable[[int, int], None] | None = None) -> int:
        """Let the answering model write, for each passage, what it is about and which questions it answers.

        Both are searched with the passage, never shown or cited. Passages that have this are passed over, so a run
        that was stopped goes on. Returns how many passages the model wrote nothing useful of.

        Args:
            progress: called with (passages done, passages in all).

        Raises:
            UnknownKnowledgeBase; ModelError: the model can't be had.
        """
        model = ModelCompletion(self._store.models.chat_model(), self.settings.answer_tokens)
        base = self._store.kb(kb)
        return enriching.enrich(self._store.catalog, base, model, progress or (lambda done, total: None))

    def forget_notes(self, kb: str | None = None) -> None:
        """Drop what :meth:`enrich` wrote.

        Raises:
            UnknownKnowledgeBase.
        """
        enriching.forget(self._store.catalog, self._store.kb(kb))
