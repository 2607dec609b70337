"""Any sentence-transformers CrossEncoder: exported to ONNX once, like the embedder, and checked against the original.

Where the export disagrees with the original, the original serves.
"""

from __future__ import annotations

import json
import math
import shutil
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..embedding import onnx
from ..embedding.export import SAMPLES
from ..embedding.sentence_transformer import quiet
from ..embedding.tokenizer import TextTokenizer
from ..errors import EmbedderError
from ..locks import process_lock

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_MODEL, _TOKENIZER, _MANIFEST = "model.onnx", "tokenizer.json", "manifest.json"
_LEAST_CORRELATION = 0.98
_QUESTIONS = ("How much memory does the 8B model need?", "为什么第一次回答很慢？")


class OriginalCrossEncoder:
    """A CrossEncoder run by sentence-transformers; its only CrossEncoder import.

    Args:
        source: a folder, or a name on the model hub.

    Raises:
        EmbedderError: it can't be loaded, or gives more than one score for a pair.
    """

    def __init__(self, source: str, name: str) -> None:
        self.name = name
        self._model = load(source)
        self.window = int(self._model.max_length or 512)
        if self._model.num_labels != 1:
            raise EmbedderError("embedder.no_reranker", name=name, labels=self._model.num_labels)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """The model's score of each pair, before any activation."""
        import torch

        pairs = [(question, text) for text in texts]
        found = self._model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
        return [float(score) for score in np.asarray(found).reshape(len(texts))]

    def export(self, folder: Path) -> None:
        """Write ``model.onnx`` (fp32, one score as output) and ``tokenizer.json``."""
        import torch

        inner: Any = self._model.model
        named = ["input_ids", "attention_mask"]
        if int(getattr(inner.config, "type_vocab_size", 0)) > 1:
            named.append("token_type_ids")

        class Score(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, *given: torch.Tensor) -> torch.Tensor:
                output: torch.Tensor = inner(**dict(zip(named, given, strict=True))).logits
                return output

        axes = {0: "batch", 1: "tokens"}
        example = torch.ones(1, 16, dtype=torch.long)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # as in embedding/sentence_transformer.py
            torch.onnx.export(
                Score().eval(),
                (*[example] * (len(named) - 1), torch.zeros_like(example)) if len(named) == 3 else (example, example),
                str(folder / _MODEL),
                input_names=named,
                output_names=["score"],
                dynamic_axes={**dict.fromkeys(named, axes), "score": {0: "batch"}},
                opset_version=17,
                dynamo=False,
            )
        self._model.tokenizer.backend_tokenizer.save(str(folder / _TOKENIZER))


class OnnxCrossEncoder:
    """An exported CrossEncoder; needs neither torch nor sentence-transformers.

    Raises:
        EmbedderError: the folder is damaged.
    """

    def __init__(self, folder: Path) -> None:
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            self.name, self.window = str(manifest["name"]), int(manifest["window"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EmbedderError("embedder.cache_damaged", path=folder, cause=error) from error
        self._tokenizer = TextTokenizer(folder / _TOKENIZER)
        self._encoding = threading.Lock()  # cutting is a setting of the tokenizer
        self._session = onnx.open_session(folder / _MODEL)
        self._inputs = [one.name for one in self._session.get_inputs()]

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """The model's score of each pair, before any activation."""
        return [self._score(question, text) for text in texts]

    def _score(self, question: str, text: str) -> float:
        with self._encoding:
            ids, segments = self._tokenizer.encode_pair(question, text, self.window)
        given = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, len(ids)), np.int64),
            "token_type_ids": np.array([segments], np.int64),
        }
        (found,) = self._session.run(None, {name: given[name] for name in self._inputs})
        return float(np.asarray(found).reshape(-1)[0])


def prepare(source: str, name: str, target: Path) -> OnnxCrossEncoder | OriginalCrossEncoder:
    """The export at ``target``, made if it is not there; else the original.

    Raises:
        EmbedderError: the model can't be had.
    """
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with process_lock(target.with_name(f"{target.name}.lock")):
            if not target.is_dir():
                _make(source, name, target)
    if not (target / _MODEL).is_file():
        return OriginalCrossEncoder(source, name)
    return OnnxCrossEncoder(target)


def _make(source: str, name: str, target: Path) -> None:
    """Export, quantize and check; a folder without a model says that the original has to serve."""
    work = target.with_name(f"{target.name}.making")
    shutil.rmtree(work, ignore_errors=True)
    raw = work / "raw"
    raw.mkdir(parents=True)
    try:
        original = OriginalCrossEncoder(source, name)
        original.export(raw)
        onnx.quantize(raw / _MODEL, work / _MODEL, reduce_range=False)
        (raw / _TOKENIZER).rename(work / _TOKENIZER)
        (work / _MANIFEST).write_text(json.dumps({"name": name, "window": original.window}), encoding="utf-8")
        if agreement(original, OnnxCrossEncoder(work)) < _LEAST_CORRELATION:
            (work / _MODEL).unlink()
        shutil.rmtree(raw)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def agreement(one: OriginalCrossEncoder | OnnxCrossEncoder, other: OriginalCrossEncoder | OnnxCrossEncoder) -> float:
    """Correlation (Pearson) of two models' scores for sample pairs; 0 where either can't tell the pairs apart."""
    both = [[score for question in _QUESTIONS for score in model.scores(question, SAMPLES)] for model in (one, other)]
    correlation = float(np.asarray(np.corrcoef(both))[0, 1])
    return 0.0 if math.isnan(correlation) else correlation


def load(source: str, failure: str = "embedder.cannot_load_reranker") -> CrossEncoder:
    """A CrossEncoder as sentence-transformers loads it.

    Args:
        source: a folder, or a name on the model hub. failure: key of the message when it can't be loaded.

    Raises:
        EmbedderError.
    """
    local = Path(source).is_dir()
    with quiet(offline=local):
        from safetensors import SafetensorError
        from sentence_transformers import CrossEncoder

        try:
            model: CrossEncoder = CrossEncoder(source, device="cpu", local_files_only=local, trust_remote_code=False)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            first_line = str(error).partition("\n")[0].rstrip(".")
            raise EmbedderError(failure, name=source, cause=first_line) from error
        return model
