"""What quotes mode has to hold: the gold answer inside few verbatim sentences, each on the page it names.

    python -m benchmarks.quotes ../shared/eval
    python -m benchmarks.quotes ../shared/eval --only zh_pdf --keep /tmp/quotes

Asks a seeded 300 questions of each set through ``RagApp.ask`` and prints the share whose quotes hold a gold answer
(white space aside), sentences and characters shown, the share refused, and the ceiling: the share whose passages
hold the answer at all. Whether quotes are verbatim is checked without our
own readers: with ``pdftotext`` (poppler) on the cited page, or in the set's own text.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ingest.sentences import sentence_spans
from rag_app import Answer, RagApp
from rag_app.evaluation import load_dataset
from rag_app.evaluation.datasets import Dataset, Question

_SETS = ("zh_pdf", "xquad/en", "xquad/zh")
QUESTIONS = 300
_SEED = 7
_MOST_SENTENCES, _MOST_CHARACTERS = 3, 300
_LEAST_INSIDE = 0.9
_QUOTE = re.compile(r"(.+?) \[(\d+)\](?:\n\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one question was answered with.

    Attributes:
        inside: a gold answer stands in one quote. retrieved: in one of the passages.
        verbatim: of each quote, whether an independent reader finds it on the cited page.
        seconds: from question to answer.
    """

    inside: bool
    retrieved: bool
    refused: bool
    sentences: int
    characters: int
    verbatim: tuple[bool, ...]
    seconds: float


def main() -> None:
    """Run over the evaluation data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=_SETS, help="names of sets")
    parser.add_argument("--keep", type=Path, help="folder for the indexes, to be used again")
    arguments = parser.parse_args()
    if shutil.which("pdftotext") is None:
        sys.exit("pdftotext is missing; it is part of poppler (Debian, Ubuntu: apt-get install -y poppler-utils)")
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as work:
            report(name, ask_all(arguments.data / name, (arguments.keep or Path(work)) / name.replace("/", "-")))


def report(name: str, shown: list[Shown]) -> None:
    """Print what a set's questions were answered with, and whether the bar is held."""
    answered = [one for one in shown if not one.refused]
    within = [one for one in shown if one.sentences <= _MOST_SENTENCES and one.characters <= _MOST_CHARACTERS]
    verbatim = [quote for one in shown for quote in one.verbatim]
    inside = sum(one.inside for one in within) / len(shown)
    print(
        f"{name}: {len(shown)} questions, gold inside {inside:.1%} (all lengths {_share(shown, 'inside')}), "
        f"in the passages {_share(shown, 'retrieved')}, refused {_share(shown, 'refused')}\n"
        f"  sentences mean {np.mean([one.sentences for one in answered]):.2f}, "
        f"most {max(one.sentences for one in answered)}; "
        f"characters mean {np.mean([one.characters for one in answered]):.0f}, "
        f"most {max(one.characters for one in answered)}; "
        f"{len(shown) - len(within)} answers over {_MOST_SENTENCES} sentences or {_MOST_CHARACTERS} characters\n"
        f"  verbatim {np.mean(verbatim):.2%} of {len(verbatim)} quotes; "
        f"seconds p50 {np.median([one.seconds for one in shown]):.3f}, "
        f"p95 {np.quantile([one.seconds for one in shown], 0.95):.3f}\n"
        f"  bar {_LEAST_INSIDE:.0%} inside, all verbatim: "
        f"{'held' if inside >= _LEAST_INSIDE and all(verbatim) else 'MISSED'}",
        flush=True,
    )


def ask_all(folder: Path, index: Path) -> list[Shown]:
    """Ask a set's seeded questions."""
    dataset = load_dataset(folder)
    gold = answers(folder)
    with opened(dataset, index) as app:
        shown = []
        for question in shuffled(dataset)[:QUESTIONS]:
            began = time.perf_counter()
            answer = app.ask(question.text)
            shown.append(_shown(answer, gold[question.id], time.perf_counter() - began))
    return shown


@contextmanager
def opened(dataset: Dataset, index: Path) -> Iterator[RagApp]:
    """An app with a set ingested in ``index``, unless it is there."""
    files = index / "files"
    files.mkdir(parents=True, exist_ok=True)
    documents, _ = dataset.files(files)
    with RagApp.open(data_dir=index / "data", answers="quotes") as app:
        report = app.ingest(documents)
        if not report.ok:
            sys.exit(f"{dataset.name}: not all was ingested: {next(file for file in report.files if file.reason)}")
        app.prepare()
        yield app


def shuffled(dataset: Dataset) -> list[Question]:
    """All questions of a set in seeded order."""
    return [dataset.questions[i] for i in np.random.default_rng(_SEED).permutation(len(dataset.questions))]


def answers(folder: Path) -> dict[str, list[str]]:
    """Question id → its gold answers, white space taken out."""
    path = folder / "evidence.jsonl"
    rows = (path if path.is_file() else folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["_id"]: [folded(answer) for answer in row["answers"]] for row in map(json.loads, rows)}


def folded(text: str) -> str:
    """Without white space: readers of PDF differ in nothing else."""
    return "".join(text.split())


def quotes_of(answer: Answer) -> list[tuple[str, int]]:
    """Each quote shown with the number of its citation; none for a refusal."""
    return [] if answer.refused else [(match[1], int(match[2])) for match in _QUOTE.finditer(answer.text)]


def _shown(answer: Answer, gold: list[str], seconds: float) -> Shown:
    quotes = quotes_of(answer)
    cited = {citation.number: citation for citation in answer.citations}
    return Shown(
        inside=any(wanted in folded(quote) for quote, _ in quotes for wanted in gold),
        retrieved=any(wanted in folded(passage.text) for passage in answer.passages for wanted in gold),
        refused=answer.refused,
        sentences=sum(len(sentence_spans(quote)) for quote, _ in quotes),
        characters=sum(len(quote) for quote, _ in quotes),
        verbatim=tuple(
            any(folded(quote) in page for page in page_texts(cited[number].path, cited[number].page))
            for quote, number in quotes
        ),
        seconds=seconds,
    )


@cache
def page_texts(path: Path, page: int) -> tuple[str, ...]:
    """A page as poppler reads it, white space taken out: in reading order, and as the file has it; or a text file's."""
    if path.suffix != ".pdf":
        return (folded(path.read_text(encoding="utf-8")),)
    command = ["pdftotext", "-f", str(page), "-l", str(page), "-enc", "UTF-8"]
    runs = (
        subprocess.run([*command, *order, str(path), "-"], capture_output=True, check=True, text=True)
        for order in ((), ("-raw",))
    )
    return tuple(folded(run.stdout) for run in runs)


def _share(shown: list[Shown], what: str) -> str:
    return f"{np.mean([getattr(one, what) for one in shown]):.1%}"


if __name__ == "__main__":
    main()
