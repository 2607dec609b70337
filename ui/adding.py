"""Put documents into a knowledge base: name a file or folder, watch it being read, see what became of each file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from rag_app import FileReport, KnowledgeBase, Language, Progress, RagApp, UserError, text

from . import conversation
from .markup import plain

_MOST_SHOWN = 20


def add_documents(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """The form, and below it the reports of what was read last; a password is asked for where a file needs one."""
    with st.expander(text("ui.add", language), icon=":material/note_add:"):
        with st.form("add", border=False):
            path = st.text_input(text("ui.add_path", language), key="add_path", help=text("ui.add_help", language))
            if st.form_submit_button(text("ui.add_read", language), width="stretch") and path.strip():
                _ingest(app, kb, [Path(path.strip().strip("\"'"))], [], language)
        reports = _reports(kb)
        if not reports:
            return
        _show(reports, language)
        locked = [report.path for report in reports if report.needs_password]
        if locked:
            with st.form("unlock", clear_on_submit=True, border=False):
                password = st.text_input(text("ui.add_password", language), type="password", key="add_password")
                if st.form_submit_button(text("ui.add_unlock", language), width="stretch") and password:
                    _ingest(app, kb, locked, [password], language)


def _ingest(
    app: RagApp, kb: KnowledgeBase, paths: Sequence[Path], passwords: Sequence[str], language: Language
) -> None:
    """Read, then draw the page anew; what is read before the page is left stays read."""
    bar = st.progress(0.0)

    def show(step: Progress) -> None:
        label = plain(step.path.name)
        if step.recognizing is not None:
            done, pages = step.recognizing
            label = f"{label} · {text('cli.recognizing', language, page=done + 1, pages=pages)}"
        if step.describing is not None:
            done, pictures = step.describing
            label = f"{label} · {text('cli.describing', language, picture=done + 1, pictures=pictures)}"
        bar.progress(step.fraction, text=label)

    try:
        report = app.ingest(*paths, kb=kb.name, passwords=passwords, progress=show)
    except UserError as failure:
        bar.empty()
        conversation.error(failure, language)
        return
    kept = {one.path: one for one in _reports(kb)} if passwords else {}
    _state()[kb.id] = list((kept | {one.path: one for one in report.files}).values())
    st.rerun()


def _show(reports: Sequence[FileReport], language: Language) -> None:
    """The sum of it, then each file with trouble."""
    fresh = [report for report in reports if report.status in ("read", "partial")]
    st.caption(
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
    )
    others = {
        status: sum(report.status == status for report in reports) for status in ("moved", "duplicate", "removed")
    }
    if any(others.values()):
        named = (f"{text(f'status.{status}', language)}: {count}" for status, count in others.items() if count)
        st.caption(" · ".join(named))
    troubled = [report for report in reports if report.status == "refused" or report.warnings]
    for report in troubled[:_MOST_SHOWN]:
        notes = [report.reason] if report.status == "refused" and report.reason else list(report.warnings)
        draw = st.error if report.status == "refused" else st.warning
        draw("\n\n".join(plain(line) for line in (report.path.name, *(note.text(language) for note in notes[:5]))))
    if len(troubled) > _MOST_SHOWN:
        st.caption(text("ui.more_documents", language, count=len(troubled) - _MOST_SHOWN))


def _reports(kb: KnowledgeBase) -> list[FileReport]:
    return _state().get(kb.id, [])


def _state() -> dict[str, list[FileReport]]:
    """Knowledge base → reports of its last reading in this session."""
    state: dict[str, list[FileReport]] = st.session_state.setdefault("reports", {})
    return state
