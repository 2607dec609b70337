"""What is being read or deleted, drawn anew every second without the rest of the page; and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import FileReport, KnowledgeBase, Language, Progress, RagApp, text

from . import reading
from .jobs import Job
from .markup import plain, small
from .shared import show_error

_SECONDS = 1.0
_LATEST = 5
_MOST_SHOWN = 20
_ICONS = {
    "read": ":green[:material/check_circle:]",
    "partial": ":orange[:material/warning:]",
    "refused": ":red[:material/error:]",
    "removed": ":material/remove_circle_outline:",
}
_OTHER_ICON = ":material/check:"


def show(app: RagApp, kb: KnowledgeBase, language: Language, *, may_read: bool) -> None:
    """Jobs under way, then those that are done."""
    active = reading.running(kb), [job for job in reading.erasures() if not job.finished]
    if any(active):
        _follow(kb, sum(map(len, active)), language, may_read)
    for job in reading.erasures():
        if job.finished:
            _erased(job, language)
    done = reading.finished(kb)
    if done and not active[0]:
        with st.container(border=True, key="reading_done"):
            _report(app, kb, done, language, may_read=may_read)


@st.fragment(run_every=_SECONDS)
def _follow(kb: KnowledgeBase, count: int, language: Language, may_stop: bool) -> None:
    reads, erasures = reading.running(kb), [job for job in reading.erasures() if not job.finished]
    if len(reads) + len(erasures) != count:
        st.rerun()
    for job in erasures:
        what = reading.erasing(job)
        key = "ui.docs_deleting" if what.count is not None else "ui.kb_deleting"
        with st.container(border=True):
            st.markdown(f":material/hourglass_top: {plain(text(key, language, name=what.name, count=what.count or 0))}")
    for job in reads:
        with st.container(border=True, key=f"job_{job.key[2]}"):
            _progress(job, language, may_stop)


def _progress(job: Job, language: Language, may_stop: bool) -> None:
    step: Progress | None = job.step
    head, button = st.columns([5, 1], vertical_alignment="center")
    with head:
        if step is None:
            key = "ui.docs_waiting" if reading.is_waiting(job) else "ui.docs_starting"
            st.progress(0.0, text=text(key, language))
        else:
            st.progress(step.fraction, text=_figures(step, language))
    with button:
        if may_stop:
            st.button(
                text("ui.docs_stopping" if job.cancelled else "ui.docs_stop", language),
                key=f"stop_{job.key[2]}",
                icon=":material/stop_circle:",
                disabled=job.cancelled,
                on_click=job.cancel,
                width="stretch",
            )
    if step is not None:
        st.caption(f":material/autorenew: {small(_at_work(step, language))}")
    latest = [report for report in reading.reports_of(job)[-100:] if report.status != "unchanged"][-_LATEST:]
    if latest:
        st.markdown("  \n".join(_line(report, language) for report in reversed(latest)))


def _figures(step: Progress, language: Language) -> str:
    parts = [text("ui.docs_figures", language, done=step.files_done, total=step.files_total, pages=step.pages)]
    if step.chunks_per_second >= 1:
        parts.append(text("ui.docs_rate", language, chunks=step.chunks, rate=f"{step.chunks_per_second:.0f}"))
    left = step.seconds_left
    if left is not None and left >= 90:
        parts.append(text("ui.docs_minutes_left", language, minutes=round(left / 60)))
    elif left is not None:
        parts.append(text("ui.docs_seconds_left", language, seconds=max(1, round(left))))
    return " · ".join(map(plain, parts))


def _at_work(step: Progress, language: Language) -> str:
    parts = [step.path.name]
    if step.recognizing is not None:
        done, pages = step.recognizing
        parts.append(text("cli.recognizing", language, page=done + 1, pages=pages))
    if step.describing is not None:
        done, pictures = step.describing
        parts.append(text("cli.describing", language, picture=done + 1, pictures=pictures))
    return " · ".join(parts)


def _line(report: FileReport, language: Language) -> str:
    parts = [plain(report.path.name), plain(text(f"status.{report.status}", language))]
    if report.status in ("read", "partial"):
        parts.append(plain(text("ui.docs_pages", language, count=report.pages)))
        if report.recognized:
            parts.append(plain(text("ui.docs_ocr", language, count=len(report.recognized))))
    return f":small[{_ICONS.get(report.status, _OTHER_ICON)} {' · '.join(parts)}]"


def _report(app: RagApp, kb: KnowledgeBase, done: Sequence[Job], language: Language, *, may_read: bool) -> None:
    """The sum of it, then each file with trouble; a password is asked for where a file needs one."""
    reports = list({report.path: report for job in done for report in reading.reports_of(job)}.values())
    stopped = [job for job in done if job.cancelled or job.error is not None]
    head, button = st.columns([5, 1], vertical_alignment="center")
    head.markdown(f"**{text('ui.docs_stopped' if stopped else 'ui.docs_done', language)}**")
    button.button(
        text("ui.docs_put_away", language), key="put_away", on_click=reading.put_away, args=(done,), width="stretch"
    )
    st.caption(_sum(reports, language))
    for job in done:
        if job.error is not None:
            show_error(job.error)
    if stopped and may_read:
        st.button(text("ui.docs_go_on", language), key="go_on", on_click=_go_on, args=(app, kb, stopped))
    troubled = [report for report in reports if report.status == "refused" or report.warnings]
    for report in troubled[:_MOST_SHOWN]:
        notes = [report.reason] if report.status == "refused" and report.reason else list(report.warnings)
        draw = st.error if report.status == "refused" else st.warning
        lines = [report.path.name, *(note.text(language) for note in notes[:5])]
        if report.kept:
            lines.append(text("ui.docs_kept", language))
        draw("\n\n".join(map(plain, lines)))
    if len(troubled) > _MOST_SHOWN:
        st.caption(text("ui.docs_more_trouble", language, count=len(troubled) - _MOST_SHOWN))
    locked = [report.path for report in reports if report.needs_password]
    if locked and may_read:
        with st.form("unlock", clear_on_submit=True, border=False):
            password = st.text_input(text("ui.add_password", language), type="password", key="add_password")
            if st.form_submit_button(text("ui.add_unlock", language)) and password:
                reading.read(app, kb, locked, [password])
                st.rerun()


def _sum(reports: Sequence[FileReport], language: Language) -> str:
    fresh = [report for report in reports if report.status in ("read", "partial")]
    parts = [
        text(
            "ui.add_done",
            language,
            read=len(fresh),
            unchanged=sum(report.status == "unchanged" for report in reports),
            refused=sum(report.status == "refused" for report in reports),
            pages=sum(report.pages for report in fresh),
            recognized=sum(len(report.recognized) for report in fresh),
            chunks=sum(report.chunks for report in fresh),
        )
    ]
    for status in ("moved", "duplicate", "removed"):
        if count := sum(report.status == status for report in reports):
            parts.append(f"{text(f'status.{status}', language)}: {count}")
    return small(" · ".join(parts))


def _go_on(app: RagApp, kb: KnowledgeBase, stopped: Sequence[Job]) -> None:
    """The same again: what was finished is passed over."""
    for job in stopped:
        asked = reading.request_of(job)
        (reading.keep_in_step if asked.in_step else reading.read)(app, kb, asked.paths)


def _erased(job: Job, language: Language) -> None:
    what = reading.erasing(job)
    with st.container(horizontal=True, vertical_alignment="center", key=f"erased_{job.key[2]}"):
        if job.error is not None:
            st.error(plain(job.error.text(language)), icon=":material/error:")
        else:
            key = "ui.docs_deleted" if what.count is not None else "ui.kb_deleted"
            lines = [text(key, language, name=what.name, count=what.count or 0)]
            st.success(
                plain("\n".join([*lines, *(one.text(language) for one in what.said)])), icon=":material/verified:"
            )
        st.button(
            text("ui.docs_put_away", language),
            key=f"put_away_{job.key[2]}",
            on_click=reading.put_away,
            args=([job],),
        )
