"""Knowledge bases: made, renamed, moved between machines, embedded anew, deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.messages import Message

from ..index import archive, erasure, rebuild
from ..types import KnowledgeBase
from .base import Opened


class KnowledgeBases(Opened):
    """Knowledge bases: made, renamed, moved between machines, embedded anew, deleted."""

    def knowledge_bases(self) -> list[KnowledgeBase]:
        """All knowledge bases, by name."""
        return self._store.catalog.knowledge_bases.all()

    def create_knowledge_base(self, name: str) -> KnowledgeBase:
        """A new, empty knowledge base.

        Raises:
            BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        return self._store.catalog.knowledge_bases.create(name)

    def rename_knowledge_base(self, name: str, new_name: str) -> KnowledgeBase:
        """Rename a knowledge base.

        Raises:
            UnknownKnowledgeBase, BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        return self._store.catalog.knowledge_bases.rename(name, new_name)

    def delete_knowledge_base(
        self, name: str, *, verify: bool = False, tell: Callable[[Message], None] | None = None
    ) -> KnowledgeBase:
        """Delete a knowledge base with all it holds, from the disk too; returns what it was.

        Args:
            verify: then search all files of the data folder for pieces of the text.
            tell: is told what the search found, rather than the ``notify`` of :meth:`open`.

        Raises:
            UnknownKnowledgeBase, StorageLocked, StorageError; NotErased: there are some.
        """
        kb = self._store.catalog.knowledge_bases.get(name)
        erasure.delete(self._store, kb, tell or self._store.notify, verify=verify)
        return kb

    def export_knowledge_base(self, name: str, file: str | Path) -> KnowledgeBase:
        """Write a knowledge base to one file: documents, chunks, vectors, and where the files were.

        Raises:
            UnknownKnowledgeBase, ArchiveError, StorageLocked, StorageError.
        """
        kb = self._store.catalog.knowledge_bases.get(name)
        archive.export(self._store, kb, Path(file))
        return kb

    def import_knowledge_base(self, file: str | Path, name: str | None = None) -> KnowledgeBase:
        """Make a knowledge base of such a file, under its own name or another; a damaged file is refused whole.

        Raises:
            ArchiveError, BadKnowledgeBaseName, KnowledgeBaseExists, StorageLocked, StorageError.
        """
        return archive.bring_in(self._store, Path(file), name)

    def reindex(
        self,
        embedder: str | None = None,
        kb: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> KnowledgeBase:
        """Embed all chunks with another model, or anew; meanwhile questions are answered from the old vectors.

        The new vectors are checked, then serve in one commit. After a kill, the same call goes on.

        Args:
            embedder: as the setting of that name; the one in force unless given.
            progress: called with (chunks done, chunks in all).

        Raises:
            UnknownKnowledgeBase, EmbedderError, StorageLocked, StorageError.
        """
        return rebuild.run(self._store, self._store.kb(kb), embedder, progress or (lambda done, total: None))
