"""A page of the web UI without a browser, in front of a data folder of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from rag_app import text
from ui.jobs import Job, jobs

PATIENCE = 180  # s; the machine may be busy with other things
SCRIPT = """

import streamlit as st
from rag_app import UserError
from ui import access
from ui.pages import {name}
from ui.shared import choose_language, show_error
choose_language()
try:
    if access.is_granted():
        {name}.page()
except UserError as failure:
    show_error(failure)
"""


def open_page(name: str, language: str = "en") -> AppTest:
    """The page, not yet run."""
    page = AppTest.from_string(SCRIPT.format(name=name), default_timeout=PATIENCE)
    page.session_state["language"] = language
    return page


def seen(page: AppTest) -> str:
    """All text that stands there, escapes and seams taken away."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "success", "warning", "error", "code")
    parts = [str(one.value) for kind in kinds for one in page.get(kind)]
    labels = [one.proto.label for kind in ("button", "expander") for one in page.get(kind) if hasattr(one, "proto")]
    return unescaped("\n".join([*parts, *labels]))


def unescaped(markdown: str) -> str:
    """Character escapes and seams undone."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r":(?:gray|small)\[(\\.)\]", r"\1", markdown))


def press(page: AppTest, key: str, language: str = "en") -> None:
    """Press the button of that text."""
    label = text(key, "zh" if language == "zh" else "en")
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


def until(page: AppTest, there: Callable[[], bool]) -> None:
    """Draw the page again and again until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline, seen(page)
        time.sleep(0.05)
        page.run()
        assert not page.exception


def finished(key: tuple[object, ...]) -> Job:
    """The job of that key, once it is done."""
    job = jobs().get(key)
    assert job is not None
    assert job.wait(PATIENCE)
    return job
