"""Folders kept in step while the server runs: a job of each knowledge base waits for changes and lets them be read."""

from __future__ import annotations

import threading

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, text

from . import reading
from .jobs import Job, jobs
from .shared import show_error

_KIND = "follow"
_WAIT_SECONDS = 5.0


def switch(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """On and off; a reload and a second tab find it as it is."""
    job = jobs().get((_KIND, kb.id))
    on = job is not None and not job.finished
    key = f"follow_{kb.id}_{on}"
    st.toggle(
        text("ui.docs_follow", language),
        on,
        key=key,
        help=text("ui.docs_follow_help", language),
        on_change=stop if on else start,
        args=(kb,) if on else (app, kb),
    )
    if job is not None and job.error is not None:
        show_error(job.error)


def start(app: RagApp, kb: KnowledgeBase) -> None:
    """Read what is new in the folders now, and whenever something changes there."""

    def work(job: Job) -> None:
        ended = threading.Event()
        job.stopped_by(ended.set)
        for _ in app.changes(kb.name, ended):
            if ended.is_set():
                return
            reading.keep_in_step(app, kb, app.folders(kb.name))

    jobs().start((_KIND, kb.id), work)


def stop(kb: KnowledgeBase | None = None) -> None:
    """Wait for no more changes; of any knowledge base unless one is given."""
    for job in jobs().of(_KIND, *([kb.id] if kb is not None else [])):
        job.cancel()
        job.wait(_WAIT_SECONDS)


def renew(app: RagApp, kb: KnowledgeBase) -> None:
    """Other folders are to be kept in step than before."""
    job = jobs().get((_KIND, kb.id))
    if job is not None and not job.finished:
        stop(kb)
        if app.folders(kb.name):
            start(app, kb)


def is_one(job: Job) -> bool:
    """Whether a job only waits for changes."""
    return bool(job.key[0] == _KIND)
