"""An answer with its citations."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from rag_app import Answer, AnswerStream, Citation, Language, text

from .markup import highlighted, plain, with_chips

_QUOTES = "quotes"


def stream(pieces: AnswerStream, *, verbatim: bool) -> Iterator[str]:
    """The pieces of an answer as markdown."""
    for piece in pieces:
        yield with_chips(piece, verbatim=verbatim)


def show(answer: Answer, language: Language) -> None:
    """A finished answer."""
    st.markdown(with_chips(answer.text, verbatim=answer.refused or answer.model == _QUOTES))
    footer(answer, language)


def footer(answer: Answer, language: Language) -> None:
    """What stands below an answer's text: its sources, and how it came about."""
    for citation in answer.citations:
        with st.expander(f"{citation.number} · {plain(citation.document)} · {plain(where(citation, language))}"):
            st.markdown(in_context(citation, answer))
            st.caption(plain(str(citation.path)))
    if not answer.complete:
        st.warning(text("ui.incomplete", language))
    st.caption(plain(_summary(answer, language)))
    if answer.notice is not None:
        st.caption(plain(answer.notice.text(language)))


def where(citation: Citation, language: Language) -> str:
    """The page of a citation, or for formats without pages its section."""
    if citation.pages == 1 and citation.headings:
        return " › ".join(citation.headings)
    if citation.page_label is not None:
        return text("cite.page_labelled", language, page=citation.page, label=citation.page_label)
    return text("cite.page", language, page=citation.page)


def in_context(citation: Citation, answer: Answer) -> str:
    """The passage with the quote marked, as markdown."""
    passage = answer.passages[citation.number - 1]
    start, end = citation.start - passage.start, citation.end - passage.start
    return highlighted(passage.text[:start], passage.text[start:end], passage.text[end:])


def _summary(answer: Answer, language: Language) -> str:
    if answer.refused:
        return text("ui.not_found", language)
    model = text("ui.quotes_mode", language) if answer.model == _QUOTES else answer.model
    parts = [text("ui.answered_by", language, model=model)]
    if answer.prompt_tokens and answer.context_tokens:
        parts.append(text("ui.tokens", language, used=answer.prompt_tokens, available=answer.context_tokens))
    return " · ".join(parts)
