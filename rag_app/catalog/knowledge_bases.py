"""Knowledge bases by name."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

from ..errors import BadKnowledgeBaseName, KnowledgeBaseExists, UnknownKnowledgeBase
from ..types import KnowledgeBase
from .database import Database
from .lexical_index import LexicalIndex

_NAME = re.compile(r"\w(?:[\w .()（）·&+-]{0,62}[\w)）+])?")
_SELECT = """
SELECT id, name, created, embedder,
    (SELECT count(*) FROM document WHERE kb = knowledge_base.id),
    (SELECT count(*) FROM chunk JOIN page ON page.id = chunk.page JOIN document ON document.id = page.document
     WHERE document.kb = knowledge_base.id)
FROM knowledge_base
"""


class KnowledgeBases:
    """The knowledge bases of a catalog."""

    def __init__(self, database: Database, lexical: LexicalIndex) -> None:
        self._database = database
        self._lexical = lexical

    def all(self) -> list[KnowledgeBase]:
        """All of them, by name."""
        return [_knowledge_base(row) for row in self._database.rows(f"{_SELECT} ORDER BY name")]

    def get(self, name: str) -> KnowledgeBase:
        """The one of that name, letter case aside.

        Raises:
            UnknownKnowledgeBase: names those there are.
        """
        row = self._database.row(f"{_SELECT} WHERE name = ?", (name.strip(),))
        if row is None:
            names = ", ".join(kb.name for kb in self.all()) or "-"
            raise UnknownKnowledgeBase("kb.unknown", name=name, names=names)
        return _knowledge_base(row)

    def create(self, name: str) -> KnowledgeBase:
        """A new, empty one.

        Raises:
            BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        name = _checked(name)
        identifier = uuid.uuid4().hex[:12]
        with self._database.transaction():
            self._refuse_taken(name)
            self._database.execute(
                "INSERT INTO knowledge_base (id, name, created) VALUES (?, ?, ?)",
                (identifier, name, datetime.now(UTC).isoformat()),
            )
            self._lexical.create(identifier)
        return self.get(name)

    def rename(self, name: str, new_name: str) -> KnowledgeBase:
        """Give one another name.

        Raises:
            UnknownKnowledgeBase, BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        new_name = _checked(new_name)
        with self._database.transaction():
            identifier = self.get(name).id
            self._refuse_taken(new_name, but=identifier)
            self._database.execute("UPDATE knowledge_base SET name = ? WHERE id = ?", (new_name, identifier))
        return self.get(new_name)

    def delete(self, identifier: str) -> None:
        """Drop one with all it holds; its vectors are the caller's to drop."""
        with self._database.transaction():
            self._lexical.drop(identifier)
            self._database.execute("DELETE FROM pending_vector WHERE kb = ?", (identifier,))
            self._database.execute("DELETE FROM knowledge_base WHERE id = ?", (identifier,))

    def chunks(self, identifier: str) -> int:
        """How many chunks one has."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", (identifier,))
        return int(row[5]) if row else 0

    def embedder(self, identifier: str) -> tuple[str, str]:
        """(name, revision) of the model its vectors were made with; empty before the first document."""
        row = self._database.row("SELECT embedder, embedder_revision FROM knowledge_base WHERE id = ?", (identifier,))
        return (row[0], row[1]) if row else ("", "")

    def set_embedder(self, identifier: str, name: str, revision: str) -> None:
        """Note the model its vectors are made with."""
        self._database.execute(
            "UPDATE knowledge_base SET embedder = ?, embedder_revision = ? WHERE id = ?",
            (name, revision, identifier),
        )

    def index_version(self, identifier: str) -> int:
        """Raised by each commit that changed vectors, by whichever process."""
        return int(self._database.value("SELECT index_version FROM knowledge_base WHERE id = ?", (identifier,)) or 0)

    def raise_index_version(self, identifier: str) -> None:
        """Tell other processes that vectors changed."""
        self._database.execute(
            "UPDATE knowledge_base SET index_version = index_version + 1 WHERE id = ?", (identifier,)
        )

    def _refuse_taken(self, name: str, but: str = "") -> None:
        if self._database.row("SELECT 1 FROM knowledge_base WHERE name = ? AND id <> ?", (name, but)):
            raise KnowledgeBaseExists("kb.exists", name=name)


def _checked(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise BadKnowledgeBaseName("kb.bad_name", name=name)
    return name


def _knowledge_base(row: tuple[str, str, str, str, int, int]) -> KnowledgeBase:
    identifier, name, created, embedder, documents, chunks = row
    return KnowledgeBase(identifier, name, documents, chunks, embedder, datetime.fromisoformat(created))
