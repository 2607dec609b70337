"""A Chroma collection that LlamaIndex's ``ChromaVectorStore`` made, brought into a knowledge base.

Its nodes overlap, and say of which file and page they are; joined again they are the pages' text, which is cut and
embedded as that of any file. Their vectors are not taken over: which model made them is not on record there.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StorageError

_DATABASE = "chroma.sqlite3"
_READ_AT_ONCE = 1000
_PATHS = ("file_path", "file_name", "filename", "source", "url")
_TITLES = ("title", "document_title")


@dataclass(frozen=True, slots=True)
class Node:
    """A text of a collection.

    Attributes:
        file: as its metadata names it, else the id of the document it was cut from. page: its label, "" without one.
        document: id of the LlamaIndex document, of a PDF mostly one a page. start, end: characters of that, where it is
            known. order: in the collection.
    """

    text: str
    file: str
    page: str
    title: str
    document: str
    start: int | None
    end: int | None
    order: int


def nodes_in(folder: Path, collection: str) -> list[Node]:
    """All texts of a collection, in its order; the database is read from a copy, so it stays as it is.

    Raises:
        StorageError: there is no such folder, collection or text.
    """
    if not (folder / _DATABASE).is_file():
        raise StorageError("llamaindex.no_chroma", path=folder)
    with tempfile.TemporaryDirectory() as work:
        try:
            with (
                closing(sqlite3.connect(folder / _DATABASE, timeout=30)) as theirs,
                closing(sqlite3.connect(Path(work, _DATABASE))) as copy,
            ):
                theirs.backup(copy)
        except sqlite3.DatabaseError as error:
            raise StorageError("llamaindex.unreadable", path=folder, cause=error) from error
        found = list(_nodes(Path(work), folder, collection))
    if not found:
        raise StorageError("llamaindex.no_texts", name=collection)
    return found


def _nodes(copy: Path, folder: Path, name: str) -> Iterator[Node]:
    import chromadb
    from chromadb.errors import ChromaError

    try:
        client: Any = chromadb.PersistentClient(str(copy), chromadb.Settings(anonymized_telemetry=False))
        try:
            known = sorted(one.name for one in client.list_collections())
            if name not in known:
                raise StorageError("llamaindex.no_collection", path=folder, name=name, known=", ".join(known) or "–")
            stored = client.get_collection(name, embedding_function=None)
            for first in range(0, stored.count(), _READ_AT_ONCE):
                rows = stored.get(limit=_READ_AT_ONCE, offset=first, include=["documents", "metadatas"])
                for place, (text, about) in enumerate(zip(rows["documents"], rows["metadatas"], strict=True), first):
                    node = _node(text or "", about or {}, place)
                    if node.text.strip():
                        yield node
        finally:
            client.close()
    except (ChromaError, OSError) as error:
        raise StorageError("llamaindex.unreadable", path=folder, cause=error) from error


def _node(text: str, about: Mapping[str, Any], order: int) -> Node:
    content = _content(about)
    named: Mapping[str, Any] = {**content.get("metadata", {}), **about}
    document = str(named.get("ref_doc_id") or named.get("doc_id") or named.get("document_id") or "")
    document = "" if document == "None" else document
    return Node(
        text=text or str(content.get("text") or ""),
        file=next((str(named[key]) for key in _PATHS if named.get(key)), document),
        page=str(named.get("page_label") or ""),
        title=next((str(named[key]) for key in _TITLES if named.get(key)), ""),
        document=document,
        start=_number(content.get("start_char_idx")),
        end=_number(content.get("end_char_idx")),
        order=order,
    )


def _content(about: Mapping[str, Any]) -> dict[str, Any]:
    """The node as LlamaIndex keeps it; nothing where it can't be read."""
    try:
        found = json.loads(about.get("_node_content") or "{}")
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
