"""The models that Ollama has, a card each: what they are, and use or remove them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag_app import Language, ModelEntry, RagApp, UserError, text

from .markup import plain, small

_SAID = "models_said"


def show(app: RagApp, models: Sequence[ModelEntry], language: Language, *, manage: bool) -> None:
    """All of them, and what came of the last button."""
    for kind, line in st.session_state.pop(_SAID, []):
        draw = {"good": st.success, "note": st.warning, "bad": st.error}[kind]
        draw(plain(line))
    if not models:
        st.info(text("ui.models_none", language), icon=":material/info:")
    for model in models:
        with st.container(border=True):
            _card(app, model, language, manage=manage)


def _card(app: RagApp, model: ModelEntry, language: Language, *, manage: bool) -> None:
    words, buttons = st.columns([5, 2], vertical_alignment="center")
    with words:
        st.markdown(f"**{plain(model.name)}** {' '.join(_badges(model, language))}")
        st.caption(small(" · ".join(_facts(model, language))))
        if model.loaded is not None:
            loaded = model.loaded
            share = round(100 * loaded.on_gpu / loaded.size) if loaded.size else 0
            context = f"{loaded.context:,}" if loaded.context else "?"
            memory = f"{loaded.size / 1e9:.1f}"
            st.caption(small(text("models.state_loaded", language, memory=memory, share=share, context=context)))
    if not manage:
        return
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        if model.chat and not model.chosen:
            label = text("ui.models_use", language)
            st.button(label, key=f"use {model.name}", on_click=_use, args=(app, model.name, language))
        with st.popover(text("ui.models_remove", language)):
            size = gigabytes(model.size)
            st.markdown(plain(text("models.remove_confirm", language, model=model.name, size=size)))
            label = text("ui.models_remove_yes", language)
            arguments = (app, model.name, language)
            st.button(label, key=f"remove {model.name}", type="primary", on_click=_remove, args=arguments)


def _badges(model: ModelEntry, language: Language) -> list[str]:
    shown = []
    if model.chosen:
        shown.append(f":green-badge[{text('models.state_chosen', language)}]")
    if not model.chat:
        shown.append(f":gray-badge[{text('models.state_embeds', language)}]")
    if model.vision:
        shown.append(f":blue-badge[{text('models.state_vision', language)}]")
    if model.loaded is not None:
        shown.append(f":violet-badge[{text('ui.models_loaded', language)}]")
    if model.fits is False:
        shown.append(f":orange-badge[{text('models.state_too_large', language)}]")
    return shown


def _facts(model: ModelEntry, language: Language) -> list[str]:
    facts = [gigabytes(model.size)]
    if model.parameters:
        facts.append(text("ui.models_parameters", language, parameters=model.parameters))
    if model.quantization:
        facts.append(model.quantization)
    if model.context:
        facts.append(text("ui.models_context", language, context=model.context))
    return [*facts, *([model.licence] if model.licence else [])]


def gigabytes(size: float) -> str:
    """Bytes as people read them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _use(app: RagApp, name: str, language: Language) -> None:
    try:
        chosen = app.use_model(name)
    except UserError as failure:
        st.session_state[_SAID] = [("bad", failure.text(language))]
        return
    said = [("good", text("models.used", language, model=chosen.name, file=chosen.file))]
    st.session_state[_SAID] = said + [("note", notice.text(language)) for notice in chosen.notices]


def _remove(app: RagApp, name: str, language: Language) -> None:
    try:
        gone = app.remove_model(name)
    except UserError as failure:
        st.session_state[_SAID] = [("bad", failure.text(language))]
        return
    said = [("good", text("models.removed", language, model=gone.name, size=gigabytes(gone.size)))]
    if gone.chosen:
        said.append(("note", text("models.removed_chosen", language)))
    st.session_state[_SAID] = said
