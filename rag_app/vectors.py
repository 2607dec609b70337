"""Vectors in Chroma; the only chromadb import. Ids and vectors only: the text is the catalog's.

A Chroma client does not see what another process wrote (chromadb 1.5.9). So every read names the index version it
wants, and the client is opened anew when the version has moved.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .errors import StorageError

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection


@dataclass(frozen=True, slots=True)
class VectorHit:
    """A chunk the dense index found; ``similarity`` is the cosine."""

    chunk_id: int
    similarity: float


class Vectors:
    """The vectors of all knowledge bases of a data folder, in ``folder``.

    Raises:
        StorageError: from every method, when Chroma can't read or write its files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._client: ClientAPI | None = None
        self._seen: dict[str, int] = {}

    def add(self, kb: str, chunk_ids: Sequence[int], vectors: npt.NDArray[np.float32]) -> None:
        """Store unit vectors, shape (len(chunk_ids), dimension)."""
        with self._open() as client:
            collection = client.get_or_create_collection(
                _name(kb), configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
            )
            for part in _batches(len(chunk_ids), client.get_max_batch_size()):
                ids = [str(i) for i in chunk_ids[part]]
                collection.upsert(ids=ids, embeddings=cast("Any", vectors[part]))

    def remove(self, kb: str, chunk_ids: Sequence[int]) -> None:
        """Take vectors out; unknown ids do no harm."""
        with self._open() as client:
            collection = _collection(client, kb)
            if collection is not None:
                for part in _batches(len(chunk_ids), client.get_max_batch_size()):
                    collection.delete(ids=[str(i) for i in chunk_ids[part]])

    def search(self, kb: str, vector: npt.NDArray[np.float32], limit: int, version: int) -> list[VectorHit]:
        """The nearest chunks by cosine, best first.

        Args:
            vector: unit vector, shape (dimension,).
            version: the knowledge base's index version, as the catalog has it.
        """
        with self._lock:
            if self._seen.get(kb) != version:
                self.reopen()
            with self._open() as client:
                collection = _collection(client, kb)
                if collection is None:
                    return []
                found = collection.query(
                    query_embeddings=cast("Any", vector[None, :]), n_results=limit, include=["distances"]
                )
            self._seen[kb] = version
        distances = (found["distances"] or [[]])[0]
        return [VectorHit(int(i), 1.0 - float(d)) for i, d in zip(found["ids"][0], distances, strict=True)]

    def count(self, kb: str) -> int:
        """Vectors of a knowledge base."""
        with self._open() as client:
            collection = _collection(client, kb)
            return collection.count() if collection is not None else 0

    def wrote(self, kb: str, version: int) -> None:
        """This process made the change that ``version`` counts, so its client has seen it."""
        with self._lock:
            if self._seen.get(kb) == version - 1:
                self._seen[kb] = version

    def drop(self, kb: str) -> None:
        """Drop all vectors of a knowledge base."""
        with self._open() as client:
            if _collection(client, kb) is not None:
                client.delete_collection(_name(kb))
            self._seen.pop(kb, None)

    def reopen(self) -> None:
        """Forget the client; the next call opens a new one, which sees what other processes wrote."""
        with self._lock:
            if self._client is not None:
                from chromadb.api.client import SharedSystemClient

                SharedSystemClient.clear_system_cache()
                self._client = None

    @contextmanager
    def _open(self) -> Iterator[ClientAPI]:
        """The client; Chroma's errors become ours."""
        import chromadb
        from chromadb.errors import ChromaError

        with self._lock:
            try:
                if self._client is None:
                    settings = chromadb.Settings(anonymized_telemetry=False)
                    self._client = chromadb.PersistentClient(str(self._folder), settings)
                yield self._client
            except (ChromaError, OSError) as error:
                key = "storage.damaged" if "not a database" in str(error) else "storage.failed"
                raise StorageError(key, path=self._folder, cause=error) from error


def _collection(client: ClientAPI, kb: str) -> Collection | None:
    """A knowledge base's collection; None before its first vector, so that reading never writes."""
    from chromadb.errors import NotFoundError

    try:
        return client.get_collection(_name(kb), embedding_function=None)
    except NotFoundError:
        return None


def _batches(count: int, most: int) -> Iterator[slice]:
    for first in range(0, count, most):
        yield slice(first, first + most)


def _name(kb: str) -> str:
    """A collection's name: Chroma allows [a-zA-Z0-9._-] only, a knowledge base's id is hexadecimal."""
    return f"kb-{kb}"
