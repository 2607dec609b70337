"""What ingestion writes to, and removal takes from.

Vectors are written first and the catalog's commit makes them visible. Ids that are in between stand in
``pending_vector``, so after a kill at any moment the next writer knows exactly which vectors to drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.messages import Message, message
from ingest.types import KnownFile, ReadFile, SourceFile

from ..catalog import Catalog, IndexState
from ..errors import EmbedderError, StorageError, UnknownKnowledgeBase
from ..locks import process_lock
from ..protocols import EmbedderInfo
from ..retrieval.tokens import tokens
from ..vectors import Vectors
from .forgetting import forget

_LOCK_SECONDS = 10
_LOCK = "write.lock"


class IndexWriter:
    """Writes to one knowledge base; implements :class:`ingest.pipeline.DocumentStore`.

    Use inside :func:`writing`, which holds the lock: all that is read here stays true until the end.
    """

    def __init__(self, catalog: Catalog, vectors: Vectors, kb: str) -> None:
        self.catalog = catalog
        self.vector_index = vectors
        self.kb = kb
        self.removed_something = False
        self.dropped: set[str] = set()

    @property
    def state(self) -> IndexState:
        """Which vectors serve, now."""
        return self.catalog.knowledge_bases.index(self.kb)

    def use_embedder(self, info: EmbedderInfo, setting: str) -> None:
        """Note the model on the first document.

        Raises:
            EmbedderError: the index was made with another model; vectors of two never mix.
        """
        check_embedder(self.state, info, setting)
        if not self.state.embedder or not self.state.setting:
            self.catalog.knowledge_bases.set_embedder(self.kb, info.name, info.revision, setting)

    # What ingestion asks

    def known(self) -> dict[Path, KnownFile]:
        """All files that were stored or refused."""
        return self.catalog.files.known(self.kb)

    def touched(self, source: SourceFile) -> None:
        """A known file has another time and the same content."""
        self.catalog.files.restamp(self.kb, source)

    def adopt(self, source: SourceFile, digest: str, reader: str) -> bool:
        """List content under this path too, if it is stored, of the same kind of file and read by ``reader``."""
        document = self.catalog.documents.with_content(self.kb, digest, source.path.suffix.lower(), reader)
        if document is None:
            return False
        with self.catalog.database.transaction():
            old = self.catalog.files.document(self.kb, source.path)
            self.catalog.files.note(self.kb, source, digest, reader, document)
            self.catalog.documents.rename(self.kb, document, tokens)
            gone = self._drop_unused([(old, source.path)])
            version = self._raise_version()
        self._settle(gone, version)
        return True

    def refuse(self, source: SourceFile, digest: str, reader: str, reason: Message) -> bool:
        """Remember a refusal; what the path held before stays. True when it held something."""
        return self.catalog.files.refuse(self.kb, source, digest, reader, reason)

    def vectors(self, contents: Sequence[bytes]) -> Mapping[bytes, npt.NDArray[np.float32]]:
        """Those of the contents that have a vector."""
        chunks = self.catalog.documents.chunks_with(self.kb, contents)
        found = self.vector_index.get(self.state.collection, list(chunks.values()))
        return {content: found[chunk] for content, chunk in chunks.items() if chunk in found}

    def put(self, files: Sequence[ReadFile], vectors: Sequence[npt.NDArray[np.float32]]) -> None:
        """Store files in one commit, each in place of what its path held before."""
        documents = self.catalog.documents
        ids = documents.reserve_chunk_ids(self.kb, sum(len(file.chunks) for file in files))
        self.vector_index.add(self.state.collection, ids, np.concatenate(vectors))
        old: list[tuple[int | None, Path]] = []
        upcoming = iter(ids)
        with self.catalog.database.transaction():
            for file in files:
                before = self.catalog.files.document(self.kb, file.source.path)
                own = [next(upcoming) for _ in file.chunks]
                document = documents.insert(self.kb, file, own, tokens)
                self.catalog.files.note(self.kb, file.source, file.digest, file.reader, document)
                old.append((before, file.source.path))
            gone = self._drop_unused(old)
            version = self._raise_version()
        self._settle(gone, version)

    def remove(self, paths: Sequence[Path]) -> None:
        """Take files out, in one commit."""
        with self.catalog.database.transaction():
            held = [self.catalog.files.document(self.kb, path) for path in paths]
            self.catalog.files.remove(self.kb, paths)
            gone = self._drop_unused(list(zip(held, paths, strict=True)))
            version = self._raise_version()
        self._settle(gone, version)

    # What a kill left

    def reconcile(self) -> None:
        """Drop the vectors that a kill left without a visible chunk, and collections that nothing uses."""
        self.catalog.documents.clear_strays()
        self._settle(self.catalog.documents.pending(self.kb))
        self.vector_index.drop_all_but(self.catalog.knowledge_bases.in_use())

    def missing(self) -> list[int]:
        """Chunks without a vector, once vectors without a chunk are dropped; none unless Chroma's files were lost."""
        state = self.state
        if self.vector_index.count(state.collection) == state.chunks:
            return []
        wanted = set(self.catalog.documents.chunk_ids(self.kb))
        present = set(self.vector_index.ids(state.collection))
        self.vector_index.remove(state.collection, sorted(present - wanted))
        return sorted(wanted - present)

    def _drop_unused(self, left: Sequence[tuple[int | None, Path]]) -> list[int]:
        """Remove documents that their last file has left; returns their chunk ids."""
        gone: list[int] = []
        dropped: set[int] = set()
        for document, path in left:
            if document is None or document in dropped:
                continue
            if self.catalog.files.of(document):
                self.catalog.documents.rename(self.kb, document, tokens, left=path)
            else:
                dropped.add(document)
                forget(self.catalog, document, path)
                gone += self.catalog.documents.remove(self.kb, document)
                self.removed_something = True
                self.dropped.add(path.name)
        return gone

    def _settle(self, chunk_ids: Sequence[int], version: int | None = None) -> None:
        if version is not None:
            self.vector_index.wrote(self.state.collection, version)
        if chunk_ids:
            self.vector_index.remove(self.state.collection, chunk_ids)
            with self.catalog.database.transaction():
                self.catalog.documents.clear_pending(self.kb, chunk_ids)

    def _raise_version(self) -> int:
        self.catalog.knowledge_bases.raise_index_version(self.kb)
        return self.state.version


