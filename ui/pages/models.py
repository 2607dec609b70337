"""The models: what is installed, what suits this machine and why, fetch, choose, and the embedding model."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import streamlit as st

from rag_app import Language, ModelEntry, RagApp, Recommendation, UserError, text

from .. import access, model_cards, pulling, reindexing
from ..markup import plain, small
from ..shared import language as spoken
from ..shared import open_app, show_error

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SYSTEMS = {"win32": "Windows", "darwin": "macOS", "linux": "Linux"}
_ADDRESS = "https://ollama.com/download"
_INSTALL = {"Windows": "winget install Ollama.Ollama", "macOS": "brew install --cask ollama"}
_INSTALL["Linux"] = "curl -fsSL https://ollama.com/install.sh | sh"


def page() -> None:
    """The page."""
    app, language = open_app(), spoken()
    manage = access.may("manage")
    st.title(text("ui.page_models", language), anchor=False)
    _who_answers(app, language)
    answering, embedding = st.tabs([text("ui.models_tab_answers", language), text("ui.models_tab_embedding", language)])
    with answering:
        _answering(app, language, manage=manage)
    with embedding:
        app.documents()  # the default knowledge base comes into being
        reindexing.show(app, app.knowledge_bases(), language, manage=manage)
    if not manage:
        access.show_denied("manage")


def _who_answers(app: RagApp, language: Language) -> None:
    settings = app.settings
    if settings.answers == "quotes":
        key, name = "quotes", ""
    elif settings.answers == "openai" or (settings.answers == "auto" and settings.openai_url):
        key, name = "openai", urlsplit(settings.openai_url).hostname or ""
    elif settings.answers == "gguf" or (settings.answers == "auto" and settings.gguf_path):
        key, name = "gguf", settings.gguf_path
    else:
        key, name = "ollama", settings.model
    st.markdown(plain(text(f"ui.models_now_{key}", language, name=name)))


def _answering(app: RagApp, language: Language, *, manage: bool) -> None:
    models = _installed(app, language)
    if models is not None:
        st.subheader(text("ui.models_installed", language), anchor=False)
        model_cards.show(app, models, language, manage=manage)
        if manage:
            st.subheader(text("ui.models_fetch", language), anchor=False)
            pulling.show(app, language)
    st.subheader(text("ui.models_fits", language), anchor=False)
    with st.spinner(text("ui.models_looking", language)):
        found = _recommendation()
    host = urlsplit(app.settings.ollama_url).hostname
    if host not in _LOOPBACK:
        st.warning(plain(text("hardware.elsewhere", language, url=host)))
    have = None if models is None else {model.name for model in models}
    _recommend(app, found, have, language, manage=manage)


def _installed(app: RagApp, language: Language) -> list[ModelEntry] | None:
    """The models; None where there is no Ollama, and then how to get it."""
    try:
        with st.spinner(text("ui.models_asking", language)):
            return app.models()
    except UserError as failure:
        show_error(failure)
    st.button(text("ui.models_again", language), icon=":material/refresh:", key="models_again")
    st.info(text("ui.models_quotes_work", language), icon=":material/format_quote:")
    st.subheader(text("ui.models_get_ollama", language), anchor=False)
    own = _SYSTEMS.get(sys.platform, "Linux")
    systems = [own, *(name for name in _INSTALL if name != own)]
    for tab, system in zip(st.tabs(systems), systems, strict=True):
        with tab:
            st.markdown(text("ui.models_step_install", language, address=_ADDRESS))
            st.code(_INSTALL[system], language=None, wrap_lines=True)
            st.markdown(text(f"ui.models_step_start_{system.lower()}", language))
            st.markdown(text("ui.models_step_again", language))
    with st.expander(text("ui.models_without", language), icon=":material/alt_route:"):
        st.markdown(text("ui.models_gguf", language))
        st.code('answers = "gguf"\ngguf_path = "/models/llama-3.1-8b.gguf"', language="toml")
        st.markdown(text("ui.models_openai", language))
        st.code('answers = "openai"\nopenai_url = "http://127.0.0.1:8000/v1"', language="toml")
    return None


@st.cache_resource(ttl=60, show_spinner=False)
def _recommendation() -> Recommendation:
    return open_app().recommend()


def _recommend(app: RagApp, found: Recommendation, have: set[str] | None, language: Language, *, manage: bool) -> None:
    """What suits this machine, in words."""
    with st.container(border=True):
        if found.best is not None:
            best = found.best
            st.markdown(f"**{plain(text('models.best', language, name=best.model.name))}**")
            facts = {
                "parameters": f"{best.model.parameters / 1e9:.1f}",
                "size": f"{best.model.download / 1e9:.1f}",
                "context": best.context,
                "place": text(f"models.place_{best.place}", language),
            }
            st.caption(small(text("models.facts", language, **facts)))
        st.markdown("\n".join(f"- {plain(reason.text(language))}" for reason in found.reasons))
        if found.best is not None and have is not None and manage:
            name = found.best.model.name
            if name in have:
                st.caption(text("ui.models_have_it", language))
            else:
                label = text("ui.models_pull_it", language, model=name)
                icon = ":material/download:"
                off = pulling.is_running()
                st.button(label, icon=icon, key="pull_best", disabled=off, on_click=pulling.start, args=(app, name))
    rows = [(one.choice.model.name, one.why) for one in found.alternatives]
    others = [(one.name, one.why) for one in found.unfit]
    for title, listed in (("models.also", rows), ("models.not_here", others)):
        if listed:
            with st.expander(text(title, language).rstrip(":：")):
                lines = (text("models.item", language, name=name, why=why.text(language)) for name, why in listed)
                st.markdown("\n".join(f"- {plain(line)}" for line in lines))
