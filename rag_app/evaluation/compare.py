"""A report kept, and another compared with it question by question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from .retrieval import RetrievalReport, interval

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Change:
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


def compare(before: RetrievalReport, after: RetrievalReport) -> list[Change]:
    """Each measure of each stage that both have, over the questions that both have.

    Raises:
        DatasetError: they have no question in common.
    """
    places = {question: place for place, question in enumerate(before.questions)}
    shared = [(places[question], place) for place, question in enumerate(after.questions) if question in places]
    if not shared:
        raise DatasetError("eval.nothing_shared", one=before.dataset, other=after.dataset)
    old, new = (np.array(side) for side in zip(*shared, strict=True))
    changes = []
    for stage, measures in after.values.items():
        for name, numbers in measures.items():
            if name in before.values.get(stage, {}):
                one, other = np.array(before.values[stage][name])[old], np.array(numbers)[new]
                low, high = interval(other - one)
                changes.append(Change(stage, name, float(one.mean()), float(other.mean()), low, high))
    return changes
