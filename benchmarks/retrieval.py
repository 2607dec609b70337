"""nDCG@10 through the real pipeline: files → ingest → retrieve, with the default settings.

    python -m benchmarks.retrieval ../shared/eval/xquad/en ../shared/eval/xquad/zh ../shared/eval/cmrc2018

Each argument is a folder with corpus.jsonl, queries.jsonl and qrels.tsv; ``QUERIES+CORPUS`` takes the queries of one
folder and the corpus of another (cross-lingual). Every passage becomes a file, every file goes through
``RagApp.ingest``; a document ranks where its best passage does. Prints the fused ranking beside each of its parts.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rag_app import RagApp
from rag_app.retrieval.tokens import query_terms

_PASSAGES = 40


def main() -> None:
    """Run over the folders named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--chunk-tokens", type=int)
    arguments = parser.parse_args()
    print(f"{'set':<24}{'passages':>9}{'questions':>10}{'dense':>8}{'lexical':>8}{'fused':>8}{'coverage':>9}")
    for folder in arguments.folders:
        queries, _, corpus = folder.partition("+")
        measure(Path(queries), Path(corpus or queries), arguments.chunk_tokens)


def measure(queries_from: Path, corpus_from: Path, chunk_tokens: int | None) -> None:
    """Ingest one corpus into a throw-away data folder, ask all its questions, print one row."""
    wanted = relevant_passages(queries_from)
    queries = [q for q in jsonl(queries_from / "queries.jsonl") if q["_id"] in wanted]
    with tempfile.TemporaryDirectory() as folder:
        ids = _write_files(corpus_from / "corpus.jsonl", Path(folder, "files"))
        with RagApp.open(data_dir=Path(folder, "data"), chunk_tokens=chunk_tokens, answers="quotes") as app:
            app.ingest(Path(folder, "files"))
            sums = {"dense": 0.0, "lexical": 0.0, "fused": 0.0, "coverage": 0.0}
            for query in queries:
                for name, ranking in _rankings(app, query["text"], ids).items():
                    sums[name] += ndcg(ranking, wanted[query["_id"]])
                sums["coverage"] += app.retrieve(query["text"]).coverage
    means = "".join(f"{sums[name] / len(queries):8.4f}" for name in ("dense", "lexical", "fused"))
    name = queries_from.name if queries_from.parent.name == "eval" else "/".join(queries_from.parts[-2:])
    name += f" → {corpus_from.name}" if corpus_from != queries_from else ""
    print(f"{name:<24}{len(ids):>9}{len(queries):>10}{means}{sums['coverage'] / len(queries):9.2f}", flush=True)


def relevant_passages(folder: Path) -> dict[str, set[str]]:
    """Question id → ids of the passages that answer it."""
    wanted: dict[str, set[str]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, passage, score = line.split("\t")
        if int(score) > 0:
            wanted.setdefault(query, set()).add(passage)
    return wanted


def _rankings(app: RagApp, question: str, ids: dict[str, str]) -> dict[str, list[str]]:
    """Document ids, best first, of the fused result and of each part alone."""
    kb = app.knowledge_bases()[0].id
    fused = app.retrieve(question, limit=_PASSAGES)
    lexical = app._store.catalog.lexical.search(kb, query_terms(question), _PASSAGES)
    state = app._store.catalog.knowledge_bases.index(kb)
    vector = app._store.embedder_of(state).embed_query(question)
    dense = app._store.vectors.search(state.collection, vector, _PASSAGES, state.version) or []
    rows = app._store.catalog.documents.passages([hit.chunk_id for hit in [*lexical, *dense]])
    return {
        "fused": _unique(ids[passage.document] for passage in fused.passages),
        "lexical": _unique(ids[rows[hit.chunk_id].path.name] for hit in lexical),
        "dense": _unique(ids[rows[hit.chunk_id].path.name] for hit in dense),
    }


def ndcg(ranking: list[str], relevant: set[str], depth: int = 10) -> float:
    """NDCG with binary relevance (Järvelin & Kekäläinen 2002)."""
    gain = sum(1 / math.log2(place + 2) for place, i in enumerate(ranking[:depth]) if i in relevant)
    best = sum(1 / math.log2(place + 2) for place in range(min(depth, len(relevant))))
    return gain / best


def _write_files(corpus: Path, folder: Path) -> dict[str, str]:
    """Each passage as a file: Markdown with its title, or plain text without; file name → passage id."""
    folder.mkdir(parents=True)
    ids: dict[str, str] = {}
    for number, passage in enumerate(jsonl(corpus)):
        title = passage.get("title", "")
        name = f"{number:05}.md" if title else f"{number:05}.txt"
        text = f"# {title}\n\n{passage['text']}" if title else passage["text"]
        (folder / name).write_text(text, encoding="utf-8")
        ids[name] = passage["_id"]
    return ids


def jsonl(path: Path) -> list[dict[str, str]]:
    """A file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


if __name__ == "__main__":
    main()
