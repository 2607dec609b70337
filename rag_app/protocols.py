"""What the engine asks of its replaceable parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .types import Passage, Turn


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """What an index must remember of its embedding model: vectors of different ones never mix.

    Attributes:
        name: as the user knows it. revision: changes whenever the vectors do (weights, quantization, prefixes).
        dimension: of the vectors. window: tokens it reads at once, special tokens included.
    """

    name: str
    revision: str
    dimension: int
    window: int


@runtime_checkable
class Embedder(Protocol):
    """Texts to unit vectors."""

    @property
    def info(self) -> EmbedderInfo:
        """Which model this is."""

    @property
    def concurrency(self) -> int:
        """How many calls of :meth:`embed_passages` at a time pay; each is safe beside the others."""

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of passages, shape (len(texts), dimension)."""

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        """Unit vector of a question, shape (dimension,)."""

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""


class Completion(Protocol):
    """A language model asked for one thing at a time."""

    @property
    def name(self) -> str:
        """The model's name."""

    def complete(self, prompt: str, schema: dict[str, object]) -> str:
        """JSON that fits a schema.

        Raises:
            ModelError.
        """


class Reranker(Protocol):
    """Reads question and passage together."""

    @property
    def name(self) -> str:
        """The model's name, as explanations show it."""

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the question, higher is better; comparable within one call.

        Raises:
            EmbedderError, ModelError.
        """


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a passage: ``passages[passage - 1].text[start:end]``."""

    passage: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ModelPiece:
    """A piece of an answer as it arrives.

    Attributes:
        text: to be shown. done: the last piece.
        prompt_tokens: on the last piece, tokens of the prompt as the model counted them.
        complete: on the last piece, False when the model was cut off.
        passages: how many of the passages, from the first, the model was given; None for all.
        quoted: set when the text is exactly this part of a passage; what looks like a marker in it is none.
    """

    text: str
    done: bool = False
    prompt_tokens: int | None = None
    complete: bool = True
    passages: int | None = None
    quoted: Span | None = None


class ChatModel(Protocol):
    """Writes an answer from numbered passages, citing them as [n]."""

    @property
    def name(self) -> str:
        """The model's name, as answers report it."""

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """The answer, piece by piece; closing the iterator cancels it.

        Raises:
            ModelError: before the first piece, or between two.
        """
