"""A finished answer: its text, its sources and the one that is open, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from rag_app import Answer, Conversation, ConversationMessage, Language, Message, text

from . import sources, writing
from .markup import chip, plain, small, with_chips

_QUOTES = "quotes"
_WIDE = 780  # pixels; longer lines are hard to read


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer in its conversation.

    Attributes:
        message: the answer's. question: what it answers, as it was asked. last: no question follows it.
        known: a notice that stands below an earlier answer already.
    """

    conversation: Conversation
    message: ConversationMessage
    question: str
    last: bool
    known: Message | None


@st.fragment
def show(shown: Shown, language: Language) -> None:
    """The answer, a source beside it where one is open, and the row of what can be done."""
    message = shown.message
    answer, key = message.answer, str(message.id)
    open_source = sources.chosen(key, answer) if answer is not None else None
    if answer is not None and open_source is not None:
        left, right = st.columns([5, 6], gap="medium")
        with right:
            sources.show(open_source, answer, key, language)
    else:
        left = st.container(width=_WIDE)
    with left, st.container(key=f"answer_{key}"):
        if answer is None:
            st.markdown(with_chips(message.text, verbatim=False), anchors=False)
        else:
            _text(answer, language)
            _citations(answer, key, language)
        _state(message, language)
        _actions(shown, language)
        if answer is not None and (notes := _summary(answer, shown.known, language)):
            st.caption(small("\n".join(notes)))


def _text(answer: Answer, language: Language) -> None:
    if answer.thinking:
        with st.expander(text("ui.thinking", language), type="compact"):
            st.caption(small(answer.thinking))
    marks = [(one.end, mark) for one in answer.sentences if (mark := one.mark(language))]
    st.markdown(with_chips(answer.text, marks, verbatim=answer.refused or answer.model == _QUOTES), anchors=False)


def _citations(answer: Answer, key: str, language: Language) -> None:
    """A button for each source; the numbers in the text lead here, see :mod:`ui.style`."""
    if not answer.citations:
        return
    chosen = sources.chosen(key, answer)
    with st.container(horizontal=True, gap="xsmall", key=f"sources_{key}"):
        for citation in answer.citations:
            number = str(citation.number) if citation == chosen else chip(citation.number)  # a chip has the same colour
            st.button(
                f"{number} {plain(citation.document)} · {plain(citation.where(language))}",
                key=f"cite_{key}_{citation.number}",
                type="primary" if citation == chosen else "secondary",
                on_click=sources.choose,
                args=(key, citation.number),
            )


def _state(message: ConversationMessage, language: Language) -> None:
    """Why an answer is not whole."""
    if message.state == "failed" and message.error is not None:
        st.error(plain(message.error.text(language)), icon=":material/error:")
    elif message.state == "stopped":
        stopped = message.answer is None or not message.answer.complete
        if stopped:
            st.caption(text("ui.stopped" if message.answer is None or not message.text else "ui.incomplete", language))


def _actions(shown: Shown, language: Language) -> None:
    conversation, message, key = shown.conversation, shown.message, shown.message.id
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"actions_{key}"):
        branches(conversation, message, language)
        if message.answer is not None and message.text:
            st.feedback(
                "thumbs",
                key=f"rating_{key}",
                default={1: 1, -1: 0}.get(message.rating or 0),
                on_change=_rate,
                args=(conversation, key),
            )
            _copy(message.answer, key, language)
        if st.button(
            ":material/refresh:", key=f"again_{key}", type="tertiary", help=text("ui.answer_again", language)
        ) and not writing.running(conversation):
            writing.start(conversation, shown.question, lambda: conversation.regenerate(key))
            st.rerun()
        if not shown.last and st.button(
            ":material/call_split:", key=f"branch_{key}", type="tertiary", help=text("ui.branch_here", language)
        ):
            conversation.branch(key)
            st.rerun()


def branches(conversation: Conversation, message: ConversationMessage, language: Language) -> None:
    """The way to what stands at the same place in other branches."""
    if len(message.siblings) < 2:
        return
    at = message.siblings.index(message.id)
    for step, icon, label in ((-1, "chevron_left", "before"), (1, "chevron_right", "after")):
        possible = 0 <= at + step < len(message.siblings)
        if st.button(
            f":material/{icon}:",
            key=f"branch_{label}_{message.id}",
            type="tertiary",
            disabled=not possible,
            help=text(f"ui.branch_{label}", language),
        ):
            conversation.select(message.siblings[at + step])
            st.rerun()
        if step < 0:
            st.caption(f"{at + 1} / {len(message.siblings)}", width="content")


def _copy(answer: Answer, key: int, language: Language) -> None:
    with st.popover(":material/content_copy:", type="tertiary", help=text("ui.copy", language), key=f"copy_{key}"):
        whole = referenced(answer, language)
        with st.container(key=f"copied_{key}"):
            st.code(whole, language=None, wrap_lines=True, height=220)
        st.download_button(
            text("ui.copy_file", language),
            whole,
            file_name=f"answer-{key}.txt",
            mime="text/plain",
            key=f"copy_file_{key}",
            icon=":material/download:",
            on_click="ignore",
        )


def referenced(answer: Answer, language: Language) -> str:
    """An answer with its references below, to be pasted elsewhere."""
    lines = [answer.text.strip()]
    if answer.citations:
        lines += ["", text("ui.references", language)]
    for one in answer.citations:
        quote = " ".join(one.quote.split())
        lines.append(f"[{one.number}] {one.document}, {one.where(language)}" + (f": “{quote}”" if quote else ""))
    return "\n".join(lines)


def _rate(conversation: Conversation, key: int) -> None:
    value = st.session_state.get(f"rating_{key}")
    conversation.rate(key, None if value is None else (1 if value else -1))


def _summary(answer: Answer, known: Message | None, language: Language) -> list[str]:
    notes: list[str] = []
    if answer.refused:
        if answer.text == text("answer.not_found", answer.language):
            notes.append(text("ui.not_found", language))
    elif answer.model == _QUOTES:
        notes.append(text("ui.quotes_mode", language))
    elif answer.model != "none":
        parts = [text("ui.answered_by", language, model=answer.model)]
        if answer.prompt_tokens and answer.context_tokens:
            used = answer.prompt_tokens + (answer.answer_tokens or 0)
            parts.append(text("ui.tokens", language, used=used, available=answer.context_tokens))
        notes.append(" · ".join(parts))
    if answer.notice is not None and answer.notice != known:
        notes.append(answer.notice.text(language))
    return notes
