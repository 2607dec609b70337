"""The chat: choose a knowledge base, ask, watch the answer arrive, open the citations."""

from __future__ import annotations

import streamlit as st

from rag_app import Answer, KnowledgeBase, Language, RagApp, Turn, UserError, text
from ui import answers
from ui.markup import plain

_LANGUAGES: dict[Language, str] = {"zh": "简体中文", "en": "English"}
_MOST_DOCUMENTS_SHOWN = 100


@st.cache_resource(show_spinner=False)
def open_app() -> RagApp:
    """One app for all sessions of this server."""
    return RagApp.open()


def main() -> None:
    """The page."""
    st.set_page_config(page_title="rag-app", page_icon="📖", layout="centered")
    try:
        app = open_app()
        language, kb = sidebar(app)
    except UserError as error:
        st.error(plain(error.text(browser_language())))
        st.stop()
    conversation = conversation_of(kb)
    if not conversation:
        st.title(text("ui.title", language))
        st.markdown(text("ui.subtitle", language))
    for answer in conversation:
        with st.chat_message("user"):
            st.markdown(plain(answer.question))
        with st.chat_message("assistant"):
            answers.show(answer, language)
    question = st.chat_input(text("ui.ask", language))
    if question:
        ask(app, kb, question, conversation, language)


def sidebar(app: RagApp) -> tuple[Language, KnowledgeBase]:
    """Language, knowledge base and its documents; returns what is chosen."""
    with st.sidebar:
        languages = list(_LANGUAGES)
        language = (
            st.segmented_control(
                "Language / 语言",
                languages,
                default=browser_language(),
                format_func=_LANGUAGES.__getitem__,
                key="language",
            )
            or browser_language()
        )
        app.documents()  # the default knowledge base comes into being
        bases = {kb.name: kb for kb in app.knowledge_bases()}
        names = list(bases)
        chosen = st.selectbox(
            text("ui.knowledge_base", language),
            names,
            index=names.index(app.settings.kb) if app.settings.kb in names else 0,
            key="kb",
        )
        kb = bases[chosen]
        st.caption(text("ui.counts", language, documents=kb.documents, chunks=kb.chunks))
        if st.button(text("ui.new_chat", language), icon=":material/add:", width="stretch"):
            conversation_of(kb).clear()
        with st.expander(text("ui.documents", language)):
            for document in app.documents(kb.name)[:_MOST_DOCUMENTS_SHOWN]:
                st.markdown(plain(document.path.name), help=plain(str(document.path)))
        st.caption(text("ui.add_documents", language))
    return language, kb


def conversation_of(kb: KnowledgeBase) -> list[Answer]:
    """The answers of this session about one knowledge base, oldest first."""
    conversations: dict[str, list[Answer]] = st.session_state.setdefault("conversations", {})
    return conversations.setdefault(kb.id, [])


def ask(app: RagApp, kb: KnowledgeBase, question: str, conversation: list[Answer], language: Language) -> None:
    """Show the question and its answer as it is written, then keep it."""
    history = [
        turn
        for answer in conversation
        if not answer.refused
        for turn in (Turn("user", answer.question), Turn("assistant", answer.text))
    ]
    with st.chat_message("user"):
        st.markdown(plain(question))
    with st.chat_message("assistant"):
        try:
            with st.spinner(text("ui.working", language)):
                stream = app.stream(question, kb.name, history)
            st.write_stream(answers.stream(stream, verbatim=stream.verbatim))
            answer = stream.answer
        except UserError as error:
            st.error(plain(error.text(language)))
            return
        answers.footer(answer, language)
    conversation.append(answer)


def browser_language() -> Language:
    """Chinese for a Chinese browser, else English."""
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


main()
