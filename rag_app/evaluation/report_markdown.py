"""The report as Markdown: text of documents stands in fences that it can't close."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .cases import Case
from .report import Report, visible

_ACTIVE = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$:@^=-])")
_FENCE = re.compile(r"`+")


def markdown(report: Report) -> str:
    """The whole file."""
    lines = [f"# {_inline(report.title)}", *(_inline(line) for line in report.about)]
    lines.append(
        _table([report.text(f"eval.{name}") for name in ("measure", "mean", "interval", "cases")], report.summary)
    )
    if report.comparison is not None:
        lines.append(f"## {_inline(report.text('report.compared', path=report.comparison.path))}")
        columns = [report.text(f"eval.{name}") for name in ("measure", "before", "after", "difference")]
        lines.append(_table(columns, report.changes))
    wrong = report.to_look_at
    if wrong:
        lines.append(f"## {report.text('report.to_look_at', count=len(wrong))}")
        lines.append("\n".join(f"- {number}\\. {_inline(case.question.question)}" for number, case in wrong))
    else:
        lines.append(report.text("report.all_good"))
    lines.append(f"## {report.text('report.every_case')}")
    for number, case in enumerate(report.run.cases, 1):
        lines.extend(_case(report, number, case))
    return "\n\n".join(lines) + "\n"


def _case(report: Report, number: int, case: Case) -> Iterator[str]:
    verdict = report.text("report.good" if case.good else "report.bad")
    yield f"### {number}\\. {_inline(case.question.question)} ({verdict})"
    yield f"**{report.text('report.gold')}**"
    yield from map(_block, case.question.answers or (report.text("report.unanswerable"),))
    if case.question.evidence:
        yield f"**{report.text('report.expected')}**: {_inline(report.evidence(case))}"
    if case.error:
        yield f"**{report.text('report.error')}**"
        yield _block(case.error)
    else:
        yield f"**{report.text('report.given')}**"
        yield _block(case.text)
    if case.notice:
        yield f"**{report.text('report.note')}**: {_inline(case.notice)}"
    if case.citations:
        yield f"**{report.text('report.cited')}**"
    for one in case.citations:
        yield f"\\[{one.number}\\] {_inline(f'{one.document}, {one.where}')}"
        yield _block(one.quote)
    marks = " · ".join(f"{name} {value}" for name, value in report.marks(case))
    yield f"**{report.text('report.marks')}**: {marks}"
    for name, words in case.verdicts.items():
        yield f"**{report.text('report.verdicts')}**: {report.name(name)}"
        yield _block(words)
    if case.passages:
        yield f"**{report.text('report.passages', count=len(case.passages))}**"
    for place, passage in enumerate(case.passages, 1):
        yield f"{place}\\. {_inline(f'{passage.document}, {passage.where}')}"
        yield _block(passage.text)


def _inline(foreign: str) -> str:
    """Text within a line, where no sign of it means anything."""
    return _ACTIVE.sub(r"\\\1", " ".join(visible(foreign).split()))


def _block(foreign: str) -> str:
    """Text in a fence that is longer than any run of backticks in it."""
    shown = visible(foreign)
    fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(shown)), default=0))
    return f"{fence}text\n{shown}\n{fence}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
