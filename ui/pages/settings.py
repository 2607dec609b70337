"""The settings, the doctor's findings, and what becomes of one's data."""

from __future__ import annotations

import streamlit as st

from rag_app import Language, RagApp, text

from .. import access, doctor, setting_forms
from ..shared import language as spoken
from ..shared import open_app


def page() -> None:
    """The page."""
    app, language = open_app(), spoken()
    manage = access.may("manage")
    st.title(text("ui.page_settings", language), anchor=False)
    if not manage:
        access.show_denied("manage")
        _privacy(app, language, manage=False)
        return
    names = [text(f"ui.settings_tab_{name}", language) for name in ("health", "all", "privacy")]
    health, everything, privacy = st.tabs(names)
    with health:
        doctor.show(app, language)
    with everything:
        setting_forms.show(app, language, change=True)
    with privacy:
        _privacy(app, language, manage=True)


def _privacy(app: RagApp, language: Language, *, manage: bool) -> None:
    """What stays here, what leaves and when, where it lies, and how the page looks."""
    st.markdown(text("ui.privacy", language))
    if app.settings.openai_url:
        st.warning(text("ui.privacy_openai", language), icon=":material/cloud_upload:")
    if manage:
        st.markdown(text("ui.privacy_where", language))
        st.code(str(app.settings.data_dir), language=None, wrap_lines=True)
        st.markdown(text("ui.privacy_models", language))
        st.code(str(app.settings.model_dir), language=None, wrap_lines=True)
    st.markdown(text("ui.privacy_share", language))
    st.code("rag-app password", language=None)
    st.markdown(text("ui.looks", language))
