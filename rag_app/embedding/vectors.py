"""Vectors handed out."""

from __future__ import annotations

from collections.abc import Sequence

from ..protocols import Embedder
from ..types import Embeddings


def embeddings(embedder: Embedder, texts: Sequence[str], *, query: bool) -> Embeddings:
    """Unit vectors of questions, or of passages.

    Raises:
        EmbedderError.
    """
    if query:
        vectors = [embedder.embed_query(text).tolist() for text in texts]
    else:
        vectors = embedder.embed_passages(texts).tolist() if texts else []
    tokens = sum(embedder.count_tokens(text) for text in texts)
    return Embeddings(embedder.info.name, embedder.info.dimension, tuple(map(tuple, vectors)), tokens)