@contextmanager
def writing(
    folder: Path, catalog: Catalog, vectors: Vectors, kb: str, timeout: float = _LOCK_SECONDS
) -> Iterator[IndexWriter]:
    """The one writer of a data folder, what an earlier kill left behind cleaned up.

    Raises:
        StorageLocked: another process has been writing for longer than we wait.
    """
    with locked(folder, vectors, timeout):
        writer = IndexWriter(catalog, vectors, kb)
        writer.reconcile()
        try:
            yield writer
        finally:
            with suppress(UnknownKnowledgeBase):  # it was deleted
                vectors.end_writing(writer.state.collection)


@contextmanager
def locked(folder: Path, vectors: Vectors, timeout: float = _LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of a data folder.

    Raises:
        StorageLocked.
    """
    with process_lock(folder / _LOCK, timeout=timeout):
        vectors.begin_writing()
        yield


def reconcile(folder: Path, catalog: Catalog, vectors: Vectors) -> None:
    """Clean up after writers that were killed, unless one is at work."""
    for kb in catalog.knowledge_bases.with_pending_vectors():
        with suppress(StorageError), writing(folder, catalog, vectors, kb, timeout=0):  # whoever needs it will say
            pass


def check_embedder(state: IndexState, info: EmbedderInfo, setting: str) -> None:
    """Refuse a model that is not the one a knowledge base was made with.

    Raises:
        EmbedderError: names both.
    """
    if state.embedder and state.revision != info.revision:
        raise EmbedderError(
            "embedder.other",
            kb=state.name,
            made_with=f"{state.embedder} ({state.revision})",
            now=f"{info.name} ({info.revision})",
            setting=setting,
        )


def renew_lexical(folder: Path, catalog: Catalog, vectors: Vectors, notify: Callable[[Message], None]) -> None:
    """Make the lexical indexes anew that an earlier version of this program made; the stored text is enough.

    Raises:
        StorageLocked: another process has been writing for longer than we wait.
    """
    if not catalog.knowledge_bases.with_old_lexical_index():
        return
    with locked(folder, vectors):
        for kb in catalog.knowledge_bases.with_old_lexical_index():
            notify(message("storage.renewing_lexical", kb=catalog.knowledge_bases.index(kb).name))
            with catalog.database.transaction():
                catalog.documents.index_anew(kb, tokens)
                catalog.knowledge_bases.has_new_lexical_index(kb)
        vectors.reopen()
