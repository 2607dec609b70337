"""Runs of an evaluation: begun, their scores over time, each case, two of them compared, reports to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import streamlit as st

from rag_app import AnswerRun, Case, Change, Keeping, KnowledgeBase, Language, text

from .jobs import Job, jobs
from .markup import plain, small
from .progress import is_under_way
from .questions import answers_of, place_of

Runs = Sequence[tuple[str, AnswerRun]]

_CHARTED = ("contains", "citation_recall", "refused", "supported", "f1", "numbers")
_HEADLINES = ("contains", "citation_recall", "refused", "seconds")
_COSTS = ("seconds", "prompt_tokens", "answer_tokens")
_TOLERANCE = 0.02
_MOST_CASES = 100


def begin(kb: KnowledgeBase, kept: Keeping, language: Language, *, ready: int) -> None:
    """The button, the run under way, or what came of it."""
    job = jobs().get(("evaluate", kb.id))
    if is_under_way(job, lambda one: _figures(one, language), "ui.eval_run_stopped", language):
        return
    label = text("ui.eval_run", language, count=ready)
    icon = ":material/play_arrow:"
    st.button(label, key="run", type="primary", icon=icon, disabled=not ready, on_click=_start, args=(kb, kept))


def _start(kb: KnowledgeBase, kept: Keeping) -> None:
    jobs().start(("evaluate", kb.id), lambda job: kept.run(progress=lambda done, total: job.is_at((done, total))))


def _figures(job: Job, language: Language) -> tuple[float, str]:
    done, total = job.step or (0, 0)
    return done / total if total else 0.0, text("ui.eval_running", language, done=done, total=total)


def overview(runs: Runs, language: Language) -> None:
    """The latest run's scores, and all of them over time."""
    _, last = runs[-1]
    before = runs[-2][1] if len(runs) > 1 else None
    shown = [name for name in _HEADLINES if name in last.measures]
    for column, name in zip(st.columns(max(1, len(shown))), shown, strict=False):
        delta = last.mean(name) - before.mean(name) if before is not None and name in before.measures else None
        column.metric(
            text(f"ui.eval_head_{name}", language),
            figure(name, last.mean(name)),
            None if delta is None or abs(delta) < 0.0005 else signed(name, delta),
            delta_color="inverse" if name in _COSTS else "normal",
            border=True,
            height="stretch",
        )
    if before is None:
        st.caption(text("ui.eval_one_run", language))
        return
    st.vega_lite_chart(_chart(runs, language), width="stretch", height=340)


def _chart(runs: Runs, language: Language) -> dict[str, object]:
    """Scores over time; of each run day and time below, on two lines, so that they stay readable in a narrow window."""
    when_made = titles(runs)
    points = [
        {"run": when_made[run_name], "measure": _name(name, language), "value": run.mean(name)}
        for run_name, run in runs
        for name in _CHARTED
        if name in run.measures
    ]
    when = "[slice(datum.label, 5, 10), slice(datum.label, 11, 16)]"
    below = {"labelAngle": 0, "labelExpr": when, "labelOverlap": True, "title": None, "grid": False}
    names = {"orient": "bottom", "columns": 2, "title": None, "labelLimit": 260}
    return {
        "data": {"values": points},
        "mark": {"type": "line", "point": {"size": 70}, "strokeWidth": 2},
        "encoding": {
            "x": {"field": "run", "type": "ordinal", "axis": below, "scale": {"type": "point", "padding": 0.3}},
            "y": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [0, 1.05], "nice": False},  # a full score is not cut in half
                "axis": {"format": ".0%", "title": None, "values": [0, 0.25, 0.5, 0.75, 1]},
            },
            "color": {"field": "measure", "type": "nominal", "sort": None, "legend": names},
            "tooltip": [
                {"field": "run", "title": text("ui.eval_when", language)},
                {"field": "measure", "title": text("eval.measure", language)},
                {"field": "value", "title": text("eval.mean", language), "format": ".1%"},
            ],
        },
    }


def _name(measure: str, language: Language) -> str:
    name = text(f"measure.{measure}", language)
    return name[:1].upper() + name[1:]


def one_run(kept: Keeping, runs: Runs, language: Language, *, change: bool) -> None:
    """A run that is chosen: its cases, its report, and to delete it."""
    by_name = dict(reversed(runs))
    name = st.selectbox(
        text("ui.eval_runs", language), list(by_name), format_func=headings(runs).__getitem__, key="run_name"
    )
    run = by_name[name]
    with st.container(horizontal=True):
        _downloads(kept, name, None, language)
        if change:
            with st.popover(text("ui.eval_delete", language), icon=":material/delete:"):
                st.markdown(text("ui.eval_delete_run", language))
                label = text("ui.eval_delete_yes", language)
                st.button(label, key="delete_run", type="primary", on_click=kept.forget_run, args=(name,))
    wrong = [case for case in run.cases if not case.good]
    kinds = {"all": len(run.cases), "wrong": len(wrong)}
    chosen = st.segmented_control(
        text("ui.eval_show", language),
        list(kinds),
        default="all",
        required=True,
        format_func=lambda kind: text(f"ui.eval_show_{kind}", language, count=kinds[kind]),
        key="cases",
        label_visibility="collapsed",
    )
    cases = wrong if chosen == "wrong" else list(run.cases)
    for case in cases[:_MOST_CASES]:
        icon = ":material/check_circle:" if case.good else ":material/error:"
        with st.expander(plain(case.question.question), icon=icon):
            _case(case, language)
    if len(cases) > _MOST_CASES:
        st.caption(text("ui.more_documents", language, count=len(cases) - _MOST_CASES))


