"""What is asked before files are tagged or deleted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import KnowledgeBase, Language, ListedFile, RagApp, UserError, text

from . import reading
from .markup import plain, small
from .shared import show_error

_MOST_SHOWN = 8
_FAILED = "docs_tags_failed"


def open_tags(app: RagApp, kb: KnowledgeBase, files: Sequence[ListedFile], language: Language) -> None:
    """Give files tags, and take some away."""
    st.dialog(text("ui.docs_do_tags", language), icon=":material/label:")(_tags)(app, kb, files, language)


def open_remove(app: RagApp, kb: KnowledgeBase, files: Sequence[ListedFile], language: Language) -> None:
    """Delete documents, and prove it."""
    st.dialog(text("ui.docs_do_remove", language), icon=":material/delete:")(_remove)(app, kb, files, language)


def _tags(app: RagApp, kb: KnowledgeBase, files: Sequence[ListedFile], language: Language) -> None:
    _names(files, language)
    common = sorted(set[str].intersection(*(set(file.tags) for file in files)))
    with st.form("docs_tags_form", border=False):
        st.multiselect(
            text("ui.docs_tags", language),
            sorted({*app.file_counts(kb.name).tags, *common}),
            default=common,
            accept_new_options=True,
            key="docs_tags_chosen",
            placeholder=text("ui.docs_tags_add", language),
            help=text("ui.docs_tags_help", language),
        )
        if st.form_submit_button(
            text("ui.docs_save", language),
            type="primary",
            key="docs_tags_save",
            on_click=_tag,
            args=(app, kb, files, common),
        ):
            failure: UserError | None = st.session_state.pop(_FAILED)
            if failure is None:
                st.rerun()
            else:
                show_error(failure)


def _tag(app: RagApp, kb: KnowledgeBase, files: Sequence[ListedFile], common: Sequence[str]) -> None:
    chosen = st.session_state["docs_tags_chosen"]
    st.session_state[_FAILED] = None
    try:
        drop = [tag for tag in common if tag not in chosen]
        app.tag(*(file.path for file in files), add=chosen, drop=drop, kb=kb.name)
    except UserError as failure:
        st.session_state[_FAILED] = failure


def _remove(app: RagApp, kb: KnowledgeBase, files: Sequence[ListedFile], language: Language) -> None:
    _names(files, language)
    if any(file.uploaded for file in files):
        st.markdown(text("ui.docs_remove_copies", language))
    if not all(file.uploaded for file in files):
        st.markdown(text("ui.docs_remove_files", language))
    st.caption(text("ui.docs_delete_proof", language))
    if reading.running(kb):
        st.caption(text("ui.docs_remove_waits", language))
    paths = [file.path for file in files]
    if st.button(
        text("ui.docs_remove_do", language),
        type="primary",
        icon=":material/delete:",
        key="docs_remove_do",
        on_click=reading.erase,
        args=(app, kb, paths),
    ):
        st.rerun()


def _names(files: Sequence[ListedFile], language: Language) -> None:
    st.markdown("  \n".join(plain(file.path.name) for file in files[:_MOST_SHOWN]))
    if len(files) > _MOST_SHOWN:
        st.caption(small(text("ui.more_documents", language, count=len(files) - _MOST_SHOWN)))
