"""Retrieval measured through the real pipeline: ingest into a throw-away knowledge base, ask everything.

The metrics are ir-measures' (MacAvaney, Macdonald & Ounis 2022); its only import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.messages import Message
from ingest.types import Progress
from ingest.values import Value

from ..app import RagApp
from ..parts import Parts
from ..retrieval.hybrid import Scope
from ..settings import Settings
from .bootstrap import interval
from .datasets import Dataset
from .throwaway import filled

MEASURES = {
    "ndcg@10": "nDCG@10",
    "recall@10": "R@10",
    "mrr@10": "RR@10",
    "hit@1": "Success@1",
    "hit@5": "Success@5",
    "hit@10": "Success@10",
}
"""Our name → ir-measures' name. A hit is an evidence passage or page among the first."""


@dataclass(frozen=True, slots=True, repr=False)
class RetrievalReport(Value):
    """What a dataset gave.

    Attributes:
        values: "dense", "lexical", "fused" → measure → a value for each question, in the order of ``questions``.
        questions: their ids. units: passages or pages with text that were searched.
    """

    dataset: str
    questions: tuple[str, ...]
    units: int
    values: Mapping[str, Mapping[str, tuple[float, ...]]]

    def mean(self, stage: str, measure: str) -> float:
        """The mean over all questions."""
        return float(np.mean(self.values[stage][measure]))

    def interval(self, stage: str, measure: str) -> tuple[float, float]:
        """95 % bootstrap interval of the mean."""
        return interval(self.values[stage][measure])

    def as_json(self) -> dict[str, object]:
        """Means, and intervals beside them."""
        means = {
            stage: {name: round(self.mean(stage, name), 5) for name in measures}
            for stage, measures in self.values.items()
        }
        intervals = {
            stage: {name: [round(end, 5) for end in self.interval(stage, name)] for name in measures}
            for stage, measures in self.values.items()
        }
        about = {"dataset": self.dataset, "questions": len(self.questions), "units": self.units}
        return {**means, "intervals": intervals, **about}


def evaluate_retrieval(
    dataset: Dataset,
    settings: Settings | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    asked: Callable[[int, int], None] | None = None,
    notify: Callable[[Message], None] | None = None,
    parts: Parts | None = None,
) -> RetrievalReport:
    """Ingest a dataset's documents into a throw-away folder and ask all its questions.

    Args:
        settings: whose embedder and chunks are used; the data folder is not touched.
        progress: called with the steps of ingestion. asked: with (questions asked, questions in all).
        parts: that the program brings along.

    Raises:
        DatasetError: a document could not be read. And what ingestion and retrieval raise.
    """
    settings = settings or Settings.load()
    with filled(settings, dataset, progress=progress, notify=notify, parts=parts) as (app, units):
        return _ask_all(app, dataset, units, asked or (lambda done, total: None))


def _ask_all(
    app: RagApp, dataset: Dataset, units: dict[str, str], asked: Callable[[int, int], None]
) -> RetrievalReport:
    scope = Scope(app._store.kb(None))
    passages = app._store.catalog.passages
    runs: dict[str, dict[str, list[str]]] = {"dense": {}, "lexical": {}, "fused": {}}
    names: dict[int, str] = {}
    for done, question in enumerate(dataset.questions, 1):
        found = app._asking.retriever.search([scope], question.text)
        ((dense, lexical),) = found.parts
        ranked = {
            "dense": list(dense.similarity),
            "lexical": list(lexical.bm25),
            "fused": [candidate.chunk_id for candidate in found.candidates],
        }
        unknown = [chunk for chunk in {*ranked["fused"]} if chunk not in names]
        names |= {chunk: dataset.unit(one, units) for chunk, one in passages.of(unknown).items()}
        for stage, chunks in ranked.items():
            runs[stage][question.id] = list(dict.fromkeys(names[chunk] for chunk in chunks))
        asked(done, len(dataset.questions))
    total = sum(document.pages if dataset.pages else 1 for document in app.documents())
    values = {stage: _measured(dataset, run) for stage, run in runs.items()}
    return RetrievalReport(dataset.name, tuple(question.id for question in dataset.questions), total, values)


def _measured(dataset: Dataset, run: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, ...]]:
    import ir_measures

    measures = {name: ir_measures.parse_measure(theirs) for name, theirs in MEASURES.items()}
    relevant = [ir_measures.Qrel(question.id, unit, 1) for question in dataset.questions for unit in question.relevant]
    ranked = [
        ir_measures.ScoredDoc(query, unit, -float(place))
        for query, units in run.items()
        for place, unit in enumerate(units)
    ]
    found: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    ours = {measure: name for name, measure in measures.items()}
    for metric in ir_measures.iter_calc(list(measures.values()), relevant, ranked):
        found[ours[metric.measure]][metric.query_id] = float(metric.value)
    return {
        name: tuple(by_query.get(question.id, 0.0) for question in dataset.questions)
        for name, by_query in found.items()
    }
