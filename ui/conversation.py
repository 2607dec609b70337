"""The messages of a conversation, and a question to ask or ask otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import Conversation, ConversationMessage, KnowledgeBase, Language, Message, RagApp, UserError, text

from . import access, answers, conversations, sources, writing
from .markup import plain, small
from .shared import show_error

_PERSON = ":material/person:"
_APP = ":material/auto_stories:"


def show(conversation: Conversation, messages: Sequence[ConversationMessage], language: Language) -> None:
    """All of the branch in force; what is being written goes on to be."""
    question = ""
    known: Message | None = None
    for message in messages:
        if message.role == "user":
            question = message.text
            _question(conversation, message, language)
            continue
        with st.chat_message("assistant", avatar=_APP):
            if message.state == "running":
                _running(conversation, message, language)
            else:
                last = message.id == messages[-1].id
                answers.show(answers.Shown(conversation, message, question, last, known), language)
                known = (message.answer and message.answer.notice) or known
    _trouble(conversation, language)


def ask(
    app: RagApp,
    kb: KnowledgeBase,
    conversation: Conversation | None,
    question: str,
    images: Sequence[bytes],
) -> None:
    """Let a question be answered, in a new conversation where there is none yet."""
    into = conversation or app.conversation(kb=kb.name, owner=access.owner())
    sources.close_all()
    conversations.show(into, kb)
    writing.start(into, question, lambda: into.stream(question, images=images))


def _running(conversation: Conversation, message: ConversationMessage, language: Language) -> None:
    job = writing.running(conversation)
    if job is not None and isinstance(job.step, writing.Written) and job.step.message == message.id:
        writing.follow(conversation, message.id, language)
    else:
        writing.follow_elsewhere(conversation, message.id, language)


def _trouble(conversation: Conversation, language: Language) -> None:
    """A question that could not even be asked."""
    job = writing.job_of(conversation)
    if job is not None and job.finished and job.error is not None and not job.events:
        with st.chat_message("assistant", avatar=_APP):
            show_error(job.error)


@st.fragment
def _question(conversation: Conversation, message: ConversationMessage, language: Language) -> None:
    with st.chat_message("user", avatar=_PERSON), st.container(key=f"question_{message.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="top", gap="xsmall", wrap=False):
            st.markdown(plain(message.text))
            if st.button(":material/edit:", key=f"edit_{message.id}", type="tertiary", help=text("ui.edit", language)):
                _edit(conversation, message, language)
        if message.rewritten:
            st.caption(small(text("ui.understood_as", language, question=message.rewritten)))
        if message.images:
            st.caption(text("ui.with_images", language, count=message.images))
        if len(message.siblings) > 1:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                answers.branches(conversation, message, language)


def _edit(conversation: Conversation, message: ConversationMessage, language: Language) -> None:
    @st.dialog(text("ui.edit", language))
    def dialog() -> None:
        with st.form(f"edit_form_{message.id}", border=False):
            asked = st.text_area(text("ui.edit_question", language), message.text, key=f"edit_text_{message.id}")
            rewritten = (
                st.text_area(
                    text("ui.edit_rewritten", language),
                    message.rewritten,
                    key=f"edit_rewritten_{message.id}",
                    help=text("ui.edit_rewritten_help", language),
                )
                if message.rewritten
                else ""
            )
            st.caption(text("ui.edit_note", language))
            if not st.form_submit_button(text("ui.edit_ask", language), type="primary"):
                return
        if writing.running(conversation):
            st.info(text("ui.still_writing", language))
            return
        by_hand = rewritten.strip() if rewritten.strip() != message.rewritten or asked == message.text else ""
        try:
            question = asked.strip()
            writing.start(conversation, question, lambda: conversation.edit(message, question, by_hand or None))
        except UserError as failure:
            show_error(failure)
        else:
            st.rerun()

    dialog()
