"""A sentence-transformers model made fast, once: exported to ONNX, quantized, checked, cached.

The cache is one folder a model under ``model_dir``. It is made in a folder beside it and moved into place when it
is whole, under a lock: a second process waits and then uses it, and a killed export leaves nothing but a folder that
the next one clears away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..locks import process_lock
from ..protocols import Embedder
from . import onnx
from .sentence_transformer import Architecture, SentenceTransformerEmbedder

LEAST_COSINE = 0.99
RECIPE = 2
"""Part of every revision: raised when an export of the same model gives other vectors."""
_ORIGINAL = "original.json"  # stands where an export would, and says why there is none

SAMPLES = (
    "LLaMA 3 8B needs about 5 GB of memory when its weights are quantized to four bits.",
    "The first answer is slow because the model has to be loaded from the disk.",
    "Revenue for the fiscal year 2022 was $3.5 million, up 12% from the year before.",
    "A reranker reads the question and the passage together and returns one score for the pair.",
    "How do I move the model folder to another drive?",
    "Photosynthesis converts light energy into chemical energy stored in glucose.",
    "大语言模型在回答之前先从文档中检索相关段落，这种方法叫做检索增强生成。",
    "本合同自双方签字盖章之日起生效，有效期为三年。",
    "量化把权重从十六位压缩到四位，内存占用约为原来的四分之一。",
    "如何把模型文件夹从C盘移到D盘？",
    "二〇二四年第三季度营业收入为三百五十万元，同比增长百分之十二。",
    "長江是亞洲最長的河流，發源於青藏高原的唐古拉山脈。",
)
"""Texts on which an export must agree with its original, in both languages."""

_RECIPES = {"int8 per channel": False, "int8 per channel, reduced range": True}
"""Name → reduce_range, best first; the second one for CPUs whose int8 sums saturate."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model before export.

    Attributes:
        name: as the user knows it. revision: changes whenever its vectors do.
        folder_name: of its cache, safe on every file system.
        fetch: gives what sentence-transformers can load; may unpack into the folder it is handed.
    """

    name: str
    revision: str
    folder_name: str
    fetch: Callable[[Path], str]


def is_ready(source: Source, model_dir: Path) -> bool:
    """True when :func:`prepare` has nothing left to do."""
    return (model_dir / source.folder_name).is_dir()


def prepare(source: Source, model_dir: Path) -> Embedder:
    """The cached export of ``source``, made if it is not there; else the original itself.

    Raises:
        EmbedderError: the model can't be had.
    """
    target = model_dir / source.folder_name
    if not target.is_dir():
        model_dir.mkdir(parents=True, exist_ok=True)
        with process_lock(model_dir / f"{source.folder_name}.lock"):
            if not target.is_dir():
                _make(source, target)
    if (target / _ORIGINAL).is_file():
        return SentenceTransformerEmbedder(source.fetch(target), source.name, source.revision)
    return onnx.OnnxEmbedder(target)


def why_original(source: Source, model_dir: Path) -> str:
    """Why the original serves instead of an export; empty when an export does."""
    note = model_dir / source.folder_name / _ORIGINAL
    return str(json.loads(note.read_text(encoding="utf-8"))["reason"]) if note.is_file() else ""


def _make(source: Source, target: Path) -> None:
    work = target.with_name(f"{target.name}.making")
    shutil.rmtree(work, ignore_errors=True)  # of an export that was killed
    work.mkdir()
    try:
        original = SentenceTransformerEmbedder(
            source.fetch(work / "original"), source.name, source.revision, eager=True
        )
        reason = _export(original, work)
        if reason:
            (work / _ORIGINAL).write_text(json.dumps({"reason": reason}), encoding="utf-8")
        else:
            shutil.rmtree(work / "original", ignore_errors=True)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _export(original: SentenceTransformerEmbedder, work: Path) -> str:
    """Fill ``work`` with an export that agrees with the original; returns the reason if there is none."""
    architecture = original.architecture()
    if original.on_gpu:
        return "gpu"
    if architecture is None:
        return "architecture"
    raw = work / "raw"
    raw.mkdir()
    original.export(raw)
    (raw / "tokenizer.json").rename(work / "tokenizer.json")
    onnx.fuse_attention(raw / "model.onnx", raw / "fused.onnx", heads=architecture.heads, hidden=architecture.hidden)
    best = 0.0
    for recipe, reduce_range in _RECIPES.items():
        onnx.quantize(raw / "fused.onnx", work / "model.onnx", reduce_range=reduce_range)
        _manifest(original, architecture, recipe, 0.0).save(work)
        cosine = agreement(original, onnx.OnnxEmbedder(work))
        if cosine >= LEAST_COSINE:
            _manifest(original, architecture, recipe, cosine).save(work)
            shutil.rmtree(raw)
            return ""
        best = max(best, cosine)
    for leftover in ("model.onnx", "manifest.json", "tokenizer.json"):
        (work / leftover).unlink()
    shutil.rmtree(raw)
    return f"cosine {best:.4f}"


def agreement(one: Embedder, other: Embedder) -> float:
    """Mean cosine of two models' vectors for :data:`SAMPLES`, as questions and as passages."""
    passages = np.sum(one.embed_passages(SAMPLES) * other.embed_passages(SAMPLES), axis=1)
    queries = [float(one.embed_query(text) @ other.embed_query(text)) for text in SAMPLES]
    return float(np.mean([*passages, *queries]))


def _manifest(
    original: SentenceTransformerEmbedder, architecture: Architecture, recipe: str, cosine: float
) -> onnx.Manifest:
    return onnx.Manifest(
        name=original.info.name,
        revision=original.info.revision,
        dimension=original.info.dimension,
        window=original.info.window,
        pooling=architecture.pooling,
        query_prefix=original.query_prefix,
        passage_prefix=original.passage_prefix,
        recipe=recipe,
        cosine=cosine,
    )
