"""Many at once: threads and tasks ask while one ingests; then the memory of thousands of questions, one after another.

    python -m benchmarks.concurrency --questions 5000

Answers are quotes, so that nothing but the app is measured. Each document states one value; an answer that cites
another document, or has another value, counts as mixed. The resident memory (RSS) is read after a warm-up of a tenth
of the questions, and at the end, each time after a collection.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from rag_app import Answer, AsyncRagApp, RagApp

_MACHINES = 24


def main() -> None:
    """Print what was asked, what went wrong, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--each", type=int, default=10, help="questions of a thread")
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--questions", type=int, default=5000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        files = Path(work, "files")
        files.mkdir()
        for number in range(_MACHINES):
            text = f"# Machine M{number}\n\nThe torque of machine M{number} is {_value(number)}.\n"
            (files / _name(number)).write_text(text)
        with RagApp.open(data_dir=Path(work, "data"), answers="quotes") as app:
            app.ingest(files)
            at_once(app, Path(work, "notes"), given.threads, given.each, given.tasks)
            memory(app, given.questions)


def at_once(app: RagApp, notes: Path, threads: int, each: int, tasks: int) -> None:
    """Ask from threads and tasks while one thread ingests; an error ends it."""
    notes.mkdir()
    stop = threading.Event()
    began = time.monotonic()

    def ingest() -> int:
        count = 0
        while not stop.is_set():
            (notes / f"note-{count % 3}.md").write_text(f"# Note {count}\n\nLunch number {count} is soup.\n")
            app.ingest(notes)
            count += 1
        return count

    def ask(worker: int) -> int:
        return sum(_is_mixed(app.ask(_question(n)), n) for n in _numbers(worker, each))

    async def ask_all() -> int:
        beside = AsyncRagApp(app)
        answers = await asyncio.gather(*(beside.ask(_question(n)) for n in _numbers(0, tasks)))
        return sum(_is_mixed(answer, n) for answer, n in zip(answers, _numbers(0, tasks), strict=True))

    with ThreadPoolExecutor(threads + 1) as pool:
        ingesting = pool.submit(ingest)
        asking = [pool.submit(ask, worker) for worker in range(threads)]
        try:
            mixed = asyncio.run(ask_all()) + sum(one.result() for one in asking)
        finally:
            stop.set()
        asked = threads * each + tasks
        print(
            f"{threads} threads and {tasks} tasks: {asked} answers, {mixed} mixed, 0 errors, "
            f"beside {ingesting.result()} ingestions, {time.monotonic() - began:.0f} s"
        )


def memory(app: RagApp, questions: int) -> None:
    """Ask one after another."""
    process = psutil.Process()

    def asked(count: int) -> float:
        for n in _numbers(0, count):
            app.ask(_question(n))
        gc.collect()
        return float(process.memory_info().rss) / 1e6

    warm = asked(max(1, questions // 10))
    began = time.monotonic()
    after = asked(questions)
    each = (time.monotonic() - began) / questions
    print(
        f"RSS after warm-up {warm:.1f} MB, {questions} questions later {after:.1f} MB; {1e3 * each:.1f} ms a question"
    )


def _numbers(first: int, count: int) -> list[int]:
    return [(first + turn) % _MACHINES for turn in range(count)]


def _name(number: int) -> str:
    return f"machine-{number}.md"


def _value(number: int) -> str:
    return f"{number * 7 + 3} newton metres"


def _question(number: int) -> str:
    return f"What is the torque of machine M{number}?"


def _is_mixed(answer: Answer, number: int) -> bool:
    return answer.citations[0].document != _name(number) or _value(number) not in answer.text


if __name__ == "__main__":
    main()
