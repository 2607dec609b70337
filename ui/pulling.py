"""Fetch a model: a name, or the recommended one; its progress goes on while nobody looks."""

from __future__ import annotations

import streamlit as st

from rag_app import Language, PullStep, RagApp, text

from .jobs import Job, jobs
from .markup import plain
from .model_cards import gigabytes
from .progress import follow
from .shared import show_error

_KEY = ("pull",)


def start(app: RagApp, name: str) -> None:
    """Begin to fetch a model; one at a time."""

    def work(job: Job) -> str:
        job.say(name)
        pull = app.pull_model(name)
        job.stopped_by(pull.cancel)
        for step in pull:
            job.is_at(step)
        return name

    jobs().start(_KEY, work)


def is_running() -> bool:
    """Whether a model is being fetched."""
    job = jobs().get(_KEY)
    return job is not None and not job.finished


def show(app: RagApp, language: Language) -> None:
    """The field, and below it the download or what came of it."""
    with st.form("pull", border=False):
        field, button = st.columns([4, 1], vertical_alignment="bottom")
        name = field.text_input(text("ui.models_pull_name", language), key="pull_name", placeholder="llama3.1:8b")
        label = text("ui.models_pull", language)
        pressed = button.form_submit_button(
            label, icon=":material/download:", disabled=is_running(), width="stretch", type="primary"
        )
    if pressed and name.strip():
        for doubt in app.before_pull(name.strip()):
            st.warning(plain(doubt.text(language)))
        start(app, name.strip())
    job = jobs().get(_KEY)
    if job is None:
        return
    if not job.finished:
        follow(job, lambda one: _figures(one, language), language)
        return
    if job.error is not None:
        show_error(job.error)
    elif job.cancelled:
        st.info(plain(text("ui.models_pull_stopped", language, model=_name(job))), icon=":material/stop_circle:")
    else:
        st.success(plain(text("ui.models_pulled", language, model=_name(job))), icon=":material/check_circle:")
    st.button(text("ui.job_dismiss", language), key="pull_dismiss", on_click=jobs().forget, args=(_KEY,))


def _name(job: Job) -> str:
    return str(job.events[0]) if job.events else ""


def _figures(job: Job, language: Language) -> tuple[float, str]:
    step = job.step
    if not isinstance(step, PullStep):
        return 0.0, text("models.stage_looking", language, model=_name(job))
    said = text(f"models.stage_{step.stage}", language, model=step.model)
    if step.stage != "downloading":
        return step.fraction, said
    values = {"done": gigabytes(step.done), "total": gigabytes(step.total)}
    if step.rate is None:
        return step.fraction, f"{said} · {text('models.pulled_bytes', language, **values)}"
    values["rate"] = gigabytes(step.rate)
    if step.seconds_left is None:
        return step.fraction, f"{said} · {text('models.pulled_rate', language, **values)}"
    left = _clock(step.seconds_left)
    return step.fraction, f"{said} · {text('models.pulled_left', language, left=left, **values)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
