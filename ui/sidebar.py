"""The chat's sidebar: a new conversation, and what is in the knowledge base."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, StoredDocument, text

from . import adding, conversation
from .markup import plain

_MOST_DOCUMENTS_SHOWN = 100


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
