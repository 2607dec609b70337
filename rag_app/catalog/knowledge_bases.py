"""Knowledge bases by name."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from ..errors import BadKnowledgeBaseName, KnowledgeBaseExists, UnknownKnowledgeBase
from ..types import KnowledgeBase
from .database import Database
from .lexical_index import RECIPE, LexicalIndex

_NAME = re.compile(r"\w(?:[\w .()（）·&+-]{0,62}[\w)）+])?")
_SELECT = """
SELECT id, name, created, embedder,
    (SELECT count(*) FROM document WHERE kb = knowledge_base.id),
    (SELECT coalesce(sum(chunks), 0) FROM document WHERE kb = knowledge_base.id)
FROM knowledge_base
"""


@dataclass(frozen=True, slots=True)
class IndexState:
    """Which vectors of a knowledge base serve.

    Attributes:
        kb, name: of the knowledge base.
        embedder, revision: of the model they were made with, setting: what names it; empty before the first.
        version: raised by each commit that changed them, by whichever process.
        generation: raised when all of them are replaced at once.
        chunks: how many there should be.
    """

    kb: str
    name: str
    embedder: str
    revision: str
    setting: str
    version: int
    generation: int
    chunks: int

    @property
    def collection(self) -> str:
        """Where they are."""
        return collection_name(self.kb, self.generation)


def collection_name(kb: str, generation: int = 0) -> str:
    """Chroma allows [a-zA-Z0-9._-] only; a knowledge base's id is hexadecimal."""
    return f"kb-{kb}-{generation}" if generation else f"kb-{kb}"


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

    def create(self, name: str, identifier: str = "") -> KnowledgeBase:
        """A new, empty one; its id may be given, from :meth:`new_id`.

        Raises:
            BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        name = _checked(name)
        identifier = identifier or self.new_id()
        with self._database.transaction():
            self._refuse_taken(name)
            self._database.execute(
                "INSERT INTO knowledge_base (id, name, created, lexical) VALUES (?, ?, ?, ?)",
                (identifier, name, datetime.now(UTC).isoformat(), RECIPE),
            )
            self._lexical.create(identifier)
        return self.get(name)

    @staticmethod
    def new_id() -> str:
        """An id that no knowledge base has."""
        return uuid.uuid4().hex[:12]

    def check_new_name(self, name: str) -> None:
        """Refuse a name that can't be given to a new one.

        Raises:
            BadKnowledgeBaseName, KnowledgeBaseExists.
        """
        self._refuse_taken(_checked(name))

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

    def index(self, identifier: str) -> IndexState:
        """Which of its vectors serve.

        Raises:
            UnknownKnowledgeBase: it was deleted meanwhile.
        """
        row = self._database.row(
            "SELECT id, name, embedder, embedder_revision, embedder_setting, index_version, generation, "
            "(SELECT coalesce(sum(chunks), 0) FROM document WHERE kb = knowledge_base.id) "
            "FROM knowledge_base WHERE id = ?",
            (identifier,),
        )
        if row is None:
            raise UnknownKnowledgeBase("kb.unknown", name=identifier, names=", ".join(kb.name for kb in self.all()))
        return IndexState(*row)

    def set_embedder(self, identifier: str, name: str, revision: str, setting: str) -> None:
        """Note the model its vectors are made with."""
        self._database.execute(
            "UPDATE knowledge_base SET embedder = ?, embedder_revision = ?, embedder_setting = ? WHERE id = ?",
            (name, revision, setting, identifier),
        )

    def set_generation(self, identifier: str, generation: int) -> None:
        """Let another generation of vectors serve; inside the caller's transaction."""
        self._database.execute("UPDATE knowledge_base SET generation = ? WHERE id = ?", (generation, identifier))
        self.raise_index_version(identifier)

    def end_rebuild(self, identifier: str) -> None:
        """Vectors are not being made any more."""
        self._database.execute("DELETE FROM rebuild WHERE kb = ?", (identifier,))

    def next_generation(self, identifier: str) -> int:
        """A generation that there has not been."""
        return 1 + int(
            self._database.value(
                "SELECT max(generation) FROM (SELECT generation FROM knowledge_base WHERE id = ? "
                "UNION ALL SELECT generation FROM rebuild WHERE kb = ?)",
                (identifier, identifier),
            )
        )

    def rebuild(self, identifier: str, revision: str) -> int:
        """The generation that is being made with a model: one that was begun with it before, else a new one."""
        with self._database.transaction():
            begun = self._database.row("SELECT revision, generation FROM rebuild WHERE kb = ?", (identifier,))
            if begun is not None and begun[0] == revision:
                return int(begun[1])
            generation = self.next_generation(identifier)
            self._database.execute(
                "INSERT OR REPLACE INTO rebuild VALUES (?, ?, ?)", (identifier, revision, generation)
            )
        return generation

    def in_use(self) -> set[str]:
        """The names of all collections that serve or are being made."""
        made: dict[str, int] = dict(self._database.rows("SELECT kb, generation FROM rebuild"))
        indexes = [self.index(row[0]) for row in self._database.rows("SELECT id FROM knowledge_base")]
        return {one.collection for one in indexes} | {
            collection_name(one.kb, made[one.kb]) for one in indexes if one.kb in made
        }

    def with_pending_vectors(self) -> list[str]:
        """Ids of those whose last writer was killed, or is at work."""
        return [
            row[0]
            for row in self._database.rows(
                "SELECT DISTINCT kb FROM pending_vector WHERE kb IN (SELECT id FROM knowledge_base)"
            )
        ]

    def with_old_lexical_index(self) -> list[str]:
        """Ids of those whose lexical index another version of this program made."""
        return [row[0] for row in self._database.rows("SELECT id FROM knowledge_base WHERE lexical <> ?", (RECIPE,))]

    def has_new_lexical_index(self, identifier: str) -> None:
        """Note that it was made anew; inside the caller's transaction."""
        self._database.execute("UPDATE knowledge_base SET lexical = ? WHERE id = ?", (RECIPE, identifier))

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