def _case(case: Case, language: Language) -> None:
    _said(text("report.gold", language), answers_of(case.question, language))
    place = place_of(case.question, language)
    if place:
        _said(text("report.expected", language), place)
    if case.error:
        st.error(plain(case.error))
    else:
        _said(text("report.given", language), case.text)
    for cited in case.citations:
        st.markdown(f":primary-badge[{cited.number}] **{plain(cited.document)}** · {plain(cited.where)}")
        st.caption(small(cited.quote))
    marks = [f"{text(f'measure.{name}', language)}: {figure(name, value)}" for name, value in case.marks.items()]
    _said(text("report.marks", language), " · ".join(marks))
    if case.passages and st.toggle(
        text("report.passages", language, count=len(case.passages)), key=f"passages_{case.question.id}"
    ):
        for shown in case.passages:
            with st.container(border=True):
                st.caption(small(f"{shown.document} · {shown.where}"))
                st.markdown(plain(shown.text))


def _said(name: str, words: str) -> None:
    st.markdown(f"**{plain(name)}**  \n{plain(words)}")


def two_runs(kept: Keeping, runs: Runs, language: Language) -> None:
    """Two runs side by side; what got worse is marked."""
    by_name = dict(reversed(runs))
    names, shown = list(by_name), headings(runs).__getitem__
    left, right = st.columns(2)
    before = left.selectbox(text("ui.eval_before", language), names, index=1, format_func=shown, key="before")
    after = right.selectbox(text("ui.eval_after", language), names, index=0, format_func=shown, key="after")
    changes = kept.compared(before, after)
    rows = [f"| {text(f'eval.{name}', language)} " for name in ("measure", "before", "after", "difference")]
    st.markdown("\n".join(["".join(rows) + "|", "|---|--:|--:|:--|", *(_moved(one, language) for one in changes)]))
    old = {case.question.id: case for case in by_name[before].cases}
    pairs = [(old[case.question.id], case) for case in by_name[after].cases if case.question.id in old]
    for key, was in (("worse", True), ("better", False)):
        moved = [new for earlier, new in pairs if earlier.good == was and new.good != was]
        if moved:
            st.markdown(f"**{text(f'ui.eval_{key}', language, count=len(moved))}**")
            st.markdown("\n".join(f"- {plain(case.question.question)}" for case in moved))
    _downloads(kept, after, before, language)


def _moved(one: Change, language: Language) -> str:
    name = one.measure
    cells = [text(f"measure.{name}", language), figure(name, one.before), figure(name, one.after)]
    difference = signed(name, one.difference)
    if name not in _COSTS and one.difference < -_TOLERANCE:
        difference = f":red-badge[▼ {difference}] {text('ui.eval_regression', language)}"
    elif name not in _COSTS and one.difference > _TOLERANCE:
        difference = f":green-badge[▲ {difference}]"
    return f"| {' | '.join([*cells, difference])} |"


def _downloads(kept: Keeping, name: str, against: str | None, language: Language) -> None:
    for suffix, kind in (("html", "text/html"), ("md", "text/markdown")):
        st.download_button(
            text(f"ui.eval_report_{suffix}", language),
            partial(kept.report, name, language, html=suffix == "html", against=against),
            file_name=f"report.{suffix}",
            mime=kind,
            key=f"report_{name}_{against}_{suffix}",
            icon=":material/download:",
        )


def titles(runs: Runs) -> dict[str, str]:
    """Name of each run → when it was made; those of one second are numbered, as a list tells them apart by this."""
    made: Counter[str] = Counter()
    found: dict[str, str] = {}
    for name, run in runs:
        second = run.about.started[:19].replace("T", " ")
        made[second] += 1
        found[name] = second if made[second] == 1 else f"{second} ({made[second]})"
    return found


def headings(runs: Runs) -> dict[str, str]:
    """Name of each run → when it was made, by which model, of how many questions."""
    when = titles(runs)
    return {name: f"{when[name]} · {run.about.model} · {len(run.cases)}/{run.about.total}" for name, run in runs}


def figure(measure: str, value: float) -> str:
    """A value as people read it."""
    return f"{value:.1f}" if measure in _COSTS else f"{100 * value:.0f}\u00a0%"


def signed(measure: str, value: float) -> str:
    """A difference."""
    return f"{value:+.1f}" if measure in _COSTS else f"{100 * value:+.1f}\u00a0%"
