"""Vectors in Chroma; the only chromadb import. Ids and vectors only: the text is the catalog's.

A Chroma client does not see what another process wrote (chromadb 1.5.9). So every search names the index version it
wants, and the client is opened anew when the version has moved.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Collection as Set
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from .catalog.database import failure, is_damage
from .errors import StorageError
from .memory import blank_memory
from .seal import Seal

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

_DATABASE = "chroma.sqlite3"
_DAMAGED = "storage.vectors_damaged"
_READ_AT_ONCE = 5000
_GRAPH: Any = {"space": "cosine", "max_neighbors": 32, "ef_construction": 200, "ef_search": 500}
"""Chroma's defaults find 92 % of the nearest ten among 100,000; see LOG.md for these."""
_BUSY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class VectorHit:
    """A chunk the dense index found; ``similarity`` is the cosine."""

    chunk_id: int
    similarity: float


class _Shared:
    """What the apps of one process that use the same folder share, as Chroma has one engine a folder and process.

    Attributes:
        seen: collection → the index version that the client has seen.
    """

    def __init__(self, folder: Path) -> None:
        self.lock = threading.RLock()
        self.client: Client | None = None
        self.seen: dict[str, int] = {}
        self.seal = Seal(folder)


_shared: WeakValueDictionary[Path, _Shared] = WeakValueDictionary()
_sharing = threading.Lock()


