"""An answer with its citations."""

from __future__ import annotations

from contextlib import ExitStack

import streamlit as st

from rag_app import Answer, AnswerStream, Checked, Citation, Language, Message, Thought, Withdrawn, text

from .markup import chip, highlighted, plain, small, with_chips

_QUOTES = "quotes"


def write(stream: AnswerStream, language: Language) -> None:
    """The answer as it is written; before it and between its pieces, what is waited for and since when."""
    waiting, thinking, slot = st.empty(), st.empty(), st.empty()
    written = thought = ""
    marks: list[tuple[int, str]] = []
    with ExitStack() as shown:
        for event in stream.events():
            if isinstance(event, str):
                shown.close()
                written += event
                slot.markdown(with_chips(written, marks, verbatim=stream.verbatim), anchors=False)
            elif isinstance(event, Checked):
                if mark := event.sentence.mark(language):
                    marks.append((event.sentence.end, mark))
                    slot.markdown(with_chips(written, marks, verbatim=stream.verbatim), anchors=False)
            elif isinstance(event, Withdrawn):
                slot.markdown(plain(event.text))
            elif isinstance(event, Thought):
                thought += event.text
                thinking.caption(small(thought))
            else:
                shown.close()
                if event.name != "writing":
                    shown.enter_context(waiting)
                    shown.enter_context(st.spinner(plain(event.message.text(language)), show_time=True))


def show(answer: Answer, language: Language) -> None:
    """A finished answer."""
    if answer.thinking:
        with st.expander(text("ui.thinking", language)):
            st.caption(small(answer.thinking))
    marks = [(one.end, mark) for one in answer.sentences if (mark := one.mark(language))]
    st.markdown(with_chips(answer.text, marks, verbatim=answer.refused or answer.model == _QUOTES), anchors=False)


def footer(answer: Answer, language: Language, *, known: Message | None) -> None:
    """What stands below an answer's text: its sources, and how it came about.

    Args:
        known: a notice that the conversation has shown already.
    """
    for citation in answer.citations:
        with st.expander(f"{chip(citation.number)} {plain(citation.document)} · {plain(citation.where(language))}"):
            st.markdown(in_context(citation, answer))
            st.caption(small(str(citation.path)))
            if citation.suspicious:
                st.warning(text("cite.suspicious", language), icon=":material/report:")
    if not answer.complete:
        st.warning(text("ui.incomplete", language), icon=":material/warning:")
    notes = _summary(answer, language)
    if answer.notice is not None and answer.notice != known:
        notes.append(answer.notice.text(language))
    if notes:
        st.caption(small("\n".join(notes)))


def in_context(citation: Citation, answer: Answer) -> str:
    """The passage with the quote marked, as markdown."""
    passage = answer.passages[citation.number - 1]
    start, end = citation.start - passage.start, citation.end - passage.start
    return highlighted(passage.text[:start], passage.text[start:end], passage.text[end:])


def _summary(answer: Answer, language: Language) -> list[str]:
    if answer.refused:
        nothing = answer.text == text("answer.not_found", answer.language)
        return [text("ui.not_found", language)] if nothing else []
    if answer.model == _QUOTES:
        return [text("ui.quotes_mode", language)]
    parts = [text("ui.answered_by", language, model=answer.model)]
    if answer.prompt_tokens and answer.context_tokens:
        parts.append(text("ui.tokens", language, used=answer.prompt_tokens, available=answer.context_tokens))
    return [" · ".join(parts)]
