"""An embedding model of LlamaIndex as the app's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from llama_index.core.base.embeddings.base import BaseEmbedding

from ..errors import EmbedderError
from ..protocols import EmbedderInfo
from .identity import identity

_BYTES_OF_TOKEN = 3  # a Chinese character, or less than a token of English: no tokenizer takes more tokens for prose
_WINDOW = 512
_PROBE = "dimension"


class LlamaIndexEmbedder:
    """Implements :class:`rag_app.protocols.Embedder` by any :class:`BaseEmbedding`.

    An index remembers its name, its dimension and a digest of its ``to_dict``; another one never mixes in.

    Args:
        model: asked once for a vector, to know the dimension.
        window: tokens it reads at once; what it says of itself (``max_length``), else 512.

    Raises:
        What the model raises.
    """

    concurrency = 1

    def __init__(self, model: BaseEmbedding, window: int | None = None) -> None:
        self._model = model
        said = getattr(model, "max_length", None)
        dimension = len(model.get_query_embedding(_PROBE))
        name = model.model_name if model.model_name != "unknown" else type(model).__name__
        revision = f"{identity(model)}/{dimension}"
        self.info = EmbedderInfo(name, revision, dimension, window or (said if isinstance(said, int) else _WINDOW))

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of passages, shape (len(texts), dimension).

        Raises:
            EmbedderError: what came is no vector of that dimension. What the model raises.
        """
        return self._checked(self._model.get_text_embedding_batch(list(texts)))

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        """Unit vector of a question, shape (dimension,).

        Raises:
            As :meth:`embed_passages`.
        """
        unit: npt.NDArray[np.float32] = self._checked([self._model.get_query_embedding(text)])[0]
        return unit

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, about and rather too many: LlamaIndex does not say what a model's tokenizer is."""
        return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_OF_TOKEN)

    def _checked(self, found: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
        lengths = {len(one) for one in found}
        if lengths - {self.info.dimension}:
            raise EmbedderError(
                "llamaindex.dimension", name=self.info.name, wanted=self.info.dimension, got=sorted(lengths)
            )
        vectors = np.asarray(found, np.float32).reshape(len(found), self.info.dimension)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all():
            raise EmbedderError("llamaindex.not_finite", name=self.info.name)
        norms[norms == 0] = 1
        unit: npt.NDArray[np.float32] = (vectors / norms).astype(np.float32)
        return unit
