"""What all routes share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from ingest.messages import Language
from ingest.types import IngestReport

from ..app import RagApp
from ..errors import UnknownKnowledgeBase
from ..settings import Role
from ..types import KnowledgeBase, StoredDocument
from .failures import ApiError
from .keys import Keeper, covers
from .working import Workshop

MODEL_PREFIX = "rag:"


@dataclass
class House:
    """The app and who works in it.

    Attributes:
        writing: held by whoever changes documents; the others wait here rather than at the lock of the files.
    """

    rag: RagApp
    workshop: Workshop
    keeper: Keeper
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def kb(self, name: str) -> KnowledgeBase:
        """The knowledge base of that name.

        Raises:
            UnknownKnowledgeBase.
        """
        return _named(self.rag.knowledge_bases(), name)

    def base_of_model(self, model: str) -> str:
        """The knowledge base that a model's name means.

        Raises:
            ApiError: there is no such model.
        """
        bases = self.rag.knowledge_bases()
        try:
            if model.startswith(MODEL_PREFIX):
                return _named(bases, model.removeprefix(MODEL_PREFIX)).name
        except UnknownKnowledgeBase:
            pass
        known = ", ".join(model_name(base) for base in bases) or "-"
        raise ApiError(404, "model_not_found", "api.unknown_model", param="model", model=model[:100], known=known)

    def document(self, kb: KnowledgeBase, identifier: int) -> StoredDocument:
        """A document of a knowledge base.

        Raises:
            ApiError: there is none with that id.
        """
        for document in self.rag.documents(kb.name):
            if document.id == identifier:
                return document
        raise ApiError(404, "unknown_document", "api.unknown_document", id=identifier, kb=kb.name)

    def ingest(self, path: Path, kb: str, passwords: Sequence[str]) -> IngestReport:
        """Read a file that was put in."""
        return self.rag.ingest(path, kb=kb, passwords=passwords)


def model_name(kb: KnowledgeBase) -> str:
    """What a knowledge base is called where models are chosen."""
    return f"{MODEL_PREFIX}{kb.name}"


def spoken_in(request: Request) -> Language:
    """The language that whoever asks wants to be told things in."""
    language: Language = request.state.language
    return language


def needs(role: Role) -> Callable[[Request], Awaitable[None]]:
    """A dependency: the key must be of somebody who may do this."""

    async def check(request: Request) -> None:
        if not covers(request.state.role, role):
            raise ApiError(403, "not_allowed", "api.not_allowed", role=role)

    return check


def _named(bases: Sequence[KnowledgeBase], name: str) -> KnowledgeBase:
    wanted = name.strip().casefold()
    for base in bases:
        if base.name.casefold() == wanted:
            return base
    raise UnknownKnowledgeBase("kb.unknown", name=name, names=", ".join(base.name for base in bases) or "-")
