"""A knowledge base in one file: a ZIP of its files, documents, pages and chunks as JSON lines, and its vectors.

``manifest.json`` has the SHA-256 of every other member, and ``SHA256`` that of the manifest, so a damaged archive is
known before anything of it is stored.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..catalog import Catalog, collection_name
from ..catalog.transfer import dump, load
from ..errors import ArchiveError
from ..locks import process_lock
from ..retrieval.tokens import tokens
from ..store import Store
from ..types import KnowledgeBase
from ..vectors import Vectors
from .writer import LOCK, LOCK_SECONDS

_FORMAT = 1
_MANIFEST, _SEAL, _VECTORS = "manifest.json", "SHA256", "vectors.npy"
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    TypeError,
    EOFError,
    NotImplementedError,  # a compression no ZIP of ours has
    RuntimeError,  # a member that is encrypted
)


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: int
    name: str
    embedder: str
    revision: str
    setting: str
    chunks: int
    members: dict[str, str]


def export(catalog: Catalog, vectors: Vectors, kb: KnowledgeBase, target: Path) -> None:
    """Write a knowledge base to ``target``, which comes into being when it is whole.

    Raises:
        ArchiveError: the file can't be written. StorageError: vectors are missing.
    """
    work = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(work, "w", zipfile.ZIP_DEFLATED) as archive:
            _write(archive, catalog, vectors, kb)
        work.replace(target)
    except OSError as error:
        raise ArchiveError("export.unwritable", path=target, cause=error.strerror or error) from error
    finally:
        work.unlink(missing_ok=True)


def _write(archive: zipfile.ZipFile, catalog: Catalog, vectors: Vectors, kb: KnowledgeBase) -> None:
    state = catalog.knowledge_bases.index(kb.id)
    rows = dump(catalog.database, kb.id)
    chunks = [row[0] for row in rows["chunk"]]
    found = vectors.get(state.collection, chunks)
    if len(found) != len(chunks):
        raise ArchiveError("storage.no_vectors", kb=kb.name)
    members = {f"{table}.jsonl": "\n".join(map(_line, lines)).encode() for table, lines in rows.items()}
    buffer = io.BytesIO()
    np.save(buffer, np.stack([found[i] for i in chunks]) if chunks else np.zeros((0, 0), np.float32))
    members[_VECTORS] = buffer.getvalue()
    for name, content in members.items():
        archive.writestr(name, content)
    manifest = _Manifest(
        _FORMAT,
        kb.name,
        state.embedder,
        state.revision,
        state.setting,
        len(chunks),
        {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    )
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
    archive.writestr(_MANIFEST, text)
    archive.writestr(_SEAL, hashlib.sha256(text).hexdigest())


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that was read and found whole.

    Attributes:
        name: of the knowledge base it was made from.
        embedder, revision, setting: of the model its vectors were made with.
        rows: table → rows. vectors: of the chunks, in their order, shape (chunks, dimension).
    """

    name: str
    embedder: str
    revision: str
    setting: str
    rows: dict[str, list[list[Any]]]
    vectors: npt.NDArray[np.float32]


def read(path: Path) -> Archive:
    """Read an archive and check all of it.

    Raises:
        ArchiveError: it can't be read, is none, is damaged, or was made by a newer version.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_MANIFEST)
            _compare(path, _MANIFEST, text, archive.read(_SEAL).decode())
            manifest = _Manifest(**json.loads(text))
            if manifest.format > _FORMAT:
                raise ArchiveError("export.newer", path=path)
            members = {name: archive.read(name) for name in manifest.members}
        for name, content in members.items():
            _compare(path, name, content, manifest.members[name])
        vectors = np.load(io.BytesIO(members.pop(_VECTORS)), allow_pickle=False).astype(np.float32)
        rows = {
            name.removesuffix(".jsonl"): [_row(line) for line in content.decode().split("\n") if line]
            for name, content in members.items()
        }
        if not len(vectors) == len(rows["chunk"]) == manifest.chunks:
            raise ValueError(f"{len(vectors)} ≠ {manifest.chunks}")
    except OSError as error:
        raise ArchiveError("export.unreadable", path=path, cause=error.strerror or error) from error
    except _DAMAGE as error:
        raise ArchiveError("export.damaged", path=path, cause=error) from error
    return Archive(manifest.name, manifest.embedder, manifest.revision, manifest.setting, rows, vectors)


def bring_in(store: Store, path: Path, name: str | None) -> KnowledgeBase:
    """Make a knowledge base of the archive at ``path``.

    Raises:
        ArchiveError, BadKnowledgeBaseName, KnowledgeBaseExists, StorageLocked, StorageError.
    """
    whole = read(path)
    with process_lock(store.settings.data_dir / LOCK, timeout=LOCK_SECONDS):
        store.vectors.reopen()
        try:
            return _store(whole, name or whole.name, store.catalog, store.vectors)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ArchiveError("export.damaged", path=path, cause=error) from error


def _store(archive: Archive, name: str, catalog: Catalog, vectors: Vectors) -> KnowledgeBase:
    """Make a knowledge base of an archive; a kill before the end leaves nothing. The caller holds the lock.

    Raises:
        BadKnowledgeBaseName, KnowledgeBaseExists.
    """
    bases = catalog.knowledge_bases
    bases.check_new_name(name)
    kb = bases.new_id()
    ids = catalog.documents.reserve_chunk_ids(kb, len(archive.vectors))
    if ids:
        vectors.add(collection_name(kb), ids, archive.vectors)
    with catalog.database.transaction():
        made = bases.create(name, kb)
        load(catalog.database, catalog.lexical, kb, archive.rows, ids, tokens)
        bases.set_embedder(kb, archive.embedder, archive.revision, archive.setting)
        bases.raise_index_version(kb)
        catalog.documents.clear_pending(kb, ids)
    return bases.get(made.name)


def _compare(path: Path, member: str, content: bytes, digest: str) -> None:
    if hashlib.sha256(content).hexdigest() != digest.strip():
        raise ArchiveError("export.damaged", path=path, cause=member)


def _line(row: Sequence[Any]) -> str:
    return json.dumps([{"hex": cell.hex()} if isinstance(cell, bytes) else cell for cell in row], ensure_ascii=False)


def _row(line: str) -> list[Any]:
    return [bytes.fromhex(cell["hex"]) if isinstance(cell, dict) else cell for cell in json.loads(line)]
