"""Tags that people give to files, to search by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .errors import BadTag
from .store import Store
from .types import KnowledgeBase, StoredDocument

_MOST_CHARACTERS = 64


def tag(
    store: Store, kb: KnowledgeBase, paths: Sequence[Path], add: Sequence[str], drop: Sequence[str]
) -> list[StoredDocument]:
    """Give files tags, and take some from them.

    Raises:
        UnknownDocument, BadTag.
    """
    added, dropped = list(map(_checked, add)), list(map(_checked, drop))
    files = [file for path in paths for file in store.find(kb, path)]
    with store.catalog.database.transaction():
        store.catalog.files.tag(kb.id, files, added, dropped)
    return store.documents_of(kb, files)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _MOST_CHARACTERS or not name.isprintable():
        raise BadTag("document.bad_tag", name=name, most=_MOST_CHARACTERS)
    return name
