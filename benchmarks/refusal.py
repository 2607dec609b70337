"""How well "your documents do not say" is told from "they do", before any model is asked.

    python -m benchmarks.refusal ../shared/eval --keep /tmp/refusal
    python -m benchmarks.refusal ../shared/eval --keep /tmp/refusal --fit

Half of a set, by article, is ingested, or an eighth, or half of it beside all of another set: how much there is to find
decides how much is found by chance. Questions about what is held are answerable; questions about other articles are
not, though they are of the same style, language and often subject (near misses). Questions of other sets in the same
language are asked too, and of erc2 (annual reports) those whose answer is "N/A". Prints the share refused of each kind
for the rule in force (rag_app/retrieval/relevance.py).

``--fit`` prints that rule's constants: weights of a logistic regression, and the cut that refuses a given share of the
answerable questions; then what a fit on half of the articles refuses of the other half. It fails where the constants
in the code are others. SciFact is measured only: it has claims, no questions.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag_app import RagApp
from rag_app.retrieval.relevance import BIAS, STANDING_ACROSS, WEIGHTS, is_across, signs

_QUESTIONS, _OTHER_QUESTIONS = 400, 300  # of the set, and of another one
_MORE = 200  # answerable ones, where little is held
_REFUSED = 0.03  # of the answerable questions, on the average of the collections: sets differ, and none is to pass 5 %
_SCIFACT = 1600  # passages
_NOT_FITTED = "scifact"


@dataclass(frozen=True, slots=True)
class Collection:
    """What is ingested, and what is asked of it.

    Attributes:
        part: every part-th article is held. beside: a set that is held whole beside it.
        asked: folder of its own questions, where they are elsewhere (in another language).
        others: sets whose questions it can't answer.
    """

    name: str
    part: int = 2
    beside: str = ""
    asked: str = ""
    others: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """As it is printed."""
        own = f"{self.asked} → {self.name}" if self.asked else self.name
        return f"{own} 1/{self.part}" + (f" + {self.beside}" if self.beside else "")

    @property
    def folder(self) -> str:
        """Where it is kept; beside a whole set, where that is kept."""
        whole = self.beside or (self.name if self.part == 1 else "")
        return whole or f"{self.name.replace('/', '-')}-{self.part}"


COLLECTIONS = (
    Collection("xquad/en", others=("scifact",)),
    Collection("xquad/zh", others=("cmrc2018",)),
    Collection("cmrc2018", others=("xquad/zh",)),
    Collection("cmrc2018", part=8, others=("xquad/zh",)),
    Collection("zh_pdf", others=("xquad/zh",)),
    Collection("zh_pdf", part=8, others=("xquad/zh",)),
    Collection("xquad/zh", beside="cmrc2018"),
    Collection("erc2", part=1, others=("xquad/en",)),
    Collection("xquad/en", beside="erc2"),
    Collection("scifact", others=("xquad/en",)),
    Collection("xquad/en", asked="xquad/zh"),
    Collection("xquad/zh", asked="xquad/en"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what speaks for an answer.

    Attributes:
        group: number of its article or document, among those that are held or among the others; -1 for neither.
        signs: what the weights weigh; none where nothing was found. across: the best passage is in another language.
    """

    collection: str
    answerable: bool
    group: int
    signs: tuple[float, ...]
    across: bool

    @property
    def fits(self) -> bool:
        """Whether weights may be fitted on it."""
        return bool(self.signs) and "N/A" not in self.collection and _NOT_FITTED not in self.collection


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; ``article`` is -1 where the set does not say."""

    text: str
    article: int


def main() -> None:
    """Run over the evaluation data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", help="names of sets; erc2 takes minutes to ingest")
    parser.add_argument("--keep", type=Path, help="folder for indexes and what was found in them, to be used again")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    cases: list[Case] = []
    print(f"{'collection':<32}{'answerable':>11}{'refused':>9}{'unanswerable':>14}{'refused':>9}")
    for collection in COLLECTIONS:
        if arguments.only is None or {collection.name, collection.beside} & {*arguments.only}:
            with tempfile.TemporaryDirectory() as work:
                found = kept(arguments.data, collection, arguments.keep or Path(work))
            _print(found, [IN_FORCE.refuses(case) for case in found])
            cases += found
    if arguments.fit:
        fit(cases)


