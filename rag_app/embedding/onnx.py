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
_BATCH_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an exported model's folder says of itself.

    Attributes:
        name, revision, dimension, window: see :class:`rag_app.protocols.EmbedderInfo`.
        pooling: how token vectors become one. pad: id of the padding token.
        query_prefix, passage_prefix: put in front of every text of that kind.
        recipe: how it was quantized. cosine: mean cosine to the original on the sample texts.
    """

    name: str
    revision: str
    dimension: int
    window: int
    pooling: Literal["mean", "cls"]
    pad: int
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
        self._session = _session(folder / _MODEL)

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
        """Batches of like length, since padding costs as much as text.

        A text past the window is embedded window by window and the vectors are averaged: nothing is cut off.
        """
        windows: list[list[int]] = []
        owners: list[int] = []
        for owner, ids in enumerate(self._tokenizer.encode(texts)):
            for window in _windows(ids, self.info.window):
                windows.append(window)
                owners.append(owner)
        sums = np.zeros((len(texts), self.info.dimension), np.float32)
        for batch in _batches([len(window) for window in windows]):
            vectors = self._run([windows[i] for i in batch])
            np.add.at(sums, [owners[i] for i in batch], vectors)
        return _normalized(sums)

    def _run(self, windows: list[list[int]]) -> npt.NDArray[np.float32]:
        longest = max(map(len, windows))
        ids = np.full((len(windows), longest), self._manifest.pad, np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        hidden: npt.NDArray[np.float32] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        if self._manifest.pooling == "cls":
            return _normalized(hidden[:, 0])
        return _normalized((hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))


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
    """Join the parts of each attention and layer norm into one node: about 5 % faster after quantization."""
    no_telemetry()
    from onnxruntime.transformers.optimizer import optimize_model

    optimize_model(str(source), model_type="bert", num_heads=heads, hidden_size=hidden).save_model_to_file(str(target))


def _session(path: Path) -> InferenceSession:
    no_telemetry()
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    onnxruntime.set_default_logger_severity(3)
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the calls run side by side instead
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (state.Fail, state.NoSuchFile, state.InvalidGraph, state.InvalidProtobuf, state.RuntimeException) as error:
        raise EmbedderError("embedder.cache_damaged", path=path.parent, cause=error) from error


def _windows(ids: list[int], window: int) -> list[list[int]]:
    """Ids with special tokens, cut so that each part has its own special tokens and fits."""
    if len(ids) <= window:
        return [ids]
    first, inner, last = ids[0], ids[1:-1], ids[-1]
    step = window - 2
    return [[first, *inner[i : i + step], last] for i in range(0, len(inner), step)]


def _batches(lengths: list[int]) -> list[list[int]]:
    """Indices in batches of like length, each at most ``_BATCH_TOKENS`` after padding."""
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[index] <= _BATCH_TOKENS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _normalized(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
