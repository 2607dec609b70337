"""The web UI under load: a question while files are read, and the chat page in front of much that is stored.

    python -m benchmarks.ui --pages 5000

Two ratios, each measured in one run. First: PDFs of that many pages are read into a knowledge base by a job of the UI,
and questions about the sample documents are answered in quotes mode by the same process, a round while files are read
and a round while nothing is, again and again; the median of the one over the median of the other (bar: 2). Second: the
seconds until the chat page is drawn in a session that has just begun, with 100 conversations and 10,000 documents, over
those with none (bar: 2).
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from ingest.types import Chunk, Document, Page, ReadFile, SourceFile
from rag_app import KnowledgeBase, RagApp
from ui import reading
from ui.shared import open_app

PROJECT = Path(__file__).parents[1]
SCRIPT = f"import runpy\nrunpy.run_path({str(PROJECT / 'ui' / 'app.py')!r}, run_name='__main__')"
QUESTIONS = (
    "On which date was Llama 3.3 70B released?",
    "What is an embedding?",
    "Where is the Ollama server log on Windows?",
    "终端里中文显示成乱码，应该执行什么命令？",
    "How much memory does the 8B model need?",
    "怎样更换模型存放的位置？",
)
WORDS = (
    "memory model answer page folder question laptop kernel vector sentence walrus river contract invoice budget "
    "protein galaxy kettle harbour winter inspection corridor measure lantern"
).split()
_PAGES_OF_A_FILE = 50
_LINES, _WORDS_OF_A_LINE = 28, 9
_ROUNDS = 5
_PAUSE_SECONDS = 0.7
_RUNS = 7
_DIMENSION = 384


def main() -> None:
    """Build, ask, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--conversations", type=int, default=100)
    arguments = parser.parse_args()
    for variable in [one for one in os.environ if one.startswith("RAG_")]:
        del os.environ[variable]
    os.environ |= {"RAG_ANSWERS": "quotes", "RAG_OLLAMA_URL": "http://127.0.0.1:9"}
    with tempfile.TemporaryDirectory() as folder:
        ask_while_reading(Path(folder), arguments.pages)
        draw_the_chat(Path(folder), arguments.documents, arguments.conversations)


# A question while files are read


def ask_while_reading(folder: Path, pages: int) -> None:
    """Rounds of questions, with and without files being read."""
    papers = folder / "papers"
    papers.mkdir()
    for number in range(-(-pages // _PAGES_OF_A_FILE)):
        _pdf(papers / f"{number:04}.pdf", number)
    app = _open(folder / "busy")
    app.ingest(PROJECT / "sample_docs")
    kb = app.knowledge_bases()[0]
    _times(app, 1)
    quiet, busy, chunks = [], [], 0
    for _ in range(_ROUNDS):
        reading.read(app, kb, [papers])
        (job,) = reading.running(kb)
        while job.step is None or job.step.pages + job.step.chunks == 0:
            assert not job.finished, job.error
            job.wait(0.1)
        busy += _times(app, 2)
        assert not job.finished, "all was read before the questions were asked: give it more pages"
        chunks += job.step.chunks
        job.cancel()
        assert job.wait(120)
        quiet += _times(app, 2)
    ratio = statistics.median(busy) / statistics.median(quiet)
    print(f"a question while {pages} pages are read: {_figures(busy)}; quiet: {_figures(quiet)}")
    print(f"{chunks} chunks were stored or embedded meanwhile; ratio of the medians {ratio:.2f} (bar: 2)", flush=True)


def _times(app: RagApp, rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        for question in QUESTIONS:
            time.sleep(_PAUSE_SECONDS)  # what reads files is at full speed again
            began = time.perf_counter()
            assert app.ask(question).text
            times.append(time.perf_counter() - began)
    return times


def _figures(times: Sequence[float]) -> str:
    quantiles = statistics.quantiles(times, n=20)
    return f"median {statistics.median(times) * 1e3:.0f} ms, 95 % {quantiles[-1] * 1e3:.0f} ms"


def _pdf(path: Path, seed: int) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    dice = random.Random(seed)
    canvas = Canvas(str(path), pagesize=A4)
    for _ in range(_PAGES_OF_A_FILE):
        for line in range(_LINES):
            canvas.drawString(60, 780 - 26 * line, " ".join(dice.choices(WORDS, k=_WORDS_OF_A_LINE)) + ".")
        canvas.showPage()
    canvas.save()


# The chat page in front of much


def draw_the_chat(folder: Path, documents: int, conversations: int) -> None:
    """The first drawing of the page by turns over an empty data folder and a full one."""
    times: dict[str, list[float]] = {"empty": [], "full": []}
    app = _open(folder / "full")
    kb = app.knowledge_bases()[0]
    _store_documents(app, kb, documents)
    _store_conversations(app, kb, conversations)
    app.close()
    for name in times:
        _draw(folder / name)
    for _ in range(_RUNS):
        for name, taken in times.items():
            taken.append(_draw(folder / name))
    ratio = statistics.median(times["full"]) / statistics.median(times["empty"])
    told = "; ".join(f"{name}: {_figures(taken)}" for name, taken in times.items())
    print(f"the chat page over {conversations} conversations and {documents} documents: {told}")
    print(f"ratio of the medians {ratio:.2f} (bar: 2)", flush=True)


def _draw(data: Path) -> float:
    """Seconds of a new session's first page, the server and its app being there."""
    _open(data).documents("default")
    page = AppTest.from_string(SCRIPT, default_timeout=300)
    began = time.perf_counter()
    page.run()
    seconds = time.perf_counter() - began
    assert not page.exception
    return seconds


def _store_documents(app: RagApp, kb: KnowledgeBase, count: int) -> None:
    """Documents of a page, with vectors that mean nothing."""
    random_numbers, dice = np.random.default_rng(3), random.Random(3)
    embedder = app._store.embedder()
    with app._store.writing(kb) as writer:
        writer.use_embedder(embedder.info, "bundled")
        for first, end in pairwise([*range(0, count, 500), count]):
            files = [_document(number, dice) for number in range(first, end)]
            vectors = random_numbers.normal(size=(len(files), _DIMENSION)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            writer.put(files, [row[None, :] for row in vectors])


def _document(number: int, dice: random.Random) -> ReadFile:
    name, text = f"note-{number}", " ".join(dice.choices(WORDS, k=40)) + "."
    return ReadFile(
        SourceFile(Path("/", "notes", f"{name}.txt"), len(text), number),
        f"{number:064x}",
        "benchmark",
        Document(name, "text", (Page(1, text),)),
        (Chunk(1, 0, len(text), ("About " + " ".join(dice.choices(WORDS, k=3)),), text, f"{name}\n"),),
    )


def _store_conversations(app: RagApp, kb: KnowledgeBase, count: int) -> None:
    """Each of three questions and their answers."""
    answers = [app.ask(" ".join(random.Random(one).choices(WORDS, k=8)) + "?") for one in range(3)]
    stored = app._store.catalog.conversations
    for _ in range(count):
        made, parent = stored.create([kb.id]), None
        for answer in answers:
            _, parent = stored.ask(made, parent, answer.question, 0)
            stored.keep(parent, "complete", answer.text, answer)


def _open(data: Path) -> RagApp:
    """The app of the UI's server over this data folder."""
    os.environ["RAG_DATA_DIR"] = str(data)
    open_app.clear()
    app: RagApp = open_app()
    app.folders()  # the default knowledge base comes into being
    return app


if __name__ == "__main__":
    main()
