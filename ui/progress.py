"""A job under way, drawn anew every second without the rest of the page, with a button that stops it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag_app import Language, text

from .jobs import Job
from .markup import plain
from .shared import show_error

_SECONDS = 1.0

Figures = Callable[[Job], tuple[float, str]]
"""How much of it is done, 0–1, and in words."""


def is_under_way(job: Job | None, figures: Figures, stopped: str, language: Language) -> bool:
    """Draw a job that is under way, or why it came to nothing.

    Args:
        stopped: key of what is said when somebody stopped it.
    """
    if job is None:
        return False
    if not job.finished:
        follow(job, figures, language)
        return True
    if job.error is not None:
        show_error(job.error)
    elif job.cancelled:
        st.info(text(stopped, language), icon=":material/stop_circle:")
    return False


@st.fragment(run_every=_SECONDS)
def follow(job: Job, figures: Figures, language: Language) -> None:
    """Bar and button; when it is finished, the page is drawn anew."""
    if job.finished:
        st.rerun()
    done, words = figures(job)
    bar, button = st.columns([4, 1], vertical_alignment="center")
    bar.progress(min(1.0, max(0.0, done)), text=plain(words))
    name = "_".join(map(str, job.key))
    key = "ui.job_stopping" if job.cancelled else "ui.job_stop"
    button.button(
        text(key, language),
        key=f"stop_{name}",
        icon=":material/stop_circle:",
        disabled=job.cancelled,
        on_click=job.cancel,
        width="stretch",
    )
