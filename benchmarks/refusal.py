"""How well "your documents do not say" is told from "they do", before any model is asked.

    python -m benchmarks.refusal ../shared/eval

Half of each collection is ingested. Questions about that half are answerable; questions about the other half are
not, though they are of the same style, language and often subject (near misses). Prints the share refused of each
kind for the rule in force (rag_app/retrieval/relevance.py), and, with ``--fit``, a logistic regression over all sets
together: fitted on the even questions, measured on the odd ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_app import RagApp, Retrieval
from rag_app.retrieval.language import language_of
from rag_app.retrieval.relevance import evidence

_QUESTIONS = 400


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what it retrieved."""

    collection: str
    answerable: bool
    retrieval: Retrieval


def main() -> None:
    """Run over the evaluation data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    cases = [
        case
        for collection in (
            passages(arguments.data / "xquad" / "en"),
            passages(arguments.data / "xquad" / "zh"),
            passages(arguments.data / "cmrc2018"),
            passages(arguments.data / "xquad" / "en", arguments.data / "xquad" / "zh"),
            passages(arguments.data / "xquad" / "zh", arguments.data / "xquad" / "en"),
            pdfs(arguments.data / "zh_pdf"),
        )
        for case in collection
    ]
    print(f"{'collection':<14}{'answerable':>11}{'refused':>9}{'unanswerable':>14}{'refused':>9}")
    for name in dict.fromkeys(case.collection for case in cases):
        good = [evidence(c.retrieval) <= 0 for c in cases if c.collection == name and c.answerable]
        bad = [evidence(c.retrieval) <= 0 for c in cases if c.collection == name and not c.answerable]
        print(f"{name:<14}{len(good):>11}{np.mean(good):9.1%}{len(bad):>14}{np.mean(bad):9.1%}")
    if arguments.fit:
        fit(cases)


def fit(cases: list[Case]) -> None:
    """Print the weights for questions in the documents' language, and the cut across languages."""
    from sklearn.linear_model import LogisticRegression

    across = np.array([language_of(c.retrieval.question) != language_of(c.retrieval.passages[0].text) for c in cases])
    features = np.array([[c.retrieval.standing, c.retrieval.coverage] for c in cases])
    wanted = np.array([c.answerable for c in cases])
    even = np.arange(len(cases)) % 2 == 0
    model = LogisticRegression(C=1e4, max_iter=9000, class_weight="balanced")
    model.fit(features[even & ~across], wanted[even & ~across])
    print("weights", model.coef_[0].round(2), "bias", model.intercept_.round(2))
    scores = model.decision_function(features)
    for name, group, values in (("same language", ~across, scores), ("across", across, features[:, 0])):
        for share in (0.01, 0.02, 0.03, 0.05, 0.1):
            cut = np.quantile(values[even & group & wanted], share)
            good = np.mean(values[~even & group & wanted] <= cut)
            bad = np.mean(values[~even & group & ~wanted] <= cut)
            print(f"{name}: cut {cut:+.3f} refuses {good:.1%} of the answerable, {bad:.1%} of the unanswerable")


def passages(folder: Path, asked_in: Path | None = None) -> Iterator[Case]:
    """A collection of passages, halved by article (XQuAD has five passages an article).

    Args:
        asked_in: folder of the questions, for asking across languages.
    """
    asked_in = asked_in or folder
    name = "/".join(folder.parts[-2:]) if folder == asked_in else f"{asked_in.name} → {folder.name}"
    corpus = _jsonl(folder / "corpus.jsonl")
    kept = {p["_id"] for place, p in enumerate(corpus) if (place // 5) % 2 == 0}
    where = dict(line.split("\t")[:2] for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:])
    with tempfile.TemporaryDirectory() as work:
        files = Path(work, "files")
        files.mkdir()
        for place, passage in enumerate(corpus):
            if passage["_id"] in kept:
                (files / f"{place:05}.txt").write_text(passage["text"], encoding="utf-8")
        with RagApp.open(data_dir=Path(work, "data"), answers="quotes") as app:
            app.ingest(files)
            for question in _sample(_jsonl(asked_in / "queries.jsonl")):
                yield Case(name, where[question["_id"]] in kept, app.retrieve(question["text"]))


def pdfs(folder: Path) -> Iterator[Case]:
    """A collection of PDFs, every other one ingested."""
    documents = sorted((folder / "pdfs").glob("*.pdf"))[::2]
    kept = {path.name for path in documents}
    with tempfile.TemporaryDirectory() as work, RagApp.open(data_dir=work, answers="quotes") as app:
        app.ingest(*documents)
        for question in _sample(_jsonl(folder / "evidence.jsonl")):
            yield Case(folder.name, question["doc"] in kept, app.retrieve(question["question"]))


def _sample(questions: list[dict[str, str]]) -> list[dict[str, str]]:
    order = np.random.default_rng(7).permutation(len(questions))[:_QUESTIONS]
    return [questions[i] for i in order]


def _jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
