"""The chat: ask, watch the answer arrive, open its sources."""

from __future__ import annotations

import streamlit as st

from .. import composer, conversation, conversations, first_run, style, writing
from ..shared import choose_knowledge_base, open_app
from ..shared import language as spoken


def page() -> None:
    """The page."""
    app, language = open_app(), spoken()
    style.apply()
    if "preloaded" not in st.session_state:
        st.session_state["preloaded"] = True
        app.preload()
    conversations.arrive(app)
    kb = choose_knowledge_base(app)
    open_one = conversations.current(app, kb)
    typed, images = composer.asked(open_one, language)
    question = typed or first_run.taken()
    if (question or images) and not writing.running(open_one):
        conversation.ask(app, kb, open_one, question, images)
        st.rerun()
    conversations.sidebar(app, kb, open_one, language)
    messages = open_one.messages if open_one is not None else ()
    job = writing.job_of(open_one)
    welcome = st.empty()  # so that nothing of it is left above an answer
    if open_one is None or (not messages and (job is None or job.error is None)):
        with welcome.container():
            first_run.welcome(app, kb, language)
        return
    conversation.show(open_one, messages, language)
    questions = [one.id for one in messages if one.role == "user"]
    if questions:
        style.scroll_to(questions[-1])
    if not writing.running(open_one):
        writing.notice(open_one, [one.id for one in messages])