def kept(data: Path, collection: Collection, keep: Path) -> list[Case]:
    """What a collection's questions found, asked unless that is kept."""
    path = keep / f"{collection.label.replace('/', '-')}.json"
    if not path.is_file():
        found = list(map(asdict, ask(data, collection, keep / collection.folder)))
        path.write_text(json.dumps(found), encoding="utf-8")
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Case(**(row | {"signs": tuple(row["signs"])})) for row in rows]


def ask(data: Path, collection: Collection, work: Path) -> Iterator[Case]:
    """Ingest a collection, unless it is there, and ask."""
    with RagApp.open(data_dir=work / "data", answers="quotes") as app:
        documents = _documents(data / collection.name, work / "files", collection.part)
        if collection.beside:
            documents += _documents(data / collection.beside, work / "beside", 1)
        report = app.ingest(*documents)
        if not report.ok:
            sys.exit(f"{collection.label}: not all was ingested: {next(file for file in report.files if file.reason)}")

        def case(name: str, answerable: bool, group: int, question: str) -> Case:
            found = app.retrieve(question)
            across = bool(found.passages) and is_across(found)
            return Case(name, answerable, group, signs(found) if found.passages else (), across)

        own = questions(data / (collection.asked or collection.name))
        sample = _sample(own, _QUESTIONS)
        if collection.part > 2:
            held = [one for one in own if one.article % collection.part == 0 and one not in sample]
            sample += held[:_MORE]
        for one in sample:
            answerable = one.article % collection.part == 0
            yield case(collection.label, answerable, one.article // collection.part, one.text)
        if (data / collection.name / "unanswerable.jsonl").is_file():
            for row in _jsonl(data / collection.name / "unanswerable.jsonl"):
                yield case(f"{collection.label}, N/A", False, -1, row["question"])
        for other in collection.others:
            for place, one in enumerate(_sample(questions(data / other), _OTHER_QUESTIONS)):
                yield case(f"{other} → {collection.label}", False, place, one.text)


@dataclass(frozen=True, slots=True)
class Rule:
    """The constants of rag_app/retrieval/relevance.py."""

    weights: dict[str, float]
    bias: float
    standing_across: float

    def refuses(self, case: Case) -> bool:
        """What :func:`rag_app.retrieval.relevance.evidence` does with them."""
        if not case.signs:
            return True
        if case.across:
            return case.signs[0] <= self.standing_across
        return float(np.dot(list(self.weights.values()), case.signs)) + self.bias <= 0


IN_FORCE = Rule(WEIGHTS, BIAS, STANDING_ACROSS)


def fit(cases: Sequence[Case]) -> None:
    """Print the constants of the rule, then what such rules refuse of articles that they were not fitted on.

    Exits with 1 where the constants in force are others.
    """
    usable = [case for case in cases if case.fits]
    rule = fitted(usable)
    print(f"\nWEIGHTS = {rule.weights}\nBIAS = {rule.bias}\nSTANDING_ACROSS = {rule.standing_across}\n")
    print("fitted on half of the articles, asked of the other half (all of erc2's questions are in both):")
    shown: list[Case] = []
    refused: list[bool] = []
    for half in (0, 1):
        other = fitted([case for case in usable if case.group < 0 or case.group % 2 == half])
        held_out = [case for case in cases if case.group < 0 or case.group % 2 != half or not case.fits]
        shown += held_out
        refused += map(other.refuses, held_out)
    _print(shown, refused)
    if rule != IN_FORCE:
        sys.exit("the constants in rag_app/retrieval/relevance.py are others")


def fitted(cases: Sequence[Case]) -> Rule:
    """A logistic regression, each collection and each of its sides weighing the same, and the cuts."""
    from sklearn.linear_model import LogisticRegression

    within = [case for case in cases if not case.across]
    across = [case for case in cases if case.across and case.answerable]
    values = np.array([case.signs for case in within])
    wanted = np.array([case.answerable for case in within])
    middle, spread = values.mean(0), values.std(0)
    model = LogisticRegression(max_iter=9000)
    model.fit((values - middle) / spread, wanted, sample_weight=_weights(within))
    weights = np.round(model.coef_[0] / spread, 3)
    answerable = [case for case in within if case.answerable]
    return Rule(
        dict(zip(WEIGHTS, map(float, weights), strict=True)),
        -_cut(answerable, values[wanted] @ weights),
        _cut(across, np.array([case.signs[0] for case in across])),
    )


def _cut(answerable: Sequence[Case], scores: npt.NDArray[np.float64]) -> float:
    """Where the share of them with a lower score is :data:`_REFUSED`, on the average of the collections."""
    order = np.argsort(scores)
    share = np.cumsum(_weights(answerable)[order]) / np.sum(_weights(answerable))
    return round(float(scores[order][np.searchsorted(share, _REFUSED)]), 3)


def _weights(cases: Sequence[Case]) -> npt.NDArray[np.float64]:
    """So that each collection counts the same, and so do its answerable and unanswerable questions; their mean is 1."""
    kinds = [(case.collection.split(" → ")[-1], case.answerable) for case in cases]
    counts = Counter(kinds)
    weights = np.array([1 / counts[kind] for kind in kinds])
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def _print(cases: Sequence[Case], refused: Sequence[bool]) -> None:
    for name in dict.fromkeys(case.collection for case in cases):
        good, bad = (
            [no for case, no in zip(cases, refused, strict=True) if case.collection == name and case.answerable is kind]
            for kind in (True, False)
        )
        print(f"{name:<32}{len(good):>11}{_mean(good)}{len(bad):>14}{_mean(bad)}", flush=True)


def _documents(folder: Path, files: Path, part: int) -> list[Path]:
    """Every part-th article or document of a set, as files."""
    if (folder / "pdfs").is_dir():
        return sorted((folder / "pdfs").glob("*.pdf"))[::part]
    files.mkdir(parents=True, exist_ok=True)
    for place, passage in enumerate(_jsonl(folder / "corpus.jsonl")):
        if (place // 5) % part == 0 and (folder.name != "scifact" or place < _SCIFACT):
            heading = f"# {passage['title']}\n\n" if passage["title"] else ""
            (files / f"{place:05}.md").write_text(heading + passage["text"], encoding="utf-8")
    return [files]


def questions(folder: Path) -> list[Asked]:
    """A set's questions with their articles: of five passages each, as XQuAD has them, or a PDF."""
    if (folder / "evidence.jsonl").is_file():
        documents = sorted(path.name for path in (folder / "pdfs").glob("*.pdf"))
        return [
            Asked(row["question"], documents.index(row["doc"]) if "doc" in row else -1)
            for row in _jsonl(folder / "evidence.jsonl")
        ]
    places = {row["_id"]: place for place, row in enumerate(_jsonl(folder / "corpus.jsonl"))}
    lines = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    article = {asked: places[unit] // 5 for asked, unit, score in map(str.split, lines) if float(score) > 0}
    if folder.name == "scifact":
        article = {asked: one for asked, one in article.items() if one < _SCIFACT // 5 or one % 2}
    return [
        Asked(row["text"], article[row["_id"]]) for row in _jsonl(folder / "queries.jsonl") if row["_id"] in article
    ]


def _sample(asked: Sequence[Asked], most: int) -> list[Asked]:
    order = np.random.default_rng(7).permutation(len(asked))[:most]
    return [asked[i] for i in order]


def _jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _mean(values: Sequence[bool] | np.ndarray) -> str:
    return f"{np.mean(values):9.1%}" if len(values) else f"{'–':>9}"


if __name__ == "__main__":
    main()
