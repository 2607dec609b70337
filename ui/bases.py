"""Knowledge bases: make one, give it another name, delete it."""

from __future__ import annotations

import streamlit as st

from rag_app import KnowledgeBase, Language, RagApp, UserError, text

from . import reading
from .markup import plain
from .shared import show_error

_ACTIONS = {"create": ":material/add:", "rename": ":material/edit:", "delete": ":material/delete:"}
_NEXT = "kb_next"


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
        name = st.text_input(text("ui.kb_name", language), key="kb_new_name", max_chars=64)
        st.caption(text("ui.kb_create_about", language))
        if st.form_submit_button(text("ui.kb_create", language), type="primary", key="kb_create_do"):
            try:
                _go_to(app.create_knowledge_base(name).name)
            except UserError as failure:
                show_error(failure)


def _rename(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    with st.form("kb_rename", border=False):
        name = st.text_input(text("ui.kb_name", language), kb.name, key="kb_other_name", max_chars=64)
        if st.form_submit_button(text("ui.kb_rename", language), type="primary", key="kb_rename_do"):
            try:
                _go_to(app.rename_knowledge_base(kb.name, name).name)
            except UserError as failure:
                show_error(failure)


def _delete(app: RagApp, kb: KnowledgeBase, language: Language) -> None:
    said = text("ui.kb_delete_about", language, name=kb.name, documents=kb.documents, chunks=kb.chunks)
    st.markdown(plain(said))
    st.caption(text("ui.docs_delete_proof", language))
    if st.button(text("ui.kb_delete_do", language), type="primary", icon=":material/delete:", key="kb_delete_do"):
        reading.delete(app, kb)
        _go_to(next((one.name for one in app.knowledge_bases() if one.id != kb.id), app.settings.kb))


def _go_to(name: str) -> None:
    st.session_state[_NEXT] = name
    st.rerun()
