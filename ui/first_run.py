"""The chat before its first question: what to do when there are no documents, what to ask when there are."""

from __future__ import annotations

import time

import streamlit as st

from rag_app import Check, KnowledgeBase, Language, Progress, RagApp, sample_folder, text

from . import access, reading
from .jobs import jobs
from .markup import plain, small
from .pages import documents, models
from .shared import open_app, show_error

_COUNT = 4
_DOCTOR_SECONDS = 300.0  # a finding is believed that long
_NOT_HERE = ("port",)  # it is ours, as this page is served


def welcome(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """What stands on the page instead of messages."""
    with st.container(width=780, key="welcome"):
        st.title(text("ui.title", language), anchor=False)
        st.markdown(text("ui.subtitle", language))
        if kb.documents:
            _suggest(kb, language)
        else:
            _steps(app, kb, language)
        _findings(app, language)


def taken() -> str:
    """The suggestion that was clicked, once."""
    return str(st.session_state.pop("suggestion", ""))


def _suggest(kb: KnowledgeBase, language: Language) -> None:
    questions = _suggestions(kb, language)
    if not questions:
        return
    st.caption(text("ui.try_one", language))
    with st.container(key="suggested", gap="xsmall"):
        for place, question in enumerate(questions):
            st.button(
                plain(question),
                key=f"suggestion_{place}",
                icon=":material/chat_bubble:",
                width="stretch",
                on_click=_take,
                args=(question,),
            )


@st.cache_data(max_entries=50, show_spinner=False)
def _suggestions(kb: KnowledgeBase, language: Language) -> list[str]:
    """A knowledge base that has changed has other counts, so it is looked at anew."""
    return open_app().suggested_questions(kb.name, _COUNT, language)


def _take(question: str) -> None:
    st.session_state["suggestion"] = question


# An empty knowledge base


def _steps(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    with st.container(border=True, key="steps"):
        st.markdown(f"**{text('ui.first_steps', language)}**")
        st.markdown(text("ui.first_documents", language))
        if reading.running(kb):
            _reading(kb, language)
        elif access.may("ingest"):
            with st.container(horizontal=True, vertical_alignment="center"):
                folder = sample_folder()
                if folder is not None and st.button(
                    text("ui.first_samples", language), type="primary", key="samples", icon=":material/auto_stories:"
                ):
                    reading.read(app, kb, [folder])
                    st.rerun()
                _link("documents", text("ui.first_own", language), "note_add")
        for job in reading.finished(kb):
            if job.error is not None:
                show_error(job.error)
        st.markdown(text("ui.first_question", language))
        st.markdown(text("ui.first_source", language))


@st.fragment(run_every=0.5)
def _reading(kb: KnowledgeBase, language: Language) -> None:
    running = reading.running(kb)
    if not running:
        st.rerun()
    step = running[0].step
    known = isinstance(step, Progress)
    label = plain(step.path.name) if known else text("ui.first_preparing", language)
    st.progress(min(1.0, step.fraction) if known else 0.0, text=label)


# What the doctor says


def _findings(app: RagApp, language: Language) -> None:
    job = jobs().get(("doctor",))
    if job is None or (job.finished and time.monotonic() - job.began > _DOCTOR_SECONDS):
        job = jobs().start(("doctor",), lambda _: app.doctor())
    (_awaited if not job.finished else _found)(language)


@st.fragment(run_every=1.0)
def _awaited(language: Language) -> None:
    """The doctor takes seconds where nothing answers; the page does not wait."""
    job = jobs().get(("doctor",))
    if job is not None and job.finished:
        st.rerun()


def _found(language: Language) -> None:
    job = jobs().get(("doctor",))
    checks: list[Check] = job.result if job is not None and job.result else []
    wrong = [check for check in checks if check.status != "ok" and check.name not in _NOT_HERE]
    if not wrong:
        return
    with st.container(key="findings", gap="xsmall"):
        st.caption(text("ui.first_doctor", language))
        for check in wrong[:3]:
            lines = [check.finding.text(language), check.remedy.text(language) if check.remedy else ""]
            st.caption(":material/info: " + small("\n".join(filter(None, lines))))
        _link("models", text("ui.first_models", language), "memory")


def _link(page: str, label: str, icon: str) -> None:
    """A way to another page of this UI."""
    target = {"documents": documents.page, "models": models.page}[page]
    st.page_link(st.Page(target, url_path=page), label=label, icon=f":material/{icon}:")
