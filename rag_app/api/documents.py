"""What a knowledge base holds: looked through, tagged, taken out; files that came through a browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ingest.messages import Message

from .. import tagging, uploads
from ..index import erasure
from ..listing_types import FileCounts, FileList, FileOrder, FileState, ReadPages
from ..types import StoredDocument
from .base import Opened


class Documents(Opened):
    """What a knowledge base holds: looked through, tagged, taken out; files that came through a browser."""

    def documents(self, kb: str | None = None) -> list[StoredDocument]:
        """The documents of a knowledge base, by path.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._store.catalog.documents.all(self._store.kb(kb).id)

    def tag(
        self, *paths: str | Path, add: Sequence[str] = (), drop: Sequence[str] = (), kb: str | None = None
    ) -> list[StoredDocument]:
        """Give documents, or all documents of folders, tags to filter by; returns them as they are then.

        A tag belongs to the file's path: a new version of the file keeps it, a removed file loses it.

        Raises:
            UnknownKnowledgeBase, UnknownDocument; BadTag: a tag is empty or too long.
        """
        return tagging.tag(self._store, self._store.kb(kb), [Path(path) for path in paths], add, drop)

    def remove(
        self,
        *paths: str | Path,
        kb: str | None = None,
        verify: bool = False,
        tell: Callable[[Message], None] | None = None,
    ) -> list[StoredDocument]:
        """Take documents, or all documents of folders, out of a knowledge base; returns what they were.

        All or none; the files themselves are not touched, but for the app's own copies (:meth:`store_upload`), which
        go. Text and vectors are gone from the data folder's files.

        Args:
            verify: then search all files of the data folder for pieces of the text.
            tell: is told what the search found, rather than the ``notify`` of :meth:`open`.

        Raises:
            UnknownKnowledgeBase, UnknownDocument, StorageLocked, StorageError; NotErased: there are some pieces.
        """
        named = [Path(path) for path in paths]
        return erasure.erase(self._store, self._store.kb(kb), named, tell or self._store.notify, verify=verify)

    def list_files(
        self,
        kb: str | None = None,
        *,
        search: str = "",
        states: Sequence[FileState] = (),
        formats: Sequence[str] = (),
        tags: Sequence[str] = (),
        order: FileOrder = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> FileList:
        """Part of the files that a knowledge base has seen, refused ones too; however many there are, it is quick.

        Args:
            search: words that must all stand in the path or the title.
            states, formats, tags: a file has one of each that is given.

        Raises:
            UnknownKnowledgeBase.
        """
        chosen: dict[str, Any] = {"search": search, "states": states, "formats": formats, "tags": tags}
        folder = uploads.folder_of(self.settings.data_dir, (base := self._store.kb(kb)).id)
        return self._store.catalog.listing.files(base.id, folder, **chosen, order=order, offset=offset, limit=limit)

    def file_counts(self, kb: str | None = None) -> FileCounts:
        """How many files of each state, format and tag there are.

        Raises:
            UnknownKnowledgeBase.
        """
        return self._store.catalog.listing.counts(self._store.kb(kb).id)

    def read_pages(self, document: int, offset: int = 0, limit: int = 20) -> ReadPages:
        """What was read of a :attr:`ListedFile.document`, page by page with its chunks; none once it is gone."""
        return self._store.catalog.listing.pages(document, offset, limit)

    def readable_types(self) -> tuple[str, ...]:
        """The suffixes of the files that can be read, with their dots."""
        from ingest.loaders import LOADERS

        return tuple(dict.fromkeys((*LOADERS, *self._store.parts.readers)))

    def store_upload(self, name: str, data: bytes | memoryview, kb: str | None = None) -> Path:
        """Keep a copy of a file that came through a browser, to be named to :meth:`ingest`; returns its path.

        Args:
            name: as the browser gave it; whatever it is, the copy lies in the knowledge base's own folder.

        Raises:
            UnknownKnowledgeBase, UnsupportedFormat; OverLimit: it is above the setting ``upload_mb``. StorageError.
        """
        folder = uploads.folder_of(self.settings.data_dir, self._store.kb(kb).id)
        return uploads.store(folder, name, data, self.settings.upload_mb)

    def unread_uploads(self, kb: str | None = None) -> list[Path]:
        """Copies that were never read, because the reading was stopped.

        Raises:
            UnknownKnowledgeBase.
        """
        base = self._store.kb(kb)
        known = self._store.catalog.files.known(base.id)
        return uploads.unread(uploads.folder_of(self.settings.data_dir, base.id), known)

    def drop_upload(self, path: Path, kb: str | None = None) -> None:
        """Delete such a copy; any other path is left alone.

        Raises:
            UnknownKnowledgeBase, StorageError.
        """
        if path in self.unread_uploads(kb):
            uploads.delete(uploads.folder_of(self.settings.data_dir, self._store.kb(kb).id), [path])
