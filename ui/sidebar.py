"""The sidebar: language, knowledge base and what is in it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, StoredDocument, text

from . import adding, conversation
from .markup import plain

_LANGUAGES: dict[Language, str] = {"zh": "简体中文", "en": "English"}
_MOST_DOCUMENTS_SHOWN = 100


def choose_language() -> Language:
    """The language of the page; the browser's at first, then kept in the page's address."""
    return st.sidebar.segmented_control(
        "Language / 语言",
        list(_LANGUAGES),
        default=browser_language(),
        required=True,
        format_func=_LANGUAGES.__getitem__,
        key="language",
        label_visibility="collapsed",
        bind="query-params",
    )


def choose_knowledge_base(app: RagApp, language: Language) -> KnowledgeBase:
    """The knowledge base to ask; kept in the page's address."""
    app.documents()  # the default knowledge base comes into being
    bases = {kb.name: kb for kb in app.knowledge_bases()}
    names = list(bases)
    chosen = st.sidebar.selectbox(
        text("ui.knowledge_base", language),
        names,
        index=names.index(app.settings.kb),
        key="kb",
        bind="query-params",
    )
    kb = bases[chosen]
    st.sidebar.caption(text("ui.counts", language, documents=kb.documents, chunks=kb.chunks))
    return kb


def details(app: RagApp, kb: KnowledgeBase, documents: Sequence[StoredDocument], language: Language) -> None:
    """A new conversation, the documents, and how to add more."""
    with st.sidebar:
        if st.button(text("ui.new_chat", language), icon=":material/add:", width="stretch", key="new_chat"):
            conversation.exchanges(kb).clear()
        adding.add_documents(app, kb, language)
        if not documents:
            return
        with st.expander(text("ui.documents", language), icon=":material/description:"):
            lines = [f"- {plain(document.path.name)}" for document in documents[:_MOST_DOCUMENTS_SHOWN]]
            st.markdown("\n".join(lines))
            if len(documents) > _MOST_DOCUMENTS_SHOWN:
                st.caption(text("ui.more_documents", language, count=len(documents) - _MOST_DOCUMENTS_SHOWN))
        st.caption(text("ui.add_documents", language))
        command(app, kb, language)


def command(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """The command that puts documents into a knowledge base, ready to be copied."""
    option = "" if kb.name == app.settings.kb else f' --kb "{kb.name}"'
    st.code(f"rag-app ingest {text('ui.path', language)}{option}", language=None, wrap_lines=True)


def browser_language() -> Language:
    """Chinese for a Chinese browser, else English."""
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
