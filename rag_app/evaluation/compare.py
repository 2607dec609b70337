"""A report kept, and another compared with it question by question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ingest.values import Value

from ..errors import DatasetError
from .bootstrap import interval
from .retrieval import RetrievalReport

_FORMAT = 1


class Measured(Protocol):
    """What can be compared: retrieval's reports and runs of answers."""

    @property
    def dataset(self) -> str:
        """Its name."""

    @property
    def questions(self) -> tuple[str, ...]:
        """Ids."""

    @property
    def values(self) -> Mapping[str, Mapping[str, tuple[float, ...]]]:
        """Stage → measure → a value for each question, NaN where the measure says nothing of it."""


@dataclass(frozen=True, slots=True, repr=False)
class Change(Value):
    """How a measure moved.

    Attributes:
        before, after: means. low, high: 95 % bootstrap interval of the mean difference over the same questions.
    """

    stage: str
    measure: str
    before: float
    after: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before


def save_report(report: RetrievalReport, path: str | Path) -> None:
    """Write a report with the values of each question.

    Raises:
        DatasetError: the file can't be written.
    """
    content = {
        "format": _FORMAT,
        "dataset": report.dataset,
        "units": report.units,
        "questions": report.questions,
        "values": report.values,
    }
    try:
        Path(path).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise DatasetError("eval.unwritable", path=path, cause=error.strerror or error) from error


def load_report(path: str | Path) -> RetrievalReport:
    """Read a report that was saved.

    Raises:
        DatasetError: it can't be read or is none.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(content["format"])
        values = {
            stage: {name: tuple(map(float, numbers)) for name, numbers in measures.items()}
            for stage, measures in content["values"].items()
        }
        return RetrievalReport(content["dataset"], tuple(content["questions"]), int(content["units"]), values)
    except OSError as error:
        raise DatasetError("eval.no_file", path=path, cause=error.strerror or error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError("eval.no_report", path=path) from error


def compare(before: Measured, after: Measured) -> list[Change]:
    """Each measure of each stage that both have, over the questions of which it says something in both.

    Raises:
        DatasetError: they have no question in common.
    """
    places = {question: place for place, question in enumerate(before.questions)}
    shared = [(places[question], place) for place, question in enumerate(after.questions) if question in places]
    if not shared:
        raise DatasetError("eval.nothing_shared", one=before.dataset, other=after.dataset)
    old, new = (np.array(side) for side in zip(*shared, strict=True))
    changes = []
    earlier = before.values
    for stage, measures in after.values.items():
        for name, numbers in measures.items():
            if name not in earlier.get(stage, {}):
                continue
            one, other = np.array(earlier[stage][name])[old], np.array(numbers)[new]
            said = ~np.isnan(other - one)
            if said.any():
                one, other = one[said], other[said]
                low, high = interval(other - one)
                changes.append(Change(stage, name, float(one.mean()), float(other.mean()), low, high))
    return changes
