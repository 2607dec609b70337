"""A new generation of vectors beside the one that serves: with another model, or without what was deleted.

It is filled, checked, and begins to serve in one commit; until then questions are answered from the old one. After a
kill the next call goes on where this one stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ingest.embedding import EmbeddingStage

from ..catalog import collection_name
from ..errors import StorageError
from ..protocols import Embedder
from ..store import Store
from ..types import KnowledgeBase
from .writer import IndexWriter

_CHUNKS_AT_ONCE = 256
_COPIED_AT_ONCE = 2000
_SAMPLES = 20
_AMONG = 5
_LEAST_COSINE = 0.98  # int8 rounds by what is in the batch; the same text is never quite the same vector

Counted = Callable[[int, int], None]


def run(store: Store, kb: KnowledgeBase, setting: str | None, counted: Counted) -> KnowledgeBase:
    """Embed all chunks of a knowledge base with the model that ``setting`` names; damaged vectors are made anew.

    Raises:
        EmbedderError, StorageLocked, StorageError.
    """
    state = store.catalog.knowledge_bases.index(kb.id)
    wanted = setting or store.setting_of(state)
    embedder = store.embedder(wanted)
    try:
        with store.writing(kb) as writer:
            reindex(writer, embedder, wanted, counted)
    except StorageError as error:
        if error.message.key != "storage.vectors_damaged":
            raise
        aside = store.vectors.set_aside()
        with store.writing(kb) as writer:
            reindex(writer, embedder, wanted, counted)
        shutil.rmtree(aside, ignore_errors=True)
    return store.catalog.knowledge_bases.get(kb.name)


def reindex(writer: IndexWriter, embedder: Embedder, setting: str, counted: Counted) -> int:
    """Vectors of the stored chunks by another model (or the same, anew); returns how many.

    Args:
        setting: what names the model.
        counted: called with (chunks done, chunks in all).

    Raises:
        StorageError: the new vectors fail the check; the old ones go on serving.
    """
    state = writer.state
    bases = writer.catalog.knowledge_bases
    generation = bases.rebuild(writer.kb, embedder.info.revision)
    target = collection_name(writer.kb, generation)
    with EmbeddingStage(embedder, lambda _: {}) as stage:

        def embed(ids: Sequence[int]) -> npt.NDArray[np.float32]:
            texts = writer.catalog.documents.embedded_texts(ids)
            return stage.embed([texts[i] for i in ids])

        _fill(writer, target, embed, _CHUNKS_AT_ONCE, counted)
        _check(writer, target, embed)
    with writer.catalog.database.transaction():
        bases.set_embedder(writer.kb, embedder.info.name, embedder.info.revision, setting)
        bases.set_generation(writer.kb, generation)
        bases.end_rebuild(writer.kb)
    writer.vector_index.drop_all_but(bases.in_use())
    writer.vector_index.purge()
    return state.chunks


def restore(writer: IndexWriter, embedder: Embedder, counted: Counted) -> None:
    """Make vectors again that Chroma lost, from the stored chunks."""
    missing = writer.missing()
    with EmbeddingStage(embedder, lambda _: {}) as stage:
        for first in range(0, len(missing), _CHUNKS_AT_ONCE):
            ids = missing[first : first + _CHUNKS_AT_ONCE]
            texts = writer.catalog.documents.embedded_texts(ids)
            writer.vector_index.add(writer.state.collection, ids, stage.embed([texts[i] for i in ids]))
            counted(first + len(ids), len(missing))


def copy(writer: IndexWriter) -> None:
    """The same vectors in new files, so that no byte of deleted ones is left in Chroma's."""
    state = writer.state
    bases = writer.catalog.knowledge_bases
    generation = bases.next_generation(writer.kb)

    def copied(ids: Sequence[int]) -> npt.NDArray[np.float32]:
        found = writer.vector_index.get(state.collection, ids)
        return np.stack([found[i] for i in ids])

    _fill(writer, collection_name(writer.kb, generation), copied, _COPIED_AT_ONCE, lambda done, total: None)
    with writer.catalog.database.transaction():
        bases.set_generation(writer.kb, generation)
    writer.vector_index.drop_all_but(bases.in_use())
    writer.vector_index.purge()


def _fill(
    writer: IndexWriter,
    target: str,
    make: Callable[[Sequence[int]], npt.NDArray[np.float32]],
    at_once: int,
    counted: Counted,
) -> None:
    """Let ``target`` hold a vector of each visible chunk, and nothing else."""
    wanted = writer.catalog.documents.chunk_ids(writer.kb)
    present = set(writer.vector_index.ids(target))
    writer.vector_index.remove(target, sorted(present - set(wanted)))
    missing = [i for i in wanted if i not in present]
    for first in range(0, len(missing), at_once):
        ids = missing[first : first + at_once]
        writer.vector_index.add(target, ids, make(ids))
        counted(len(wanted) - len(missing) + first + len(ids), len(wanted))


def _check(writer: IndexWriter, target: str, embed: Callable[[Sequence[int]], npt.NDArray[np.float32]]) -> None:
    """As many vectors as chunks, and some chunks, embedded anew, find themselves.

    Raises:
        StorageError.
    """
    wanted = writer.catalog.documents.chunk_ids(writer.kb)
    stored = writer.vector_index.count(target)
    if stored != len(wanted):
        raise StorageError("storage.rebuild_failed", kb=writer.state.name, cause=f"{stored} ≠ {len(wanted)}")
    samples = wanted[:: max(1, len(wanted) // _SAMPLES)][:_SAMPLES]
    if not samples:
        return
    for chunk, vector in zip(samples, embed(samples), strict=True):
        hits = writer.vector_index.search(target, vector, _AMONG, -1) or []
        same = [hit for hit in hits if hit.similarity >= _LEAST_COSINE]
        if not same or (len(same) < _AMONG and chunk not in {hit.chunk_id for hit in same}):
            raise StorageError("storage.rebuild_failed", kb=writer.state.name, cause=f"chunk {chunk}")
