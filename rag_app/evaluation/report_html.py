"""The report as one HTML file: no script, nothing fetched, everything escaped; light or dark as the system is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from .cases import Case
from .report import Report, visible

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --bad: #b3261e; --good: #1b6e3c; --line: #8886; --soft: #8881; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7ddc9f; } }
body { font: 16px/1.55 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: start; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); }
td + td { font-variant-numeric: tabular-nums; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem 1rem .8rem; margin: 1rem 0; }
article.bad { border-inline-start: .35rem solid var(--bad); }
article.good { border-inline-start: .35rem solid var(--good); }
h3 { margin: .6rem 0; } dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
blockquote, details div.text { background: var(--soft); margin: .3rem 0; padding: .4rem .8rem; border-radius: .3rem; }
.bad .verdict { color: var(--bad); } .good .verdict { color: var(--good); }
"""


def html(report: Report) -> str:
    """The whole page."""
    language = "zh-Hans" if report.language == "zh" else "en"
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(report.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{escape(report.title)}</h1>",
            *(f"<p>{escape(line)}</p>" for line in report.about),
            *_summary(report),
            *_contents(report),
            f"<h2>{_word(report, 'report.every_case')}</h2>",
            *(_case(report, number, case) for number, case in enumerate(report.run.cases, 1)),
            "</body>\n</html>\n",
        ]
    )


def _summary(report: Report) -> Iterator[str]:
    columns = [report.text(f"eval.{name}") for name in ("measure", "mean", "interval", "cases")]
    yield _table(columns, report.summary)
    if report.comparison is not None:
        path = visible(report.comparison.path)
        yield f"<h2>{escape(report.text('report.compared', path=path))}</h2>"
        yield _table(
            [report.text(f"eval.{name}") for name in ("measure", "before", "after", "difference")], report.changes
        )


def _contents(report: Report) -> Iterator[str]:
    """Links to what went wrong: of a thousand cases these are read."""
    wrong = report.to_look_at
    if not wrong:
        yield f"<p>{_word(report, 'report.all_good')}</p>"
        return
    yield f"<h2>{escape(report.text('report.to_look_at', count=len(wrong)))}</h2>\n<ol>"
    for number, case in wrong:
        yield f'<li value="{number}"><a href="#case-{number}">{_text(case.question.question, "span")}</a></li>'
    yield "</ol>"


def _case(report: Report, number: int, case: Case) -> str:
    kind = "good" if case.good else "bad"
    verdict = _word(report, "report.good" if case.good else "report.bad")
    lines = [
        f'<article id="case-{number}" class="{kind}">',
        f'<h3>{number}. {_text(case.question.question, "span")} <span class="verdict">({verdict})</span></h3>\n<dl>',
        *_gold(report, case),
        *_given(report, case),
    ]
    marks = " · ".join(f"{escape(name)} {escape(value)}" for name, value in report.marks(case))
    lines.append(_entry(report, "report.marks", marks))
    if case.verdicts:
        said = (f"<p>{escape(report.name(name))}</p>{_text(words)}" for name, words in case.verdicts.items())
        lines.append(_entry(report, "report.verdicts", "".join(said)))
    lines.append("</dl>")
    if case.passages:
        lines.append(f"<details><summary>{escape(report.text('report.passages', count=len(case.passages)))}</summary>")
        for place, one in enumerate(case.passages, 1):
            lines.append(f"<p>{place}. {_text(f'{one.document}, {one.where}', 'span')}</p>{_text(one.text)}")
        lines.append("</details>")
    return "\n".join([*lines, "</article>"])


def _gold(report: Report, case: Case) -> Iterator[str]:
    gold = "".join(_text(one) for one in case.question.answers)
    yield _entry(report, "report.gold", gold or _word(report, "report.unanswerable"))
    if case.question.evidence:
        yield _entry(report, "report.expected", _text(report.evidence(case)))


def _given(report: Report, case: Case) -> Iterator[str]:
    if case.error:
        yield _entry(report, "report.error", _text(case.error))
        return
    yield _entry(report, "report.given", _text(case.text))
    if case.notice:
        yield _entry(report, "report.note", _text(case.notice))
    cited = [
        f"<p>[{one.number}] {_text(f'{one.document}, {one.where}', 'span')}</p>{_text(one.quote, 'blockquote')}"
        for one in case.citations
    ]
    if cited:
        yield _entry(report, "report.cited", "".join(cited))


def _entry(report: Report, key: str, content: str) -> str:
    return f"<dt>{_word(report, key)}</dt><dd>{content}</dd>"


def _word(report: Report, key: str) -> str:
    return escape(report.text(key))


def _text(foreign: str, element: str = "div") -> str:
    """Text of a document, a model or a user: shown, in its own direction, and nothing else."""
    return f'<{element} class="text" dir="auto">{escape(visible(foreign))}</{element}>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
