"""Catalog and vectors kept in step: what ingestion writes to, and what removal takes from.

Vectors are written first and the catalog's commit makes them visible. Ids that are in between stand in
``pending_vector``, so after a kill at any moment the next writer knows exactly which vectors to drop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.types import Chunk, Document, FileReport, SourceFile

from .catalog import Catalog
from .errors import EmbedderError
from .locks import process_lock
from .protocols import EmbedderInfo
from .retrieval.tokens import tokens
from .types import KnowledgeBase
from .vectors import Vectors

_LOCK_SECONDS = 10


class IndexWriter:
    """Writes to one knowledge base; implements :class:`ingest.pipeline.DocumentStore`.

    Use inside :func:`writing`, which holds the lock.
    """

    def __init__(self, catalog: Catalog, vectors: Vectors, kb: KnowledgeBase) -> None:
        self._catalog = catalog
        self._vectors = vectors
        self._kb = kb.id
        self._name = kb.name

    def use_embedder(self, info: EmbedderInfo) -> None:
        """Note the model on the first document.

        Raises:
            EmbedderError: the index was made with another model; vectors of two never mix.
        """
        check_embedder(self._catalog, self._kb, self._name, info)
        self._catalog.knowledge_bases.set_embedder(self._kb, info.name, info.revision)

    def is_current(self, source: SourceFile) -> bool:
        """True when this path was stored with this size and time."""
        stamp = self._catalog.documents.stamp(self._kb, source.path)
        return stamp is not None and stamp[:2] == (source.size, source.modified_ns)

    def is_same(self, source: SourceFile, digest: str) -> bool:
        """True when this path was stored with this content; its time is then brought up to date."""
        stamp = self._catalog.documents.stamp(self._kb, source.path)
        if stamp is None or stamp[2] != digest:
            return False
        self._catalog.documents.restamp(self._kb, source)
        return True

    def stored_report(self, path: Path) -> FileReport:
        """What became of a stored document when it was read."""
        return self._catalog.documents.report(self._kb, path)

    def put(
        self,
        source: SourceFile,
        digest: str,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: npt.NDArray[np.float32],
    ) -> None:
        """Store a document, in place of what its path held before."""
        documents = self._catalog.documents
        ids = documents.reserve_chunk_ids(self._kb, len(chunks))
        self._vectors.add(self._kb, ids, vectors)
        old: list[int] = []
        with self._catalog.database.transaction():
            stored = documents.find(self._kb, source.path)
            if stored is not None:
                old = documents.remove(self._kb, stored.id)
            documents.insert(self._kb, source, digest, document, chunks, ids, tokens)
            version = self._raise_version()
        self._vectors.wrote(self._kb, version)
        self._settle(old)

    def remove(self, document_ids: Sequence[int]) -> None:
        """Take documents out, in one commit."""
        with self._catalog.database.transaction():
            gone = [i for document in document_ids for i in self._catalog.documents.remove(self._kb, document)]
            version = self._raise_version()
        self._vectors.wrote(self._kb, version)
        self._settle(gone)

    def reconcile(self) -> None:
        """Drop the vectors that a kill left without a visible chunk; where vectors are gone, read all files anew."""
        self._settle(self._catalog.documents.pending(self._kb))
        if self._vectors.count(self._kb) < self._catalog.knowledge_bases.chunks(self._kb):
            self._catalog.documents.forget_stamps(self._kb)

    def _settle(self, chunk_ids: Sequence[int]) -> None:
        if chunk_ids:
            self._vectors.remove(self._kb, chunk_ids)
            with self._catalog.database.transaction():
                self._catalog.documents.clear_pending(self._kb, chunk_ids)

    def _raise_version(self) -> int:
        self._catalog.knowledge_bases.raise_index_version(self._kb)
        return self._catalog.knowledge_bases.index_version(self._kb)


@contextmanager
def writing(folder: Path, catalog: Catalog, vectors: Vectors, kb: KnowledgeBase) -> Iterator[IndexWriter]:
    """The one writer of a data folder, what an earlier kill left behind cleaned up.

    Raises:
        StorageLocked: another process has been writing for longer than we wait.
    """
    with process_lock(folder / "write.lock", timeout=_LOCK_SECONDS):
        vectors.reopen()  # another process may have written since
        writer = IndexWriter(catalog, vectors, kb)
        writer.reconcile()
        yield writer


def check_embedder(catalog: Catalog, kb: str, name: str, info: EmbedderInfo) -> None:
    """Refuse a model that is not the one a knowledge base was made with.

    Raises:
        EmbedderError: names both.
    """
    made_with, revision = catalog.knowledge_bases.embedder(kb)
    if made_with and revision != info.revision:
        raise EmbedderError(
            "embedder.other", kb=name, made_with=f"{made_with} ({revision})", now=f"{info.name} ({info.revision})"
        )
