"""Vectors for programs that search for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .protocols import Embedder


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of texts, in their order.

    Attributes:
        vectors: unit vectors, shape (texts, dimension). tokens: of each text, special tokens aside.
        model: the embedding model's name.
    """

    vectors: npt.NDArray[np.float32]
    tokens: tuple[int, ...]
    model: str


def embeddings(embedder: Embedder, texts: Sequence[str], *, query: bool) -> Embeddings:
    """The vectors of ``texts`` as questions or as passages."""
    if not texts:
        vectors = np.zeros((0, embedder.info.dimension), np.float32)
    elif query:
        vectors = np.stack([embedder.embed_query(text) for text in texts])
    else:
        vectors = embedder.embed_passages(texts)
    return Embeddings(vectors, tuple(map(embedder.count_tokens, texts)), embedder.info.name)
