"""Answers being written: each in a job of its own, so that a reload, another page or a second tab loses nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import streamlit as st

from rag_app import Checked, Conversation, ConversationStream, Language, Message, Stage, Thought, Withdrawn, text

from .jobs import Job, jobs
from .markup import plain, small, with_chips

_SECONDS = 0.3  # between two looks
_BEGIN_SECONDS = 10.0

Begin = Callable[[], ConversationStream]


@dataclass(frozen=True, slots=True)
class Written:
    """What there is of an answer.

    Attributes:
        question: what was asked. message: id of the answer's message; 0 before it is stored.
        stage: what is waited for, None for the search; since: since when, of ``time.monotonic``.
        marks: (place in the text, sentence) of those that the documents don't fully support.
        verbatim: nothing in the text is a model's formatting.
    """

    question: str
    message: int = 0
    stage: Stage | None = None
    since: float = 0.0
    text: str = ""
    thought: str = ""
    marks: tuple[Checked, ...] = ()
    verbatim: bool = True


def running(conversation: Conversation | None) -> Job | None:
    """The job that writes an answer of this conversation now."""
    job = job_of(conversation)
    return job if job is not None and not job.finished else None


def job_of(conversation: Conversation | None) -> Job | None:
    """The last job of this conversation."""
    return jobs().get(("answer", conversation.id)) if conversation is not None else None


def start(conversation: Conversation, question: str, begin: Begin) -> None:
    """Let an answer be written; returns once the question is stored, or could not be.

    Args:
        begin: opens the answer's stream; called in the job, so that two tabs can't both begin.
    """
    job = jobs().start(("answer", conversation.id), partial(_write, question, begin))
    for _ in job.watch(0.1):
        if job.events or time.monotonic() - job.began > _BEGIN_SECONDS:
            return


def _write(question: str, begin: Begin, job: Job) -> None:
    stream = begin()
    job.step = Written(question, stream.message, since=time.monotonic())
    job.stopped_by(stream.cancel)
    job.say(stream.message)
    for event in stream.events():
        job.step = _with(job.step, event, verbatim=stream.verbatim)


def _with(written: Written, event: object, *, verbatim: bool) -> Written:
    if isinstance(event, str):
        return replace(written, text=written.text + event, stage=None, verbatim=verbatim)
    if isinstance(event, Checked):
        return replace(written, marks=(*written.marks, event)) if event.sentence.mark() else written
    if isinstance(event, Withdrawn):
        return replace(written, text=event.text, marks=(), verbatim=True)
    if isinstance(event, Thought):
        return replace(written, thought=written.thought + event.text)
    if isinstance(event, Stage):
        same = written.stage is not None and written.stage.name == event.name
        return replace(written, stage=event, since=written.since if same else time.monotonic())
    return written


@st.fragment(run_every=_SECONDS)
def follow(conversation: Conversation, message: int, language: Language) -> None:
    """An answer as it is written; the whole page is drawn anew when it is finished."""
    job = job_of(conversation)
    if job is None or job.finished or not isinstance(job.step, Written) or job.step.message != message:
        st.rerun()
    written: Written = job.step
    label = _label(written, language)
    if label or written.thought:
        state: Literal["running", "complete"] = "running" if label else "complete"
        status = st.status(label or text("ui.thinking", language), state=state, type="compact")
        if written.thought:
            status.caption(small(written.thought))
    if written.text:
        marks = [(one.sentence.end, one.sentence.mark(language)) for one in written.marks]
        st.markdown(with_chips(written.text, marks, verbatim=written.verbatim), anchors=False)


@st.fragment(run_every=2.0)
def follow_elsewhere(conversation: Conversation, message: int, language: Language) -> None:
    """An answer that another process writes, as far as it is stored."""
    found = next((one for one in conversation.messages if one.id == message), None)
    if found is None or found.state != "running":
        st.rerun()
    else:
        st.status(text("ui.writing_elsewhere", language), type="compact")
        st.markdown(with_chips(found.text, verbatim=False), anchors=False)


@st.fragment(run_every=3.0)
def notice(conversation: Conversation, seen: Sequence[int]) -> None:
    """Draw the page anew when another tab has asked something."""
    if running(conversation) is not None or [one.id for one in conversation.messages] != list(seen):
        st.rerun()


def _label(written: Written, language: Language) -> str:
    """What is waited for and how long, "" while text comes."""
    if written.text and (written.stage is None or written.stage.name == "writing"):
        return ""
    said: str | Message = written.stage.message if written.stage else text("ui.working", language)
    words = said if isinstance(said, str) else said.text(language)
    seconds = int(time.monotonic() - written.since)
    return plain(words) + (f" · {text('ui.seconds', language, seconds=seconds)}" if seconds >= 2 else "")
