"""Knowledge bases: make one, give it another name, delete it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, UserError, text

from . import reading
from .markup import plain
from .shared import show_error

_ACTIONS = {"create": ":material/add:", "rename": ":material/edit:", "delete": ":material/delete:"}
_NEXT = "kb_next"
_FAILED = "kb_failed"


def take_chosen() -> None:
    """Go to the knowledge base that was made, renamed or is left; before the choice is drawn."""
    name = st.session_state.pop(_NEXT, None)
    if name is not None:
        st.session_state["kb"] = name


def menu(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    """What can be done with the knowledge base."""
    action = st.menu_button(
        text("ui.knowledge_base", language),
        list(_ACTIONS),
        format_func=lambda one: f"{_ACTIONS[one]} {text(f'ui.kb_{one}', language)}",
        icon=":material/database:",
        key="kb_menu",
    )
    if action == "create":
        st.dialog(text("ui.kb_create", language), icon=":material/add:")(_create)(app, language)
    elif action == "rename":
        st.dialog(text("ui.kb_rename", language), icon=":material/edit:")(_rename)(app, kb, language)
    elif action == "delete":
        st.dialog(text("ui.kb_delete", language), icon=":material/delete:")(_delete)(app, kb, language)


def _create(app: RagApp, language: Language) -> None:
    with st.form("kb_create", border=False):
        st.text_input(text("ui.kb_name", language), key="kb_new_name", max_chars=64)
        st.caption(text("ui.kb_create_about", language))
        key, words = "kb_create_do", text("ui.kb_create", language)
        if st.form_submit_button(words, type="primary", key=key, on_click=_make, args=(app,)):
            _close_or_say()


def _rename(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    with st.form("kb_rename", border=False):
        st.text_input(text("ui.kb_name", language), kb.name, key="kb_other_name", max_chars=64)
        key, words = "kb_rename_do", text("ui.kb_rename", language)
        if st.form_submit_button(words, type="primary", key=key, on_click=_name, args=(app, kb)):
            _close_or_say()


def _delete(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    said = text("ui.kb_delete_about", language, name=kb.name, documents=kb.documents, chunks=kb.chunks)
    st.markdown(plain(said))
    st.caption(text("ui.docs_delete_proof", language))
    key, words = "kb_delete_do", text("ui.kb_delete_do", language)
    if st.button(words, type="primary", icon=":material/delete:", key=key, on_click=_drop, args=(app, kb)):
        st.rerun()


def _make(app: RagApp) -> None:
    _go_to(lambda: app.create_knowledge_base(st.session_state["kb_new_name"]).name)


def _name(app: RagApp, kb: KnowledgeBase) -> None:
    _go_to(lambda: app.rename_knowledge_base(kb.name, st.session_state["kb_other_name"]).name)


def _drop(app: RagApp, kb: KnowledgeBase) -> None:
    reading.delete(app, kb)
    _go_to(lambda: next((one.name for one in app.knowledge_bases() if one.id != kb.id), app.settings.kb))


def _go_to(name: Callable[[], str]) -> None:
    st.session_state[_FAILED] = None
    try:
        st.session_state[_NEXT] = name()
    except UserError as failure:
        st.session_state[_FAILED] = failure


def _close_or_say() -> None:
    failure: UserError | None = st.session_state.pop(_FAILED, None)
    if failure is None:
        st.rerun()
    else:
        show_error(failure)
