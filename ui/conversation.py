"""The conversation about a knowledge base: what was asked and answered, and the next question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from rag_app import Answer, KnowledgeBase, Language, Message, RagApp, Turn, UserError, text

from . import answers
from .markup import plain

_PERSON = ":material/person:"
_APP = ":material/auto_stories:"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with what came of it."""

    question: str
    outcome: Answer | UserError


def exchanges(kb: KnowledgeBase) -> list[Exchange]:
    """This session's conversation about one knowledge base, oldest first; the list may be changed."""
    conversations: dict[str, list[Exchange]] = st.session_state.setdefault("conversations", {})
    return conversations.setdefault(kb.id, [])


def show(conversation: list[Exchange], language: Language) -> None:
    """All of it, every word of ours in ``language``."""
    known: Message | None = None
    for exchange in conversation:
        _question(exchange.question)
        with st.chat_message("assistant", avatar=_APP):
            if isinstance(exchange.outcome, Answer):
                answers.show(exchange.outcome, language)
                answers.footer(exchange.outcome, language, known=known)
                known = exchange.outcome.notice or known
            else:
                error(exchange.outcome, language)


def ask(app: RagApp, kb: KnowledgeBase, question: str, language: Language, images: Sequence[bytes] = ()) -> None:
    """Show the question and its answer as it is written, and keep both; a stopped answer is kept as far as it got."""
    conversation = exchanges(kb)
    _question(question)
    if images:
        st.image(list(images), width=160)
    with st.chat_message("assistant", avatar=_APP):
        try:
            with st.spinner(text("ui.working", language)):
                stream = app.stream(question, kb.name, _history(conversation), images=images)
        except UserError as failure:
            conversation.append(Exchange(question, failure))
            return
        failed: UserError | None = None
        try:
            answers.write(stream, language)
        except UserError as failure:
            failed = failure
        finally:  # Streamlit's "stop" comes through here as well
            stream.close()
            conversation.append(Exchange(question, failed or stream.answer))


def error(failure: UserError, language: Language) -> None:
    """What went wrong and the way out."""
    st.error(plain(failure.text(language)), icon=":material/error:")


def _question(question: str) -> None:
    with st.chat_message("user", avatar=_PERSON):
        st.markdown(plain(question))


def _history(conversation: list[Exchange]) -> list[Turn]:
    return [
        turn
        for exchange in conversation
        if isinstance(exchange.outcome, Answer) and not exchange.outcome.refused
        for turn in (Turn("user", exchange.question), Turn("assistant", exchange.outcome.text))
    ]
