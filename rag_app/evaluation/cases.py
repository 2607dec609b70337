"""What became of one question, and of all of a run; as values and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ingest.values import Value

from .answer_datasets import AnswerQuestion
from .answer_measures import COSTS, QUALITY
from .bootstrap import interval

STAGE = "answers"
"""The one stage whose measures a run has, where retrieval's report has three."""


@dataclass(frozen=True, slots=True, repr=False)
class Cited(Value):
    """A citation as a report shows it; ``where`` in the language of the answer."""

    number: int
    document: str
    page: int
    where: str
    quote: str


@dataclass(frozen=True, slots=True, repr=False)
class Shown(Value):
    """A passage that the answer was written from."""

    document: str
    page: int
    where: str
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Case(Value):
    """A question, its answer, and what the answer is worth.

    Attributes:
        model: who answered: "quotes", a model's name, or "none" where the app refused before it asked.
        error: why there is no answer; "" where there is one.
        marks: measure → value, only of those that say something here; seconds and tokens among them.
        verdicts: a judge's measure → its words.
    """

    question: AnswerQuestion
    text: str = ""
    model: str = ""
    refused: bool = False
    complete: bool = True
    notice: str = ""
    error: str = ""
    citations: tuple[Cited, ...] = ()
    passages: tuple[Shown, ...] = ()
    marks: Mapping[str, float] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether it is right as far as can be told: refused where it should be, else a right answer in the text."""
        return bool(self.marks.get("contains" if self.question.answerable else "refused"))

    def as_json(self) -> dict[str, Any]:
        """A line of a run file; :meth:`of` makes the case of it again."""
        return {**asdict(self), "question": self.question.as_json()}

    @classmethod
    def of(cls, plain: Mapping[str, Any], question: AnswerQuestion) -> Case:
        """The case of a line of a run file.

        Raises:
            TypeError, ValueError, KeyError: it is none.
        """
        rest = {name: value for name, value in plain.items() if name != "question"}
        rest["citations"] = tuple(Cited(**one) for one in plain["citations"])
        rest["passages"] = tuple(Shown(**one) for one in plain["passages"])
        rest["marks"] = {name: float(value) for name, value in plain["marks"].items()}
        return cls(question, **rest)


@dataclass(frozen=True, slots=True, repr=False)
class About(Value):
    """What a run is of.

    Attributes:
        digest: of questions and answers, see :class:`rag_app.evaluation.answer_datasets.AnswerSet`.
        total: how many questions there are. source: the knowledge base's name, or the folder that was read.
        model: the one that was to answer. judge: the one that judged, "" where none did.
        started: ISO 8601, with its offset.
    """

    dataset: str
    digest: str
    total: int
    source: str
    model: str
    judge: str
    started: str


@dataclass(frozen=True, slots=True, repr=False)
class AnswerRun(Value):
    """Questions asked, one case each; fewer than ``about.total`` when it was stopped."""

    about: About
    cases: tuple[Case, ...]

    @property
    def dataset(self) -> str:
        """The questions' name."""
        return self.about.dataset

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids, in the order of the cases."""
        return tuple(case.question.id for case in self.cases)

    @property
    def measures(self) -> tuple[str, ...]:
        """Those that say something of at least one case."""
        return tuple(name for name in (*QUALITY, *COSTS) if any(name in case.marks for case in self.cases))

    @property
    def values(self) -> Mapping[str, Mapping[str, tuple[float, ...]]]:
        """Stage → measure → a value for each case, NaN where the measure says nothing of it."""
        return {STAGE: {name: tuple(case.marks.get(name, math.nan) for case in self.cases) for name in self.measures}}

    @property
    def errors(self) -> int:
        """How many questions ended in an error."""
        return sum(bool(case.error) for case in self.cases)

    def defined(self, measure: str) -> list[float]:
        """The values of the cases of which the measure says something."""
        return [case.marks[measure] for case in self.cases if measure in case.marks]

    def mean(self, measure: str) -> float:
        """The mean over those cases."""
        return float(np.mean(self.defined(measure)))

    def interval(self, measure: str) -> tuple[float, float]:
        """95 % bootstrap interval of the mean, see :func:`rag_app.evaluation.bootstrap.interval`."""
        return interval(self.defined(measure))

    def as_json(self) -> dict[str, object]:
        """Means with intervals and counts; the cases are in the run's file."""
        measures = {}
        for name in self.measures:
            low, high = self.interval(name)
            measures[name] = {
                "mean": round(self.mean(name), 5),
                "interval": [round(low, 5), round(high, 5)],
                "cases": len(self.defined(name)),
            }
        return {**asdict(self.about), "asked": len(self.cases), "errors": self.errors, "measures": measures}
