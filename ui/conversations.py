"""Which conversation the page shows, and the list of all: search, rename, export, delete."""

from __future__ import annotations

import streamlit as st

from rag_app import Conversation, ConversationInfo, KnowledgeBase, Language, RagApp, UserError, text

from . import access, writing
from .markup import plain, small
from .shared import show_error

_MOST_SHOWN = 30
_PARAMETER = "c"  # of the page's address


def arrive(app: RagApp) -> None:
    """An address that names a conversation alone leads to its knowledge base too."""
    if "kb" in st.session_state or "kb" in st.query_params:
        return
    found = _open(app, _named())
    if found is not None and found.info.kbs:
        st.session_state["kb"] = found.info.kbs[0]


def current(app: RagApp, kb: KnowledgeBase) -> Conversation | None:
    """The one that the address names, else the one that was last open for this knowledge base; None for a new one."""
    for identifier in (_named(), _last().get(kb.id, 0)):
        found = _open(app, identifier)
        if found is not None and kb.name in found.info.kbs:
            show(found, kb)
            return found
    begin_anew(kb)
    return None


def show(conversation: Conversation, kb: KnowledgeBase) -> None:
    """Let the page be about this one, also after a reload."""
    _last()[kb.id] = conversation.id
    if _named() != conversation.id:
        st.query_params[_PARAMETER] = str(conversation.id)


def begin_anew(kb: KnowledgeBase) -> None:
    """Let the page be about a conversation that has yet to begin."""
    _last().pop(kb.id, None)
    if _PARAMETER in st.query_params:
        del st.query_params[_PARAMETER]


def sidebar(app: RagApp, kb: KnowledgeBase, chosen: Conversation | None, language: Language) -> None:
    """A new conversation, a search, and the latest ones."""
    with st.sidebar:
        st.button(
            text("ui.new_chat", language),
            icon=":material/edit_square:",
            width="stretch",
            key="new_chat",
            on_click=begin_anew,
            args=(kb,),
        )
        infos = app.conversations(kb=kb.name, owner=access.owner())
        if not infos:
            return
        words = st.text_input(
            text("ui.search_chats", language),
            key="search_chats",
            icon=":material/search:",
            placeholder=text("ui.search_chats", language),
            label_visibility="collapsed",
        )
        found = app.conversations(words, kb.name, access.owner()) if words and words.strip() else infos
        if not found:
            st.caption(text("ui.no_chats_found", language))
        with st.container(key="chats", gap=None):
            for info in found[:_MOST_SHOWN]:
                _row(app, info, kb, chosen is not None and info.id == chosen.id, language)
        if len(found) > _MOST_SHOWN:
            st.caption(text("ui.more_chats", language, count=len(found) - _MOST_SHOWN))


def _row(app: RagApp, info: ConversationInfo, kb: KnowledgeBase, chosen: bool, language: Language) -> None:
    with st.container(key=f"chat_row_{'on_' if chosen else ''}{info.id}", horizontal=True, wrap=False, gap=None):
        st.button(
            plain(info.title),
            key=f"chat_{info.id}",
            type="tertiary",
            width="stretch",
            wrap=False,
            on_click=_go,
            args=(info.id, kb),
        )
        options = ["rename", "export", "delete"]
        done = st.menu_button(
            ":material/more_horiz:",
            options,
            key=f"chat_menu_{info.id}",
            type="tertiary",
            format_func=lambda option: text(f"ui.chat_{option}", language),
            help=text("ui.chat_menu", language),
        )
    if info.found:
        st.caption(small(info.found))
    if done == "rename":
        _rename(app, info, language)
    elif done == "export":
        _export(app, info, language)
    elif done == "delete":
        _delete(app, info, kb, language)


def _rename(app: RagApp, info: ConversationInfo, language: Language) -> None:
    @st.dialog(text("ui.chat_rename", language))
    def dialog() -> None:
        with st.form("rename", border=False):
            title = st.text_input(text("ui.chat_title", language), info.title, key=f"title_{info.id}")
            if not st.form_submit_button(text("ui.save", language), type="primary"):
                return
        try:
            app.conversation(info.id, owner=access.owner()).rename(title)
        except UserError as failure:
            show_error(failure)
        else:
            st.rerun()

    dialog()


def _export(app: RagApp, info: ConversationInfo, language: Language) -> None:
    @st.dialog(text("ui.chat_export", language))
    def dialog() -> None:
        conversation = app.conversation(info.id, owner=access.owner())
        st.markdown(plain(info.title))
        with st.container(horizontal=True):
            for kind, suffix, mime in (("markdown", "md", "text/markdown"), ("json", "json", "application/json")):
                st.download_button(
                    text(f"ui.export_{kind}", language),
                    conversation.export("json" if kind == "json" else "markdown"),
                    file_name=f"conversation-{info.id}.{suffix}",
                    mime=mime,
                    key=f"export_{kind}_{info.id}",
                    on_click="ignore",
                    icon=":material/download:",
                )

    dialog()


def _delete(app: RagApp, info: ConversationInfo, kb: KnowledgeBase, language: Language) -> None:
    @st.dialog(text("ui.chat_delete", language))
    def dialog() -> None:
        st.markdown(plain(text("ui.chat_delete_sure", language, title=info.title)))
        if st.button(text("ui.chat_delete_now", language), type="primary", key=f"delete_{info.id}"):
            conversation = app.conversation(info.id, owner=access.owner())
            job = writing.running(conversation)
            if job is not None:
                job.cancel()
                job.wait(5)
            conversation.delete()
            if _last().get(kb.id) == info.id:
                begin_anew(kb)
            st.rerun()

    dialog()


def _go(identifier: int, kb: KnowledgeBase) -> None:
    _last()[kb.id] = identifier
    st.query_params[_PARAMETER] = str(identifier)


def _named() -> int:
    named = st.query_params.get(_PARAMETER, "")
    return int(named) if named.isascii() and named.isdigit() and len(named) < 16 else 0


def _open(app: RagApp, identifier: int) -> Conversation | None:
    if not identifier:
        return None
    try:
        return app.conversation(identifier, owner=access.owner())
    except UserError:  # it was deleted
        return None


def _last() -> dict[str, int]:
    """Knowledge base → the conversation that this session last had open."""
    last: dict[str, int] = st.session_state.setdefault("conversations", {})
    return last
