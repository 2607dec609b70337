"""The chat: ask, watch the answer arrive, open the citations."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, StoredDocument, text

from .. import conversation, sidebar
from ..shared import choose_knowledge_base, open_app
from ..shared import language as spoken

_IMAGES = ["png", "jpg", "jpeg", "webp"]
_SAMPLE = "什么是RAG.md"  # with the sample documents there are questions to suggest


def page() -> None:
    """The page."""
    app, language = open_app(), spoken()
    if "preloaded" not in st.session_state:
        st.session_state["preloaded"] = True
        app.preload()
    kb = choose_knowledge_base(app)
    documents = app.documents(kb.name)
    sidebar.details(app, kb, documents, language)
    exchanges = conversation.exchanges(kb)
    welcome = st.empty()
    conversation.show(exchanges, language)
    typed, images = _asked(language)
    question = typed or st.session_state.pop("example", None)
    if question:
        conversation.ask(app, kb, question, language, images)
        st.rerun()  # draws the sources, and everything else as it now is
    if not exchanges:
        with welcome.container():
            greet(app, kb, documents, language)


def _asked(language: Language) -> tuple[str, list[bytes]]:
    """What was typed, and the images that go with it where a model is there that sees."""
    if not _sees_images():
        return st.chat_input(text("ui.ask", language), key="question", submit_mode="stop") or "", []
    given = st.chat_input(
        text("ui.ask", language), key="question_image", submit_mode="stop", accept_file="multiple", file_type=_IMAGES
    )
    return (given.text, [file.getvalue() for file in given.files]) if given else ("", [])


@st.cache_data(ttl=60, show_spinner=False)
def _sees_images() -> bool:
    return open_app().sees_images()


def greet(app: RagApp, kb: KnowledgeBase, documents: Sequence[StoredDocument], language: Language) -> None:
    """What stands on the page before the first question."""
    st.title(text("ui.title", language), anchor=False)
    st.markdown(text("ui.subtitle", language))
    if not documents:
        st.info(text("ui.empty", language), icon=":material/info:")
        sidebar.command(app, kb, language)
    elif any(document.path.name == _SAMPLE for document in documents):
        st.caption(text("ui.try_one", language))
        for key in ("ui.example_definition", "ui.example_command", "ui.example_number"):
            st.button(text(key, language), key=key, on_click=_take, args=(text(key, language),))


def _take(example: str) -> None:
    st.session_state["example"] = example
