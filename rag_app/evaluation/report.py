"""A run as a report to read: ``report.html`` and ``report.md``, each with every case.

Questions, answers and passages are text of documents that anybody may have written: both writers let none of it act.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ingest.messages import Language, text

from ..errors import DatasetError
from .answer_datasets import Place
from .answer_measures import COSTS
from .cases import AnswerRun, Case
from .compare import Change

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run is compared with: the earlier one's file, and how each measure moved."""

    path: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A run with the words of one language."""

    run: AnswerRun
    language: Language
    comparison: Comparison | None = None

    def text(self, key: str, /, **values: object) -> str:
        """The catalogue's text."""
        return text(key, self.language, **values)

    def name(self, measure: str) -> str:
        """A measure's name."""
        return self.text(f"measure.{measure}")

    @property
    def title(self) -> str:
        """What the report is of."""
        return visible(self.text("report.title", dataset=self.run.dataset))

    @property
    def about(self) -> list[str]:
        """What was asked, of whom, when."""
        about = self.run.about
        models = sorted({case.model for case in self.run.cases if case.model not in ("", "none")}) or [about.model]
        lines = [
            self.text(
                "report.summary",
                asked=len(self.run.cases),
                total=about.total,
                source=about.source,
                model=", ".join(models),
                started=about.started,
            )
        ]
        if about.judge:
            lines.append(self.text("report.judged", judge=about.judge))
        return [visible(line) for line in lines]

    @property
    def summary(self) -> list[tuple[str, str, str, str]]:
        """Of each measure its name, mean, interval, and the number of cases."""
        rows = []
        for name in self.run.measures:
            low, high = self.run.interval(name)
            mean, interval = figure(name, self.run.mean(name)), f"{figure(name, low)}–{figure(name, high)}"
            rows.append((self.name(name), mean, interval, str(len(self.run.defined(name)))))
        return rows

    @property
    def changes(self) -> list[tuple[str, str, str, str]]:
        """Of each measure that both runs have its name, before, after, and the difference with its interval."""
        found = self.comparison.changes if self.comparison else ()
        return [(self.name(one.measure), *moved(one)) for one in found]

    @property
    def to_look_at(self) -> list[tuple[int, Case]]:
        """Cases that are not right, with their numbers."""
        return [(number, case) for number, case in enumerate(self.run.cases, 1) if not case.good]

    def marks(self, case: Case) -> list[tuple[str, str]]:
        """A case's measures as a reader sees them; where a judge said nothing clear, that."""
        unclear = [name for name in case.verdicts if name not in case.marks]
        shown = [(self.name(name), figure(name, value)) for name, value in case.marks.items()]
        return shown + [(self.name(name), self.text("eval.no_verdict")) for name in unclear]

    def evidence(self, case: Case) -> str:
        """What should be cited."""
        groups = (" / ".join(map(self._place, group[:_MOST_PLACES])) for group in case.question.evidence)
        return "; ".join(groups)

    def _place(self, place: Place) -> str:
        document, page = place
        return document if page is None else f"{document}, {self.text('cite.page', page=page)}"


def write_report(run: AnswerRun, folder: str | Path, language: Language, comparison: Comparison | None = None) -> Path:
    """Write both files; returns where the HTML one is.

    Raises:
        DatasetError: they can't be written.
    """
    from .report_html import html
    from .report_markdown import markdown

    report = Report(run, language, comparison)
    page = Path(folder, "report").with_suffix(".html")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(html(report), encoding="utf-8", newline="\n")
        page.with_suffix(".md").write_text(markdown(report), encoding="utf-8", newline="\n")
    except OSError as error:
        raise DatasetError("eval.unwritable", path=page, cause=error.strerror or error) from error
    return page


def figure(measure: str, value: float) -> str:
    """A value as a reader sees it: seconds and tokens shorter than shares."""
    return f"{value:.1f}" if measure in COSTS else f"{value:.3f}"


def moved(change: Change) -> tuple[str, str, str]:
    """Before, after, and the difference with its interval."""
    name = change.measure
    places = 1 if name in COSTS else 3
    low, high = f"{change.low:+.{places}f}", f"{change.high:+.{places}f}"
    return figure(name, change.before), figure(name, change.after), f"{change.difference:+.{places}f} ({low} … {high})"


def visible(shown: str) -> str:
    """Text without control characters, half characters, and signs that turn the text around."""
    return _UNSEEN.sub("\ufffd", shown)
