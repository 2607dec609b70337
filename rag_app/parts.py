"""Parts of the engine that a program brings along, in place of those that the settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.given import Cutter, Reader

from .protocols import ChatModel, Embedder, Reranker
from .types import Passage

__all__ = ["Cutter", "Parts", "Reader", "Refiner"]


class Refiner(Protocol):
    """Chooses among the passages that were found, orders them anew, or both."""

    @property
    def name(self) -> str:
        """As explanations show it."""

    def refine(self, question: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Some of the passages, best first; a score may be another, the text may not."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a program brings along; all that is not given is as the settings say.

    Made by hand of anything that fits the protocols, or by :func:`rag_app.llamaindex.parts` of LlamaIndex's own.

    Attributes:
        embedder: embeds passages and questions; an index remembers it, and no other one is mixed in.
        model: writes answers.
        reranker: reads question and passage together.
        readers: suffix with its dot, as ".xyz" → what reads such files.
        cutter: cuts pages into passages.
        refiners: what is done, in this order, with the passages that were found.
    """

    embedder: Embedder | None = None
    model: ChatModel | None = None
    reranker: Reranker | None = None
    readers: Mapping[str, Reader] = field(default_factory=dict)
    cutter: Cutter | None = None
    refiners: Sequence[Refiner] = ()
