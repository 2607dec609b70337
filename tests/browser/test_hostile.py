"""Texts and names of documents, and what a model writes, are shown and never do anything."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ..conftest import PROJECT
from ..test_ui import HOSTILE, WRITTEN
from .doing import Open, ask, free_port, idle, inert, opened, serving, shoot


def test_hostile_document_is_text(visit: Open, address: str) -> None:
    page = visit(f"{address}/?kb=hostile")
    page.get_by_role("heading").first.wait_for()
    answer = ask(page, "What does the warehouse inventory script say about alert and image?")
    answer.locator("[class*=st-key-cite_] button").first.click()
    source = opened(page)
    source.locator(".stMarkdownColoredBackground").first.wait_for()
    shoot(page, "hostile")
    shown = source.inner_text()
    for text in ("<script>", "<img src=x onerror=", "![x](http://example.com/x.png)", "$x^2$"):
        assert text in shown
    for place in page.get_by_test_id("stMarkdownContainer").all():
        inert(place)


PAGE = """
import streamlit as st
from tests.test_ui import HOSTILE, WRITTEN
from ui.markup import highlighted, plain, small, with_chips

for i, text in enumerate(HOSTILE):
    with st.container(key=f"plain{i}"):
        st.markdown(plain(text))
    with st.container(key=f"small{i}"):
        st.caption(small(text))
    with st.container(key=f"quoted{i}"):
        st.markdown(highlighted("before ", text, " after"))
    with st.container(key=f"label{i}"):
        with st.expander(plain(" ".join(text.split()))):
            st.markdown(with_chips(text, verbatim=True))
    with st.container(key=f"model{i}"):
        st.markdown(with_chips(text, verbatim=False), anchors=False)
for i, (text, _) in enumerate(WRITTEN):
    with st.container(key=f"written{i}"):
        st.markdown(with_chips(text, verbatim=False), anchors=False)
st.text("the end")
"""


def seen(text: str) -> str:
    """What a browser shows of a text: one space for many, none at the ends; direction marks left out."""
    return " ".join(re.sub("[\u202a-\u202e\u2066-\u2069]", "", text).split())


def test_markup_is_shown_as_it_is(visit: Open, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text(PAGE, encoding="utf-8")
    port = free_port()
    options = {"server.address": "127.0.0.1", "server.port": port, "server.headless": "true"}
    options |= {"browser.gatherUsageStats": "false", "server.fileWatcherType": "none"}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--{name}={value}" for name, value in options.items()]
    with serving(command, port, tmp_path / "log.txt", PYTHONPATH=str(PROJECT)) as url:
        page = visit(url, height=4000)
        page.get_by_text("the end", exact=True).wait_for()
        idle(page)
        for i, text in enumerate(HOSTILE):
            for kind in ("plain", "small", "quoted", "label", "model"):
                part = "stCaptionContainer" if kind == "small" else "stMarkdownContainer"
                place = page.locator(f".st-key-{kind}{i}").get_by_test_id(part).first
                inert(place)
                whole = f"before {text} after" if kind == "quoted" else text
                if kind != "model":
                    assert seen(place.inner_text()) == seen(whole), kind
        for i, (text, shown) in enumerate(WRITTEN):
            place = page.locator(f".st-key-written{i}")
            inert(place.get_by_test_id("stMarkdownContainer").first)
            if shown is not None:
                assert seen(place.inner_text()) == shown, text
        assert page.evaluate("window.pwned") is None
