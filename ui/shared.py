"""What all pages share: the app, the language, the knowledge base."""

from __future__ import annotations

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, UserError, text

from .markup import plain

_LANGUAGES: dict[Language, str] = {"zh": "简体中文", "en": "English"}


@st.cache_resource(show_spinner=False)
def open_app() -> RagApp:
    """One app for all sessions of this server."""
    return RagApp.open()


def language() -> Language:
    """The language of the page, as :func:`choose_language` last had it."""
    found: Language = st.session_state.get("language") or browser_language()
    return found


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


def choose_knowledge_base(app: RagApp) -> KnowledgeBase:
    """The knowledge base to work on; kept in the page's address."""
    app.folders()  # the default knowledge base comes into being
    bases = {kb.name: kb for kb in app.knowledge_bases()}
    names = list(bases)
    chosen = st.sidebar.selectbox(
        text("ui.knowledge_base", language()),
        names,
        index=names.index(app.settings.kb) if app.settings.kb in names else 0,
        key="kb",
        bind="query-params",
    )
    kb = bases[chosen]
    st.sidebar.caption(text("ui.counts", language(), documents=kb.documents, chunks=kb.chunks))
    return kb


def show_error(failure: UserError) -> None:
    """What went wrong and the way out."""
    st.error(plain(failure.text(language())), icon=":material/error:")


def browser_language() -> Language:
    """Chinese for a Chinese browser, else English."""
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
