"""The embedding model of each knowledge base, and another one in its place while questions are answered as before."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, text

from .jobs import Job, jobs
from .markup import plain, small
from .progress import is_under_way

_BUNDLED = "bundled"


def show(app: RagApp, bases: Sequence[KnowledgeBase], language: Language, *, manage: bool) -> None:
    """A card for each knowledge base."""
    st.markdown(text("ui.embedding_about", language))
    for kb in bases:
        with st.container(border=True):
            st.markdown(f"**{plain(kb.name)}**")
            model = kb.embedder or text("ui.embedding_none", language, model=app.settings.embedder)
            st.caption(small(text("ui.embedding_now", language, model=model, chunks=kb.chunks)))
            if manage and kb.chunks:
                _reindex(app, kb, language)


def _reindex(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    key = ("reindex", kb.id)
    job = jobs().get(key)
    if is_under_way(job, lambda one: _figures(one, language), "ui.embedding_stopped", language):
        return
    if job is not None and job.result is not None:
        said = text("ui.embedding_done", language, model=job.result.embedder, chunks=job.result.chunks)
        st.success(plain(said), icon=":material/check_circle:")
    with st.popover(text("ui.embedding_change", language)):
        st.markdown(text("ui.embedding_warn", language))
        st.text_input(
            text("ui.embedding_model", language),
            value=_BUNDLED,
            key=f"embedder_{kb.id}",
            help=text("ui.embedding_help", language),
        )
        st.button(
            text("ui.embedding_start", language),
            key=f"reindex_{kb.id}",
            type="primary",
            on_click=_start,
            args=(app, kb),
        )


def _start(app: RagApp, kb: KnowledgeBase) -> None:
    model = str(st.session_state[f"embedder_{kb.id}"]).strip()

    def work(job: Job) -> KnowledgeBase:
        return app.reindex(model or None, kb.name, progress=lambda done, total: job.is_at((done, total)))

    jobs().start(("reindex", kb.id), work)


def _figures(job: Job, language: Language) -> tuple[float, str]:
    if job.step is None:
        return 0.0, text("ui.embedding_preparing", language)
    done, total = job.step
    return done / total if total else 1.0, text("ui.embedding_progress", language, done=done, total=total)
