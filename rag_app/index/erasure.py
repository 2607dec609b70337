"""Deleted means gone from the disk: what holds deleted text is written anew, and the proof searches every byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ingest.messages import message

from ..catalog import Catalog
from ..errors import NotErased
from ..store import Store
from ..types import KnowledgeBase, Proof, StoredDocument
from .rebuild import copy
from .writer import IndexWriter

_NEEDLE = 24  # bytes; whatever is left of a text and is twice as long holds one
_ANCHOR = 8
_LEAST_DISTINCT = 6  # bytes; a row of dots proves nothing
_BLOCK = 1 << 24
_MOST_COPIED = 5000  # vectors that are copied without being asked: a second or two


def purge(writer: IndexWriter, *, vectors: bool) -> bool:
    """Write anew what may still hold deleted text; False while a reader keeps the old log open.

    Args:
        vectors: also Chroma's files, however large; otherwise only small ones. They hold no text.
    """
    writer.catalog.lexical.purge(writer.kb)
    if vectors:
        writer.catalog.knowledge_bases.end_rebuild(writer.kb)  # half-made vectors may be of the deleted text
    if vectors or writer.state.chunks <= _MOST_COPIED:
        copy(writer)
    return writer.catalog.database.truncate_log()


class Traces:
    """Pieces of texts that are about to be deleted, and of nothing that stays."""

    def __init__(self, catalog: Catalog, documents: Iterable[int]) -> None:
        going = set(documents)
        self._needles: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for document in going:
            for text in catalog.documents.texts(document):
                self._add(text.encode("utf-8", "surrogatepass"))
        self._leave_out(catalog.files.other_paths())
        for document in catalog.documents.ids():
            if document not in going:
                self._leave_out(catalog.documents.texts(document))
        self._needles = defaultdict(set, {anchor: needles for anchor, needles in self._needles.items() if needles})

    def search(self, folder: Path) -> Proof:
        """Look for the pieces in every file below ``folder``."""
        searched = 0
        found: list[Path] = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            hit = False
            for block in _blocks(path):
                searched += len(block)
                hit = hit or next(self._occurring(block), None) is not None
            if hit:
                found.append(path)
        return Proof(searched, sum(map(len, self._needles.values())), tuple(found))

    def _leave_out(self, texts: Iterable[str]) -> None:
        data = "\n".join(texts).encode("utf-8", "surrogatepass")
        for needle in set(self._occurring(data)):
            self._needles[needle[:_ANCHOR]].discard(needle)

    def _add(self, data: bytes) -> None:
        for first in range(0, max(1, len(data) - _NEEDLE + 1), _NEEDLE):
            needle = data[first : first + _NEEDLE]
            if len(needle) >= _ANCHOR and len(set(needle)) >= _LEAST_DISTINCT:
                self._needles[needle[:_ANCHOR]].add(needle)

    def _occurring(self, data: bytes) -> Iterator[bytes]:
        """The pieces that stand in ``data``."""
        anchors = np.sort(np.frombuffer(b"".join(self._needles), "<u8"))
        if not anchors.size:
            return
        for offset in range(min(_ANCHOR, len(data))):
            words = np.frombuffer(data, "<u8", (len(data) - offset) // _ANCHOR, offset)
            places = np.searchsorted(anchors, words)
            places[places == anchors.size] = 0
            for place in np.flatnonzero(anchors[places] == words):
                start = offset + int(place) * _ANCHOR
                for needle in self._needles.get(data[start : start + _ANCHOR], ()):
                    if data.startswith(needle, start):
                        yield needle


def _blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes; the end of each block is the beginning of the next, so that no piece is cut."""
    with path.open("rb") as file:
        tail = b""
        while block := file.read(_BLOCK):
            yield tail + block
            tail = block[-_NEEDLE:]


def erase(store: Store, kb: KnowledgeBase, paths: Sequence[Path], *, verify: bool) -> list[StoredDocument]:
    """Take documents out, from the disk too; all or none. Returns what they were.

    Args:
        paths: files and folders, or bare file names.

    Raises:
        UnknownDocument, StorageLocked, NotErased.
    """
    with store.writing(kb) as writer:
        files = list(dict.fromkeys(file for path in paths for file in store.find(kb, path)))
        gone = [one for one in store.catalog.documents.all(kb.id) if set(one.paths) <= set(files)]
        traces = Traces(store.catalog, [one.id for one in gone]) if verify else None
        touched = store.documents_of(kb, files)
        writer.remove(files)
        _finish(store, kb, purge(writer, vectors=True))
        _prove(store, traces)
        return touched


def delete(store: Store, kb: KnowledgeBase, *, verify: bool) -> None:
    """Delete a knowledge base, from the disk too.

    Raises:
        StorageLocked, NotErased.
    """
    with store.writing(kb):
        gone = [one.id for one in store.catalog.documents.all(kb.id)]
        traces = Traces(store.catalog, gone) if verify else None
        store.catalog.knowledge_bases.delete(kb.id)
        store.vectors.drop_all_but(store.catalog.knowledge_bases.in_use())
        store.vectors.purge()
        _finish(store, kb, store.catalog.database.truncate_log())
        _prove(store, traces)


def _finish(store: Store, kb: KnowledgeBase, log_is_empty: bool) -> None:
    """Say it where a reader keeps the log from being emptied; the next writer tries again."""
    if not log_is_empty:
        store.notify(message("storage.log_in_use", kb=kb.name))


def _prove(store: Store, traces: Traces | None) -> None:
    """Search all files; say what was searched for.

    Raises:
        NotErased.
    """
    if traces is None:
        return
    proof = traces.search(store.settings.data_dir)
    if proof.found:
        raise NotErased("storage.not_erased", files=", ".join(map(str, proof.found)))
    store.notify(message("storage.erased", pieces=proof.looked_for, megabytes=f"{proof.searched / 1e6:.1f}"))
