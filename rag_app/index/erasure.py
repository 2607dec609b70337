"""Deleted means gone from the disk: what holds deleted text is written anew, and the proof searches every byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ingest.messages import Message, message

from .. import kept_runs, uploads
from ..catalog import Catalog
from ..errors import NotErased
from ..store import Store
from ..types import KnowledgeBase, Proof, StoredDocument
from .forgetting import forget
from .needles import NEEDLE, Needles
from .rebuild import copy
from .writer import IndexWriter

_BLOCK = 1 << 24
_MOST_COPIED = 5000  # vectors that are copied without being asked: a second or two

Tell = Callable[[Message], None]


def purge(writer: IndexWriter, *, vectors: bool) -> bool:
    """Write anew what may still hold deleted text; False while a reader keeps the old log open.

    Args:
        vectors: also Chroma's files, however large; otherwise only small ones. They hold no text.
    """
    writer.catalog.lexical.purge(writer.kb)
    writer.catalog.conversations.purge()
    if vectors:
        writer.catalog.knowledge_bases.end_rebuild(writer.kb)  # half-made vectors may be of the deleted text
    if vectors or writer.state.chunks <= _MOST_COPIED:
        copy(writer)
    return writer.catalog.database.truncate_log()


class Traces(Needles):
    """Pieces of texts that are about to be deleted, and of nothing that stays."""

    def search(self, folder: Path) -> Proof:
        """Look for the pieces in every file below ``folder``."""
        searched = 0
        found: list[Path] = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            hit = False
            for block in _blocks(path):
                searched += len(block)
                hit = hit or next(self.occurring(block), None) is not None
            if hit:
                found.append(path)
        return Proof(searched, len(self), tuple(found))


def traces_of_documents(catalog: Catalog, documents: Iterable[int]) -> Traces:
    """Pieces of documents that are about to be deleted."""
    going, traces = set(documents), Traces()
    for document in going:
        for text in catalog.documents.texts(document):
            traces.add(text)
    _leave_out(traces, catalog, going)
    traces.discard("\n".join(catalog.conversations.own_texts()))
    return traces


def traces_of_conversation(catalog: Catalog, conversation: int) -> Traces:
    """Pieces of a conversation that is about to be deleted."""
    traces = Traces()
    for text in catalog.conversations.texts(conversation):
        traces.add(text)
    _leave_out(traces, catalog, set())
    for other in catalog.conversations.ids():
        if other != conversation:
            traces.discard("\n".join(catalog.conversations.texts(other)))
    return traces


def _leave_out(traces: Traces, catalog: Catalog, going: set[int]) -> None:
    """What documents that stay have too is no trace."""
    traces.discard("\n".join(catalog.files.other_paths()))
    for document in catalog.documents.ids():
        if document not in going:
            traces.discard("\n".join(catalog.documents.texts(document)))


def _blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes; the end of each block is the beginning of the next, so that no piece is cut."""
    with path.open("rb") as file:
        tail = b""
        while block := file.read(_BLOCK):
            yield tail + block
            tail = block[-NEEDLE:]


def erase(store: Store, kb: KnowledgeBase, paths: Sequence[Path], tell: Tell, *, verify: bool) -> list[StoredDocument]:
    """Take documents out, from the disk too; all or none. Returns what they were.

    Args:
        paths: files and folders, or bare file names. tell: is told what the search found.

    Raises:
        UnknownDocument, StorageLocked, StorageError, NotErased.
    """
    with store.writing(kb) as writer:
        files = list(dict.fromkeys(file for path in paths for file in store.find(kb, path)))
        gone = [one for one in store.catalog.documents.all(kb.id) if set(one.paths) <= set(files)]
        traces = traces_of_documents(store.catalog, [one.id for one in gone]) if verify else None
        touched = store.documents_of(kb, files)
        writer.remove(files)
        uploads.delete(uploads.folder_of(store.settings.data_dir, kb.id), files)
        names = {path.name for one in gone for path in one.paths}
        kept_runs.forget_documents(store.settings.data_dir, kb.id, names)
        _finish(kb, tell, purge(writer, vectors=True))
        _prove(store, traces, tell)
        return touched


def delete(store: Store, kb: KnowledgeBase, tell: Tell, *, verify: bool) -> None:
    """Delete a knowledge base, from the disk too.

    Raises:
        StorageLocked, StorageError, NotErased.
    """
    with store.writing(kb):
        gone = [one.id for one in store.catalog.documents.all(kb.id)]
        traces = traces_of_documents(store.catalog, gone) if verify else None
        with store.catalog.database.transaction():
            for document in gone:
                forget(store.catalog, document)
            store.catalog.knowledge_bases.delete(kb.id)
        uploads.delete_all(uploads.folder_of(store.settings.data_dir, kb.id))
        kept_runs.forget_all(store.settings.data_dir, kb.id)
        store.catalog.conversations.purge()
        store.vectors.drop_all_but(store.catalog.knowledge_bases.in_use())
        store.vectors.purge()
        _finish(kb, tell, store.catalog.database.truncate_log())
        _prove(store, traces, tell)


def delete_conversation(store: Store, conversation: int, *, verify: bool) -> None:
    """Delete a conversation, from the disk too.

    Raises:
        UnknownConversation, NotErased.
    """
    traces = traces_of_conversation(store.catalog, conversation) if verify else None
    title = store.catalog.conversations.info(conversation).title
    store.catalog.conversations.delete(conversation)
    store.catalog.conversations.purge()
    if not store.catalog.database.truncate_log():
        store.notify(message("conversation.log_in_use", title=title))
    _prove(store, traces, store.notify)


def _finish(kb: KnowledgeBase, tell: Tell, log_is_empty: bool) -> None:
    """Say it where a reader keeps the log from being emptied; the next writer tries again."""
    if not log_is_empty:
        tell(message("storage.log_in_use", kb=kb.name))


def _prove(store: Store, traces: Traces | None, tell: Tell) -> None:
    """Search all files; say what was searched for.

    Raises:
        NotErased.
    """
    if traces is None:
        return
    proof = traces.search(store.settings.data_dir)
    if proof.found:
        raise NotErased("storage.not_erased", files=", ".join(map(str, proof.found)))
    tell(message("storage.erased", pieces=proof.looked_for, megabytes=f"{proof.searched / 1e6:.1f}"))
