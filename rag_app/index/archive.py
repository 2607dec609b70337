"""A knowledge base in one file: a ZIP of its files, documents, pages and chunks as JSON lines, and its vectors.

Its last 64 bytes, the ZIP's comment, are the SHA-256 of all before them, in hexadecimal: a file with a single changed
bit is known before anything of it is stored.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..catalog import Catalog, collection_name
from ..catalog.transfer import dump, load
from ..errors import ArchiveError, StorageError
from ..retrieval.tokens import tokens
from ..store import Store
from ..types import KnowledgeBase
from ..vectors import Vectors
from .writer import locked

_FORMAT = 2  # 2: descriptions of pictures
_MANIFEST, _VECTORS = "manifest.json", "vectors.npy"
_SEAL_BYTES = 64
_BLOCK = 1 << 20
_NOT_OURS = (zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError)
"""What reading raises of a sealed file that holds something else than we write."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        name: of the knowledge base it was made from.
        embedder, revision, setting: of the model its vectors were made with.
    """

    format: int
    name: str
    embedder: str
    revision: str
    setting: str


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was read and found whole.

    Attributes:
        rows: table → rows. vectors: of the chunks, in their order, shape (chunks, dimension).
    """

    manifest: Manifest
    rows: dict[str, list[list[Any]]]
    vectors: npt.NDArray[np.float32]


def export(store: Store, kb: KnowledgeBase, target: Path) -> None:
    """Write a knowledge base to ``target``, which comes into being when it is whole.

    Raises:
        ArchiveError: the file can't be written. StorageLocked. StorageError: vectors are missing.
    """
    work = target.with_name(f"{target.name}.part")
    try:
        with store.writing(kb), zipfile.ZipFile(work, "w", zipfile.ZIP_DEFLATED) as archive:
            _write(archive, store, kb)
        with work.open("r+b") as file:
            file.seek(-_SEAL_BYTES, io.SEEK_END)
            file.write(_digest(work))
        work.replace(target)
    except OSError as error:
        raise ArchiveError("export.unwritable", path=target, cause=error.strerror or error) from error
    finally:
        work.unlink(missing_ok=True)


def _write(archive: zipfile.ZipFile, store: Store, kb: KnowledgeBase) -> None:
    state = store.catalog.knowledge_bases.index(kb.id)
    rows = dump(store.catalog.database, kb.id)
    chunks = [row[0] for row in rows["chunk"]]
    found = store.vectors.get(state.collection, chunks)
    if len(found) != len(chunks):
        raise StorageError("storage.no_vectors", kb=kb.name)
    manifest = Manifest(_FORMAT, kb.name, state.embedder, state.revision, state.setting)
    archive.writestr(_MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
    for table, lines in rows.items():
        with archive.open(f"{table}.jsonl", "w", force_zip64=True) as member:
            member.writelines(f"{_line(line)}\n".encode() for line in lines)
    with archive.open(_VECTORS, "w", force_zip64=True) as member:
        np.save(member, np.stack([found[i] for i in chunks]) if chunks else np.zeros((0, 0), np.float32))
    archive.comment = b"0" * _SEAL_BYTES


def read(path: Path) -> Archive:
    """Read an archive and check all of it.

    Raises:
        ArchiveError: it can't be read, is none, is damaged, or was made by a newer version.
    """
    try:
        with path.open("rb") as file:
            file.seek(-min(_SEAL_BYTES, path.stat().st_size), io.SEEK_END)
            seal = file.read()
        if seal != _digest(path):
            raise ArchiveError("export.damaged", path=path, cause="SHA-256")
        with zipfile.ZipFile(path) as archive:
            manifest = Manifest(**json.loads(archive.read(_MANIFEST)))
            if manifest.format > _FORMAT:
                raise ArchiveError("export.newer", path=path)
            vectors = np.load(io.BytesIO(archive.read(_VECTORS)), allow_pickle=False).astype(np.float32)
            rows = {
                Path(name).stem: [_row(line) for line in archive.read(name).decode().splitlines()]
                for name in archive.namelist()
                if name.endswith(".jsonl")
            }
        if len(vectors) != len(rows["chunk"]):
            raise ValueError(f"{len(vectors)} ≠ {len(rows['chunk'])}")
    except OSError as error:
        raise ArchiveError("export.unreadable", path=path, cause=error.strerror or error) from error
    except _NOT_OURS as error:
        raise ArchiveError("export.damaged", path=path, cause=error) from error
    return Archive(manifest, rows, vectors)


def _digest(path: Path) -> bytes:
    """The SHA-256 of all but the seal, hexadecimal."""
    digest = hashlib.sha256()
    left = path.stat().st_size - _SEAL_BYTES
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest().encode()


def bring_in(store: Store, path: Path, name: str | None) -> KnowledgeBase:
    """Make a knowledge base of the archive at ``path``.

    Raises:
        ArchiveError, BadKnowledgeBaseName, KnowledgeBaseExists, StorageLocked, StorageError.
    """
    whole = read(path)
    with locked(store.settings.data_dir, store.vectors):
        try:
            return _store(whole, name or whole.manifest.name, store.catalog, store.vectors)
        except _NOT_OURS as error:
            raise ArchiveError("export.damaged", path=path, cause=error) from error


def _store(archive: Archive, name: str, catalog: Catalog, vectors: Vectors) -> KnowledgeBase:
    """Make a knowledge base of an archive; a kill before the end leaves nothing. The caller holds the lock.

    Raises:
        BadKnowledgeBaseName, KnowledgeBaseExists.
    """
    bases, manifest = catalog.knowledge_bases, archive.manifest
    bases.check_new_name(name)
    kb = bases.new_id()
    ids = catalog.documents.reserve_chunk_ids(kb, len(archive.vectors))
    if ids:
        vectors.add(collection_name(kb), ids, archive.vectors)
    with catalog.database.transaction():
        made = bases.create(name, kb)
        load(catalog.database, catalog.lexical, kb, archive.rows, ids, tokens)
        bases.set_embedder(kb, manifest.embedder, manifest.revision, manifest.setting)
        bases.raise_index_version(kb)
        catalog.documents.clear_pending(kb, ids)
    return bases.get(made.name)


def _line(row: Sequence[Any]) -> str:
    return json.dumps([{"hex": cell.hex()} if isinstance(cell, bytes) else cell for cell in row], ensure_ascii=False)


def _row(line: str) -> list[Any]:
    return [bytes.fromhex(cell["hex"]) if isinstance(cell, dict) else cell for cell in json.loads(line)]
