"""How well "your documents do not say" is told from "they do", before any model is asked.

    python -m benchmarks.refusal ../shared/eval
    python -m benchmarks.refusal ../shared/eval --only xquad/en cmrc2018 --fit

Half of each collection, by article, is ingested. Questions about that half are answerable; questions about the other
half are not, though they are of the same style, language and often subject (near misses). Questions of other sets in
the same language are asked of it too. Of erc2 (annual reports) all is ingested, and its questions whose answer is
"N/A" are asked. Prints the share refused of each kind for the rule in force (rag_app/retrieval/relevance.py), and,
with ``--fit``, its weights: fitted on every other article, measured on those between.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_app import RagApp, Retrieval
from rag_app.retrieval.relevance import WEIGHTS, evidence, is_across, signs

_QUESTIONS = 400
_SHARE = 0.045  # of a set's answerable questions, that the cut of the set alone would refuse
_SCIFACT = 800  # passages


@dataclass(frozen=True, slots=True)
class Collection:
    """What is ingested, and what is asked of it.

    Attributes:
        asked: folder of its own questions, where they are elsewhere (in another language).
        others: sets whose questions it can't answer. whole: all of it is ingested.
    """

    name: str
    asked: str = ""
    others: tuple[str, ...] = ()
    whole: bool = False


COLLECTIONS = (
    Collection("xquad/en", others=("scifact",)),
    Collection("xquad/zh", others=("cmrc2018",)),
    Collection("cmrc2018", others=("xquad/zh",)),
    Collection("xquad/en", "xquad/zh"),
    Collection("xquad/zh", "xquad/en"),
    Collection("zh_pdf", others=("xquad/zh",)),
    Collection("scifact", others=("xquad/en",)),
    Collection("erc2", others=("xquad/en", "scifact"), whole=True),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what it retrieved. ``article`` counts articles or documents of the set that it is from."""

    collection: str
    answerable: bool
    article: int
    retrieval: Retrieval


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; ``article`` is -1 where the set does not say."""

    text: str
    article: int


def main() -> None:
    """Run over the evaluation data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", help="names of collections; erc2 takes minutes to ingest")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    cases: list[Case] = []
    print(f"{'collection':<24}{'answerable':>11}{'refused':>9}{'unanswerable':>14}{'refused':>9}")
    for collection in COLLECTIONS:
        if arguments.only is None or collection.name in arguments.only:
            found = list(ask(arguments.data, collection))
            for name in dict.fromkeys(case.collection for case in found):
                good = [evidence(c.retrieval) <= 0 for c in found if c.collection == name and c.answerable]
                bad = [evidence(c.retrieval) <= 0 for c in found if c.collection == name and not c.answerable]
                print(f"{name:<24}{len(good):>11}{_mean(good)}{len(bad):>14}{_mean(bad)}", flush=True)
            cases += found
    if arguments.fit:
        fit([case for case in cases if case.retrieval.passages and not is_across(case.retrieval)])


def ask(data: Path, collection: Collection) -> Iterator[Case]:
    """Ingest a collection, or half of it, and ask."""
    folder = data / collection.name
    with tempfile.TemporaryDirectory() as work, RagApp.open(data_dir=Path(work, "data"), answers="quotes") as app:
        files = Path(work, "files")
        files.mkdir()
        report = app.ingest(*_documents(folder, files, whole=collection.whole))
        if not report.ok:
            sys.exit(f"{collection.name}: not all was ingested: {next(file for file in report.files if file.reason)}")
        own = f"{collection.asked} → {collection.name}" if collection.asked else collection.name
        for question in _sample(questions(data / (collection.asked or collection.name))):
            held = collection.whole or question.article % 2 == 0
            yield Case(own, held, question.article, app.retrieve(question.text))
        if (folder / "unanswerable.jsonl").is_file():
            for row in _jsonl(folder / "unanswerable.jsonl"):
                yield Case(f"{own}, N/A", False, -1, app.retrieve(row["question"]))
        for other in collection.others:
            for question in _sample(questions(data / other)):
                yield Case(f"{other} → {collection.name}", False, -1, app.retrieve(question.text))


