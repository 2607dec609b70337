"""A data folder that is open: catalog, vectors, the embedding models its knowledge bases were made with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.messages import Message

from .catalog import Catalog, IndexState
from .errors import SettingsError, UnknownDocument, UnknownKnowledgeBase
from .index.writer import IndexWriter, check_embedder, reconcile, renew_lexical, writing
from .llm.select import Models
from .parts import Parts
from .precedence import Precedence
from .protocols import Embedder
from .settings import Settings
from .types import KnowledgeBase, StoredDocument
from .vectors import Vectors

_DEFAULT_KB = "default"


class Store:
    """What all of :class:`rag_app.app.RagApp` works on; safe to share between threads.

    Raises:
        SettingsError: the folder can't be used. StorageError: the catalog can't be opened.
    """

    def __init__(self, settings: Settings, notify: Callable[[Message], None], parts: Parts) -> None:
        self.settings = settings
        self.parts = parts
        self.notify = notify
        self._lock = threading.Lock()
        self._embedders: dict[str, Embedder] = {}
        self.models = Models(settings, parts.model)
        self.precedence = Precedence()
        _make_folder(settings.data_dir)
        self.catalog = Catalog(settings.data_dir)
        self.vectors = Vectors(settings.data_dir / "vectors")
        reconcile(settings.data_dir, self.catalog, self.vectors)
        renew_lexical(settings.data_dir, self.catalog, self.vectors, notify)

    def close(self) -> None:
        """Close the files, and stop what models are doing."""
        self.models.close()
        self.catalog.close()
        self.vectors.reopen()

    def kb(self, name: str | None) -> KnowledgeBase:
        """The named knowledge base; the default one comes into being when it is first asked for.

        Raises:
            UnknownKnowledgeBase.
        """
        wanted = name if name is not None else self.settings.kb
        bases = self.catalog.knowledge_bases
        try:
            return bases.get(wanted)
        except UnknownKnowledgeBase:
            if wanted != _DEFAULT_KB:
                raise
            return bases.create(wanted)

    def find(self, kb: KnowledgeBase, path: Path) -> list[Path]:
        """Stored files, by path or folder, else by file name.

        Raises:
            UnknownDocument.
        """
        try:
            full = path.expanduser().resolve()
        except RuntimeError as error:  # "~nobody"
            raise UnknownDocument("document.unknown", path=path, kb=kb.name) from error
        known = list(self.catalog.files.known(kb.id))
        found = [one for one in known if one.is_relative_to(full)]
        if not found and path.name == str(path):
            found = [one for one in known if one.name == path.name]
        if not found:
            raise UnknownDocument("document.unknown", path=path, kb=kb.name)
        return found

    def documents_of(self, kb: KnowledgeBase, paths: list[Path]) -> list[StoredDocument]:
        """The documents that these files have."""
        wanted = set(paths)
        return [document for document in self.catalog.documents.all(kb.id) if wanted & set(document.paths)]

    def embedder(self, setting: str | None = None) -> Embedder:
        """The embedding model brought along, else that a setting names, by default the one in force; opened once.

        Raises:
            EmbedderError: it can't be had.
        """
        if self.parts.embedder is not None:
            return self.parts.embedder
        wanted = setting or self.settings.embedder
        with self._lock:
            if wanted not in self._embedders:
                from .embedding.select import open_embedder

                settings = self.settings.model_copy(update={"embedder": wanted})
                self._embedders[wanted] = open_embedder(settings, self.notify)
            return self._embedders[wanted]

    def setting_of(self, state: IndexState) -> str:
        """The setting that names a knowledge base's model: its own, unless one was asked for in so many words."""
        asked = "embedder" in self.settings.model_fields_set
        return self.settings.embedder if asked or not state.setting else state.setting

    def embedder_of(self, state: IndexState) -> Embedder:
        """The embedding model that a knowledge base was made with, or will be.

        Raises:
            EmbedderError: it can't be had, or another one is set.
        """
        setting = self.setting_of(state)
        embedder = self.embedder(setting)
        check_embedder(state, embedder.info, setting)
        return embedder

    @contextmanager
    def writing(self, kb: KnowledgeBase) -> Iterator[IndexWriter]:
        """The one writer of the data folder, see :func:`rag_app.index.writer.writing`.

        Raises:
            StorageLocked.
        """
        with writing(self.settings.data_dir, self.catalog, self.vectors, kb.id) as writer:
            yield writer


def _make_folder(folder: Path) -> None:
    """Make the data folder and make sure it can be written."""
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError("settings.folder", folder=folder, cause=error.strerror or error) from error
