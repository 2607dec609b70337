"""Embedding with ONNX Runtime; the only onnxruntime import. Neither torch nor sentence-transformers is needed."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from ingest.privacy import no_telemetry

from ..errors import EmbedderError
from ..protocols import EmbedderInfo
from .tokenizer import TextTokenizer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_MANIFEST = "manifest.json"
_MODEL = "model.onnx"
_MASK_INPUT = 4  # of MultiHeadAttention, see its schema in ONNX Runtime
_UNWANTED = ["SkipLayerNormFusion"]  # its kernel takes four times as long as the parts it joins


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an exported model's folder says of itself.

    Attributes:
        name, revision, dimension, window: see :class:`rag_app.protocols.EmbedderInfo`.
        pooling: how token vectors become one.
        query_prefix, passage_prefix: put in front of every text of that kind.
        recipe: how it was quantized. cosine: mean cosine to the original on the sample texts.
    """

    name: str
    revision: str
    dimension: int
    window: int
    pooling: Literal["mean", "cls"]
    query_prefix: str
    passage_prefix: str
    recipe: str
    cosine: float

    def save(self, folder: Path) -> None:
        """Write it into an exported model's folder."""
        (folder / _MANIFEST).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read it from an exported model's folder.

        Raises:
            EmbedderError: it is not there or damaged.
        """
        try:
            return cls(**json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise EmbedderError("embedder.cache_damaged", path=folder, cause=error) from error


class OnnxEmbedder:
    """An exported model: ``model.onnx``, ``tokenizer.json`` and ``manifest.json`` in ``folder``.

    Raises:
        EmbedderError: the folder is damaged.
    """

    def __init__(self, folder: Path) -> None:
        manifest = Manifest.read(folder)
        self.info = EmbedderInfo(manifest.name, manifest.revision, manifest.dimension, manifest.window)
        self._manifest = manifest
        self._tokenizer = TextTokenizer(folder / "tokenizer.json")
        self._session = open_session(folder / _MODEL)
        self._inputs = [one.name for one in self._session.get_inputs()]

    @property
    def concurrency(self) -> int:
        """One call a core: each runs on its own thread, which beats one call on all cores."""
        return os.cpu_count() or 1

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of passages, shape (len(texts), dimension)."""
        return self._embed([f"{self._manifest.passage_prefix}{text}" for text in texts])

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        """Unit vector of a question, shape (dimension,)."""
        vector: npt.NDArray[np.float32] = self._embed([f"{self._manifest.query_prefix}{text}"])[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""
        return self._tokenizer.count(text)

    def _embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One text at a time: nothing is padded, no mask is needed, and a vector does not depend on its neighbours.

        A text past the window is embedded window by window and the vectors are averaged: nothing is cut off.
        """
        sums = np.zeros((len(texts), self.info.dimension), np.float32)
        for row, ids in enumerate(self._tokenizer.encode(texts)):
            for window in _windows(ids, self.info.window):
                sums[row] += self._run(window)
        return _normalized(sums)

    def _run(self, window: list[int]) -> npt.NDArray[np.float32]:
        ids = np.array([window], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        hidden: npt.NDArray[np.float32] = self._session.run(None, {name: given[name] for name in self._inputs})[0][0]
        vector = hidden[:1] if self._manifest.pooling == "cls" else hidden.mean(axis=0, keepdims=True)
        unit: npt.NDArray[np.float32] = _normalized(vector)[0]
        return unit


def quantize(source: Path, target: Path, *, reduce_range: bool) -> None:
    """Dynamic int8, one scale per output channel. ``reduce_range`` keeps 7 bits, for CPUs whose int8 sums saturate.

    Per channel, not per tensor: mean cosine to fp32 .997 against .983, at the same speed.
    """
    no_telemetry()
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.disable(logging.WARNING)  # it recommends a step that fuse_attention has done
    try:
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=reduce_range,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    finally:
        logging.disable(logging.NOTSET)


def fuse_attention(source: Path, target: Path, *, heads: int, hidden: int) -> None:
    """Join the parts of each attention into one node that never holds the whole matrix (flash attention).

    That kernel takes no mask; there is none, as :class:`OnnxEmbedder` pads nothing. With layer norms left alone, a
    third faster after quantization than the optimizer's defaults; ``LOG.md`` has the figures.
    """
    no_telemetry()
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions("bert")
    options.use_multi_head_attention = True
    options.enable_skip_layer_norm = options.enable_bias_skip_layer_norm = False
    model = optimize_model(
        str(source), model_type="bert", num_heads=heads, hidden_size=hidden, optimization_options=options
    )
    for node in model.get_nodes_by_op_type("MultiHeadAttention"):
        if len(node.input) > _MASK_INPUT:
            node.input[_MASK_INPUT] = ""
    model.save_model_to_file(str(target))


def open_session(path: Path) -> InferenceSession:
    """A model file ready to run, on one thread a call.

    Raises:
        EmbedderError: the file is damaged.
    """
    no_telemetry()
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    onnxruntime.set_default_logger_severity(3)
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the calls run side by side instead
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=_UNWANTED
        )
    except (state.Fail, state.NoSuchFile, state.InvalidGraph, state.InvalidProtobuf, state.RuntimeException) as error:
        raise EmbedderError("embedder.cache_damaged", path=path.parent, cause=error) from error


def _windows(ids: list[int], window: int) -> list[list[int]]:
    """Ids with special tokens, cut so that each part has its own special tokens and fits."""
    if len(ids) <= window:
        return [ids]
    first, inner, last = ids[0], ids[1:-1], ids[-1]
    step = window - 2
    return [[first, *inner[i : i + step], last] for i in range(0, len(inner), step)]


def _normalized(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
