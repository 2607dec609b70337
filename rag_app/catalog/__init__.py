"""SQLite, the truth: knowledge bases, documents, pages, chunks and the lexical index.

Any process may read while one writes. Vectors live elsewhere (:mod:`rag_app.vectors`); a chunk is visible when it
stands here.
"""

from __future__ import annotations

from pathlib import Path

from .conversations import Conversations
from .database import Database
from .documents import Documents
from .files import Files
from .knowledge_bases import IndexState, KnowledgeBases, collection_name
from .lexical_index import LexicalHit, LexicalIndex
from .listing import Listing
from .notes import Notes
from .passages import Passages, StoredChunk

__all__ = ["Catalog", "Documents", "IndexState", "LexicalHit", "Passages", "StoredChunk", "collection_name"]


class Catalog:
    """The catalog in ``folder``, made if it is not there.

    Raises:
        StorageError: the folder can't be written or the file is not a catalog.
    """

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "catalog.sqlite3")
        self.lexical = LexicalIndex(self.database)
        self.knowledge_bases = KnowledgeBases(self.database, self.lexical)
        self.files = Files(self.database)
        self.notes = Notes(self.database, self.lexical)
        self.passages = Passages(self.database)
        self.listing = Listing(self.database)
        self.conversations = Conversations(self.database)
        self.documents = Documents(self.database, self.lexical, self.files, self.notes)

    def close(self) -> None:
        """Close the file; the catalog can't be used afterwards."""
        self.database.close()