def fit(cases: Sequence[Case]) -> None:
    """Print weights and bias, and what they refuse of each set's articles that they were not fitted on."""
    from sklearn.linear_model import LogisticRegression

    names = np.array([case.collection for case in cases])
    values = np.array([signs(case.retrieval) for case in cases])
    wanted = np.array([case.answerable for case in cases])
    fitted = np.array([case.article < 0 or case.article // 2 % 2 == 0 for case in cases])
    fitted &= np.array(["N/A" not in str(name) for name in names], dtype=bool)
    weight = np.array([1 / np.sum(fitted & (names == n) & (wanted == w)) if f else 0
                       for n, w, f in zip(names, wanted, fitted, strict=True)])  # fmt: skip
    middle, spread = values[fitted].mean(0), values[fitted].std(0)
    model = LogisticRegression(max_iter=9000)
    scaled = (values - middle) / spread
    model.fit(scaled[fitted], wanted[fitted], sample_weight=weight[fitted] / weight[fitted].mean())
    weights = model.coef_[0] / spread
    scores = values @ weights
    sets = [name for name in dict.fromkeys(names) if np.any(fitted & wanted & (names == name))]
    cuts = [np.quantile(scores[fitted & wanted & (names == name)], _SHARE) for name in sets]
    cut = (min(cuts) + float(np.mean(cuts))) / 2
    print({name: round(float(value), 3) for name, value in zip(WEIGHTS, weights, strict=True)}, "bias", round(-cut, 3))
    for name in dict.fromkeys(names):
        good = scores[~fitted & wanted & (names == name)] <= cut
        bad = scores[~fitted & ~wanted & (names == name)] <= cut
        print(f"{name:<24}{len(good):>11}{_mean(good)}{len(bad):>14}{_mean(bad)}")


def _documents(folder: Path, files: Path, *, whole: bool) -> list[Path]:
    """Every other article or document of a set, as files."""
    if (folder / "pdfs").is_dir():
        documents = sorted((folder / "pdfs").glob("*.pdf"))
        return documents if whole else documents[::2]
    for place, passage in enumerate(_jsonl(folder / "corpus.jsonl")):
        if (place // 5) % 2 == 0 and (folder.name != "scifact" or place < 2 * _SCIFACT):
            heading = f"# {passage['title']}\n\n" if passage["title"] else ""
            (files / f"{place:05}.md").write_text(heading + passage["text"], encoding="utf-8")
    return [files]


def questions(folder: Path) -> list[Asked]:
    """A set's questions with their articles: of five passages each, as XQuAD has them, or a PDF."""
    if (folder / "evidence.jsonl").is_file():
        documents = sorted(path.name for path in (folder / "pdfs").glob("*.pdf"))
        return [Asked(row["question"], documents.index(row["doc"])) for row in _jsonl(folder / "evidence.jsonl")]
    places = {row["_id"]: place for place, row in enumerate(_jsonl(folder / "corpus.jsonl"))}
    lines = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    article = {asked: places[unit] // 5 for asked, unit, score in map(str.split, lines) if float(score) > 0}
    if folder.name == "scifact":
        article = {asked: one for asked, one in article.items() if one < 2 * _SCIFACT // 5 or one % 2}
    return [
        Asked(row["text"], article[row["_id"]]) for row in _jsonl(folder / "queries.jsonl") if row["_id"] in article
    ]


def _sample(asked: Sequence[Asked]) -> list[Asked]:
    order = np.random.default_rng(7).permutation(len(asked))[:_QUESTIONS]
    return [asked[i] for i in order]


def _jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _mean(values: Sequence[bool] | np.ndarray) -> str:
    return f"{np.mean(values):9.1%}" if len(values) else f"{'–':>9}"


if __name__ == "__main__":
    main()
