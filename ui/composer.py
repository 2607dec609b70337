"""Where a question is typed, and the way to stop its answer."""

from __future__ import annotations

import streamlit as st

from rag_app import Conversation, Language, text

from . import writing
from .shared import open_app

_IMAGES = ["png", "jpg", "jpeg", "webp"]


def asked(conversation: Conversation | None, language: Language) -> tuple[str, list[bytes]]:
    """What was typed, and the images that go with it where a model is there that sees."""
    job = writing.running(conversation)
    with st.bottom:
        if job is not None:
            with st.container(horizontal=True, horizontal_alignment="center"):
                st.button(
                    text("ui.stop", language),
                    icon=":material/stop_circle:",
                    key="stop",
                    shortcut="Esc",
                    disabled=job.cancelled,
                    on_click=job.cancel,
                )
        prompt = text("ui.ask" if job is None else "ui.still_writing", language)
        if not _sees_images():
            typed = st.chat_input(prompt, key="question", disabled=job is not None)
            return typed or "", []
        given = st.chat_input(
            prompt, key="question_image", disabled=job is not None, accept_file="multiple", file_type=_IMAGES
        )
    return (given.text, [file.getvalue() for file in given.files]) if given else ("", [])


@st.cache_data(ttl=60, show_spinner=False)
def _sees_images() -> bool:
    return open_app().sees_images()