class Vectors:
    """The vectors of a data folder, in ``folder``: collections of (chunk id, unit vector).

    Raises:
        StorageError: from every method, when Chroma can't read or write its files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _sharing:
            self._shared = _shared.setdefault(folder.resolve(), _Shared(folder))

    def begin_writing(self) -> None:
        """This process is the one writer from now on; sees what others wrote."""
        self.reopen()
        with self._open():
            self._shared.seal.break_open()

    def end_writing(self, collection: str) -> None:
        """Let readers know that the files are whole."""
        with self._open() as client:
            stored = _collection(client, collection)
            if stored is not None and (first := stored.get(limit=1, include=["embeddings"]))["ids"]:
                stored.query(query_embeddings=first["embeddings"], n_results=1)  # what is due to be written, is
        self.reopen()  # Chroma writes when it closes, too
        with self._errors():
            self._shared.seal.blank()
            self._shared.seal.make()

    def add(self, collection: str, chunk_ids: Sequence[int], vectors: npt.NDArray[np.float32]) -> None:
        """Store unit vectors, shape (len(chunk_ids), dimension)."""
        with self._open() as client:
            stored = client.get_or_create_collection(
                collection, configuration={"hnsw": _GRAPH}, embedding_function=None
            )
            for part in _batches(len(chunk_ids), client.get_max_batch_size()):
                ids = [str(i) for i in chunk_ids[part]]
                stored.upsert(ids=ids, embeddings=cast("Any", vectors[part]))

    def get(self, collection: str, chunk_ids: Sequence[int]) -> dict[int, npt.NDArray[np.float32]]:
        """The vectors of those chunks that have one, shape (dimension,)."""
        found: dict[int, npt.NDArray[np.float32]] = {}
        with self._open() as client:
            stored = _collection(client, collection)
            if stored is not None:
                for part in _batches(len(chunk_ids), _READ_AT_ONCE):
                    rows = stored.get(ids=[str(i) for i in chunk_ids[part]], include=["embeddings"])
                    vectors = cast("Any", rows["embeddings"])
                    found |= {int(i): np.asarray(vectors[n], np.float32) for n, i in enumerate(rows["ids"])}
        return found

    def ids(self, collection: str) -> list[int]:
        """All chunk ids."""
        with self._open() as client:
            stored = _collection(client, collection)
            return [int(i) for i in stored.get(include=[])["ids"]] if stored is not None else []

    def remove(self, collection: str, chunk_ids: Sequence[int]) -> None:
        """Take vectors out; unknown ids do no harm. Their bytes stay in Chroma's files, see :meth:`purge`."""
        with self._open() as client:
            stored = _collection(client, collection)
            if stored is not None:
                for part in _batches(len(chunk_ids), client.get_max_batch_size()):
                    stored.delete(ids=[str(i) for i in chunk_ids[part]])

    def search(
        self,
        collection: str,
        vector: npt.NDArray[np.float32],
        limit: int,
        version: int,
        within: Sequence[int] | None = None,
    ) -> list[VectorHit] | None:
        """The nearest chunks by cosine, best first; None when there is no such collection.

        Args:
            vector: unit vector, shape (dimension,).
            version: the knowledge base's index version, as the catalog has it.
            within: the chunk ids to choose from; all of them unless given. The graph is walked among these only.
        """
        if within is not None and not within:
            return []
        with self._shared.lock:
            if self._shared.seen.get(collection) != version:
                self.reopen()
            with self._open() as client:
                stored = _collection(client, collection)
                if stored is None:
                    return None
                found = stored.query(
                    query_embeddings=cast("Any", vector[None, :]),
                    n_results=limit if within is None else min(limit, len(within)),
                    ids=None if within is None else [str(i) for i in within],
                    include=["distances"],
                )
            self._shared.seen[collection] = version
        distances = (found["distances"] or [[]])[0]
        return [VectorHit(int(i), 1.0 - float(d)) for i, d in zip(found["ids"][0], distances, strict=True)]

    def count(self, collection: str) -> int:
        """Vectors of a collection."""
        with self._open() as client:
            stored = _collection(client, collection)
            return stored.count() if stored is not None else 0

    def wrote(self, collection: str, version: int) -> None:
        """This process made the change that ``version`` counts, so its client has seen it."""
        with self._shared.lock:
            if self._shared.seen.get(collection) == version - 1:
                self._shared.seen[collection] = version

    def drop_all_but(self, collections: Set[str]) -> bool:
        """Drop all other collections; True when there were any."""
        with self._open() as client:
            stray = [stored.name for stored in client.list_collections() if stored.name not in collections]
            for name in stray:
                client.delete_collection(name)
                self._shared.seen.pop(name, None)
            return bool(stray)

    def purge(self) -> None:
        """Take what was deleted out of Chroma's files: pages of its database, folders of dropped collections.

        Vectors deleted from a collection that goes on stay in its HNSW file: copy the collection first.
        """
        with self._shared.lock:
            self.reopen()
            file = self._folder / _DATABASE
            if not file.is_file():
                return
            try:
                with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)) as database:
                    used = {row[0] for row in database.execute("SELECT id FROM segments")}
                    database.execute("VACUUM")  # copies what is alive; the old pages are gone with the old file
                for folder in self._folder.iterdir():
                    if folder.is_dir() and folder.name not in used:
                        shutil.rmtree(folder, ignore_errors=True)  # on Windows a reader may still have it open
            except (sqlite3.DatabaseError, OSError) as error:
                raise failure(self._folder, error, _DAMAGED, is_damage(error)) from error

    def set_aside(self) -> Path:
        """Move damaged files away, so that new ones can be made; returns where they are now."""
        with self._shared.lock:
            self.reopen()
            self._shared.seen.clear()
            number = 1
            while (aside := self._folder.with_name(f"{self._folder.name}.damaged-{number}")).exists():
                number += 1
            self._folder.rename(aside)
            return aside

    def reopen(self) -> None:
        """Forget the client; the next call opens a new one, which sees what other processes wrote."""
        with self._shared.lock:
            if self._shared.client is not None:
                self._shared.client.close()
                self._shared.client = None

    @contextmanager
    def _open(self) -> Iterator[Client]:
        """The client; Chroma's errors become ours."""
        import chromadb

        with self._shared.lock, self._errors(), blank_memory():
            if self._shared.client is None:
                self._look_at_database()
                self._shared.seal.check()
                settings = chromadb.Settings(anonymized_telemetry=False)
                self._shared.client = cast("Client", chromadb.PersistentClient(str(self._folder), settings))
            yield self._shared.client

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        with self._shared.lock:
            try:
                yield
            except (ChromaError, OSError) as error:
                damaged = any(sign in str(error) for sign in _SIGNS)
                raise failure(self._folder, error, _DAMAGED, damaged) from error

    def check(self) -> None:
        """Read all of Chroma's files.

        Raises:
            StorageError: they are damaged.
        """
        with self._shared.lock:
            self._look_at_database("PRAGMA quick_check(1)")
            self._shared.seal.check()

    def _look_at_database(self, question: str = "SELECT count(*) FROM sqlite_master") -> None:
        """Chroma's own error for a file that is no database says nothing of it.

        Raises:
            StorageError.
        """
        file = self._folder / _DATABASE
        if not file.is_file():
            return
        try:
            with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as database:
                found = database.execute(question).fetchone()[0]
                if isinstance(found, str) and found != "ok":
                    raise StorageError(_DAMAGED, path=self._folder, cause=found)
        except sqlite3.DatabaseError as error:
            raise failure(self._folder, error, _DAMAGED, is_damage(error)) from error


_SIGNS = ("not a database", "malformed", "hnsw", "Error finding id", "Error loading", "no such table", "migration")
"""What Chroma's errors say where its files are broken; it has one class for all."""


def _collection(client: Client, name: str) -> Collection | None:
    """A collection; None before its first vector, so that reading never writes."""
    from chromadb.errors import NotFoundError

    try:
        return client.get_collection(name, embedding_function=None)
    except NotFoundError:
        return None


def _batches(count: int, most: int) -> Iterator[slice]:
    for first in range(0, count, most):
        yield slice(first, first + most)
