"""Parts of the engine that a program brings along, in place of those that the settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ingest.types import Document

from .protocols import ChatModel, Embedder, Reranker
from .types import Passage


class Reader(Protocol):
    """Reads files of a kind that the app does not read, or reads them in another way."""

    @property
    def identity(self) -> str:
        """Changes whenever what it makes of a file does; files that another one read are read anew."""

    def read(self, path: Path) -> Document:
        """The document of a file; runs in this process, so only on files that are trusted.

        Raises:
            ingest.errors.FileRefused: it can't be read; the error says why.
        """


class Cutter(Protocol):
    """Cuts a page's text into pieces, where the app's own way of doing so is not wanted."""

    @property
    def identity(self) -> str:
        """Changes whenever the pieces do."""

    def cut(self, text: str) -> Sequence[str]:
        """Pieces in reading order, each verbatim in ``text``; what is between two of them is not searched."""


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
