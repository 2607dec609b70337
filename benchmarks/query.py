"""What a question costs over a large knowledge base, against embedding it alone.

    python -m benchmarks.query ../shared/eval --chunks 100000

Texts are sentences of the evaluation passages, shuffled, so that words are as frequent as in real text; vectors are
those of real passages with noise. Stored through the real catalog and Chroma. Prints, measured in one run and warm:
p50 and p95 of retrieval as multiples of embedding the question; how many of the true ten nearest the approximate
search finds; seconds, memory and disk that the knowledge base took.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.types import Chunk, Document, Page, ReadFile, SourceFile
from rag_app import RagApp

_CORPORA = ("scifact", "cmrc2018", "xquad/en", "xquad/zh")
_QUESTIONS = 200
_EMBEDDED = 2000  # passages; every vector lies between those of two of them, with noise
_SENTENCES = 5  # of a chunk
_PAGES = 20  # of a document, a chunk each
_DOCUMENTS_AT_ONCE = 50
_NOISE = 0.5


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--chunks", type=int, default=100_000)
    arguments = parser.parse_args()
    passages = [text for name in _CORPORA for text in _texts(arguments.data / name / "corpus.jsonl")]
    questions = [text for name in _CORPORA for text in _texts(arguments.data / name / "queries.jsonl")]
    random = np.random.default_rng(11)
    questions = [questions[i] for i in random.permutation(len(questions))[:_QUESTIONS]]
    with tempfile.TemporaryDirectory() as folder, RagApp.open(data_dir=folder, answers="quotes") as app:
        began = time.monotonic()
        vectors = _fill(app, passages, arguments.chunks, random)
        seconds = time.monotonic() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{arguments.chunks} chunks stored in {seconds:.0f} s, {size / 2**20:.0f} MiB, peak memory {memory:.1f} GiB"
        )
        _measure(app, questions, vectors)


def _fill(app: RagApp, passages: list[str], chunks: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Store the chunks; returns their vectors, row = chunk id − 1."""
    embedder = app._store.embedder()
    chosen = [passages[i] for i in random.permutation(len(passages))[:_EMBEDDED]]
    real = embedder.embed_passages([text[:1000] for text in chosen])
    noise = random.normal(size=(chunks, real.shape[1])).astype(np.float32) * (_NOISE / np.sqrt(real.shape[1]))
    one, other = (real[random.integers(0, len(real), chunks)] for _ in range(2))
    share = random.uniform(0.5, 1.0, (chunks, 1)).astype(np.float32)
    vectors = share * one + (1 - share) * other + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sentences = [s for text in passages for s in re.split(r"(?<=[.!?。！？])\s*", text) if len(s) > 10]
    kb = app._store.kb(None)
    with app._store.writing(kb) as writer:
        writer.use_embedder(embedder.info, "bundled")
        documents = _documents(sentences, chunks, random)
        stored = 0
        while group := list(islice(documents, _DOCUMENTS_AT_ONCE)):
            counts = [len(file.chunks) for file in group]
            ends = np.cumsum([stored, *counts])
            writer.put(group, [vectors[a:b] for a, b in pairwise(ends)])
            stored = int(ends[-1])
    return vectors


def _documents(sentences: list[str], chunks: int, random: np.random.Generator) -> Iterator[ReadFile]:
    for number, first in enumerate(range(0, chunks, _PAGES)):
        count = min(_PAGES, chunks - first)
        texts = [" ".join(sentences[i] for i in random.integers(0, len(sentences), _SENTENCES)) for _ in range(count)]
        name = f"document-{number}"
        pages = tuple(Page(page, text) for page, text in enumerate(texts, 1))
        yield ReadFile(
            SourceFile(Path("/", "documents", f"{name}.txt"), sum(map(len, texts)), number),
            f"{number:064x}",
            "benchmark",
            Document(name, "text", pages),
            tuple(Chunk(page.number, 0, len(page.text), (), page.text, f"{name}\n") for page in pages),
        )


def _measure(app: RagApp, questions: list[str], vectors: npt.NDArray[np.float32]) -> None:
    retriever = app._asking.retriever._dense
    state = app._store.catalog.knowledge_bases.index(app.knowledge_bases()[0].id)
    embedder = app._store.embedder_of(state)
    for question in questions[:10]:
        app.retrieve(question)
    alone = _times(embedder.embed_query, questions)
    whole = _times(app.retrieve, questions)
    agreed = []
    for question in questions:
        found = list(retriever.search(state.kb, question, 100).similarity)[:10]
        exact = np.argsort(-(vectors @ retriever._centring.vector(embedder, question)))[:10] + 1
        agreed.append(len({*found} & set(exact.tolist())) / 10)
    print(f"embedding alone: p50 {np.median(alone) * 1e3:.1f} ms; retrieval: p50 {np.median(whole) * 1e3:.1f} ms")
    print(f"p50 {np.median(whole) / np.median(alone):.2f} times, p95 {np.percentile(whole, 95) / np.median(alone):.2f}")
    print(f"approximate search finds {np.mean(agreed):.1%} of the exact ten")


def _times(ask: Callable[[str], object], questions: list[str]) -> npt.NDArray[np.float64]:
    times = []
    for question in questions:
        began = time.perf_counter()
        ask(question)
        times.append(time.perf_counter() - began)
    return np.array(times)


def _texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
