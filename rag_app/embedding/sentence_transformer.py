"""Any sentence-transformers model; the only torch, safetensors and sentence_transformers imports.

Serves where no ONNX export does (a GPU, an odd architecture, a failed check), and is what an export starts from.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import EmbedderError
from ..protocols import EmbedderInfo

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True, slots=True)
class Architecture:
    """What an ONNX export must know of a model."""

    pooling: Literal["mean", "cls"]
    model_type: str
    heads: int
    hidden: int


class SentenceTransformerEmbedder:
    """A model by folder or hub name.

    Args:
        source: a folder, or a name on the model hub (``HF_ENDPOINT`` names a mirror).
        name, revision: how an index remembers it.
        eager: plain attention, which is what the ONNX optimizer recognizes.

    Raises:
        EmbedderError: it can't be loaded or downloaded.
    """

    def __init__(self, source: str, name: str, revision: str, *, eager: bool = False) -> None:
        self._model = _load(source, eager=eager)
        self.query_prefix, self.passage_prefix = _prefixes(self._model, source)
        window = int(self._model.max_seq_length or 512)
        dimension = int(self._model.get_embedding_dimension() or 0)
        self.info = EmbedderInfo(name, revision, dimension, window)

    @property
    def concurrency(self) -> int:
        """Torch uses all cores, or the GPU, for one call."""
        return 1

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of passages, shape (len(texts), dimension)."""
        return self._encode([f"{self.passage_prefix}{text}" for text in texts])

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        """Unit vector of a question, shape (dimension,)."""
        vector: npt.NDArray[np.float32] = self._encode([f"{self.query_prefix}{text}"])[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""
        return len(self._model.tokenizer.encode(text, add_special_tokens=False, verbose=False))

    @property
    def on_gpu(self) -> bool:
        """True where a GPU does the work, which no int8 export on the CPU would beat."""
        return self._model.device.type != "cpu"

    def architecture(self) -> Architecture | None:
        """What an export needs, or None when the model is more than a transformer with mean or CLS pooling."""
        from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

        modules = list(self._model)
        if len(modules) not in (2, 3) or not isinstance(modules[0], Transformer):
            return None
        if not isinstance(modules[1], Pooling) or (len(modules) == 3 and not isinstance(modules[2], Normalize)):
            return None
        config = modules[0].model.config
        pooling = modules[1].pooling_mode
        if pooling not in ("mean", "cls") or config.model_type not in ("bert", "xlm-roberta", "roberta"):
            return None
        return Architecture(
            "cls" if pooling == "cls" else "mean",
            config.model_type,
            int(config.num_attention_heads),
            int(config.hidden_size),
        )

    def export(self, folder: Path) -> None:
        """Write ``model.onnx`` (fp32, token vectors as output) and ``tokenizer.json`` to ``folder``."""
        import torch

        transformer: Any = self._model[0].model

        class TokenVectors(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.transformer = transformer

            def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
                output: torch.Tensor = transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
                return output

        axes = {0: "batch", 1: "tokens"}
        example = torch.ones(2, 16, dtype=torch.long)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer warns about shapes we make dynamic
            torch.onnx.export(
                TokenVectors().eval(),
                (example, example),
                str(folder / "model.onnx"),
                input_names=["input_ids", "attention_mask"],
                output_names=["token_vectors"],
                dynamic_axes={"input_ids": axes, "attention_mask": axes, "token_vectors": axes},
                opset_version=17,
                dynamo=False,  # the newer exporter wants onnxscript and gives a graph the optimizer can't fuse
            )
        self._model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))

    def _encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        vectors = self._model.encode(texts, batch_size=16, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


def save_weights(tensors: dict[str, npt.NDArray[np.float32]], path: Path) -> None:
    """Write a model's tensors as safetensors."""
    from safetensors.numpy import save_file

    save_file(tensors, path, metadata={"format": "pt"})


def _load(source: str, *, eager: bool) -> SentenceTransformer:
    local = Path(source).expanduser().is_dir()
    with quiet(offline=local):
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(
                str(Path(source).expanduser()) if local else source,
                local_files_only=local,
                trust_remote_code=False,
                model_kwargs={"attn_implementation": "eager"} if eager else None,
            )
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            first_line = str(error).partition("\n")[0].rstrip(".")
            raise EmbedderError("embedder.cannot_load", name=source, cause=first_line) from error


def _prefixes(model: SentenceTransformer, source: str) -> tuple[str, str]:
    """(query prefix, passage prefix): the model's own prompts, or E5's where the name says so."""
    prompts = {name: text for name, text in (model.prompts or {}).items() if text}
    query = prompts.get("query", "")
    passage = prompts.get("passage") or prompts.get("document") or ""
    if not query and not passage and "e5" in Path(source).name.lower():
        return "query: ", "passage: "
    return query, passage


@contextmanager
def quiet(*, offline: bool) -> Iterator[None]:
    """No telemetry, no advice and no progress bars in the log; no hub where the model is a folder."""
    wanted = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "true",
    }
    if offline:
        wanted |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
