"""The web UI as people meet it: ``rag-app up`` as a process of its own, a real browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rag_app import RagApp

from .conftest import NOBODY, PROJECT
from .test_ui import HOSTILE, HOSTILE_NAME, WRITTEN

playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = Path("/usr/bin/chromium")
SCREENSHOTS = PROJECT / "screenshots"
OPTIONS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PATIENCE = 180_000  # ms; the machine may be busy with other things

ZH_QUESTION = "终端里中文显示成乱码，应该执行什么命令？"
EN_QUESTION = "On which date was Llama 3.3 70B released?"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"needs {CHROMIUM}: apt-get install chromium fonts-noto-cjk"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int, log: Path, **environment: str) -> Iterator[str]:
    """A server as a process of its own; yields its address once it answers."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=clean | environment, stdout=out, stderr=out, cwd=log.parent, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                opener.open(f"{address}/_stcore/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text(errors="replace")
                assert time.monotonic() < deadline, log.read_text(errors="replace")
                time.sleep(0.2)
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)  # the command and the server it started
        process.wait(60)


@pytest.fixture(scope="module")
def address(samples: RagApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``rag-app up`` over a copy of the samples, with a hostile and an empty knowledge base beside them."""
    folder = tmp_path_factory.mktemp("browser")
    data = folder / "data"
    shutil.copytree(samples.settings.data_dir, data)
    document = folder / HOSTILE_NAME
    document.write_text("\n\n".join(HOSTILE), encoding="utf-8")
    with RagApp.open(samples.settings.model_copy(update={"data_dir": data})) as app:
        app.create_knowledge_base("hostile")
        app.create_knowledge_base("空的")
        assert app.ingest(document, kb="hostile").ok
    port = free_port()
    command = [str(Path(sys.executable).with_name("rag-app")), "up", "--no-browser", "--port", str(port)]
    environment = {
        "RAG_DATA_DIR": str(data),
        "RAG_MODEL_DIR": str(samples.settings.model_dir),
        "RAG_OLLAMA_URL": NOBODY,
        "RAG_ANSWERS": "quotes",
    }
    with serving(command, port, folder / "log.txt", **environment) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield browser
        browser.close()


Open = Callable[..., "playwright.Page"]


@pytest.fixture
def visit(chromium: playwright.Browser) -> Iterator[Open]:
    """Opens a page in a browser of a language and size; whatever happens there, nothing may leave this machine."""
    asked: list[str] = []
    bad: list[str] = []
    contexts = []

    def visit(url: str, locale: str = "en-US", width: int = 1280, height: int = 900, dark: bool = False) -> object:
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("dialog", lambda dialog: (bad.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: bad.append(f"error {error}"))
        page.on("popup", lambda popup: bad.append(f"popup {popup.url}"))
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert bad == []
    outside = [url for url in asked if urlsplit(url).scheme not in ("data", "blob")]
    assert {urlsplit(url).hostname for url in outside} == {"127.0.0.1"}


def shoot(page: playwright.Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.wait_for_timeout(700)  # fades and slides
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def ask(page: playwright.Page, question: str) -> playwright.Locator:
    """Ask and wait for the end of the answer, which is its last caption."""
    answers = page.get_by_test_id("stChatMessage")
    before = answers.count()
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")
    answer = answers.nth(before + 1)
    answer.get_by_test_id("stCaptionContainer").last.wait_for(state="attached")
    idle(page)
    return answer


def idle(page: playwright.Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def fits(page: playwright.Page) -> bool:
    """Nothing sticks out to the right."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize(
    ("locale", "title", "placeholder", "shot"),
    [("en-US", "Ask your documents", "Ask a question", "first-en"), ("zh-CN", "向文档提问", "输入问题", "first-zh")],
)
def test_first_page_speaks_the_browsers_language(
    visit: Open, address: str, locale: str, title: str, placeholder: str, shot: str
) -> None:
    page = visit(address, locale)
    page.get_by_role("heading", name=title).wait_for()
    assert page.get_by_test_id("stChatInputTextArea").get_attribute("placeholder") == placeholder
    playwright.expect(page).to_have_title(title)
    idle(page)
    shoot(page, shot)


def test_chinese_question_and_its_citation(visit: Open, address: str) -> None:
    page = visit(address, "zh-CN", height=1000)
    answer = ask(page, ZH_QUESTION)
    number = answer.locator(".stMarkdownBadge").first
    assert number.inner_text() == "1"
    number.click()  # in the text
    panel = opened(page)
    picture = panel.locator("img")
    picture.wait_for()
    assert "第 14 页" in panel.inner_text()
    assert picture.evaluate("image => image.naturalWidth") == 1100
    assert beside(answer.get_by_text("chcp 65001").first, panel)
    shoot(page, "answer-zh")
    panel.get_by_text("文字", exact=True).click()
    quote = panel.locator(".stMarkdownColoredBackground").first
    quote.wait_for()
    assert quote.inner_text().strip()[:8] in answer.inner_text()


def test_english_question_then_everything_in_chinese(visit: Open, address: str) -> None:
    page = visit(address, height=1150)
    answer = ask(page, EN_QUESTION)
    answer.get_by_role("button", name="llama3-on-your-pc.pdf · p. 4").click()
    opened(page).locator("img").wait_for()
    shoot(page, "answer-en")
    page.get_by_test_id("stSidebar").get_by_text("简体中文").click()
    playwright.expect(answer.get_by_role("button", name="第 4 页").first).to_be_visible()
    idle(page)
    shown = page.locator("body").inner_text()
    assert "知识库" in shown
    assert "新对话" in shown
    for word in ("Knowledge base", "New conversation", "Documents", "Quoted", " p. 4"):
        assert word not in shown
    assert page.get_by_test_id("stChatInputTextArea").get_attribute("placeholder") == "输入问题"
    shoot(page, "switched-zh")
    page.reload()
    playwright.expect(answer).to_contain_text("逐字摘录")  # the choice outlives the page, and so does the answer


def test_suggestion_refusal_and_new_conversation(visit: Open, address: str) -> None:
    page = visit(address)
    page.locator(".st-key-suggestion_0 button").first.click()
    first = page.get_by_test_id("stChatMessage").nth(1)
    first.locator("[class*=st-key-cite_]").first.wait_for()
    idle(page)
    refusal = ask(page, "Who won the football world cup in 1998?")
    playwright.expect(refusal).to_contain_text("I found nothing about this in your documents.")
    playwright.expect(refusal.locator("[class*=st-key-cite_]")).to_have_count(0)
    shoot(page, "refusal-en")
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("heading", name="Ask your documents").wait_for()
    playwright.expect(page.get_by_test_id("stChatMessage")).to_have_count(0)


def test_a_question_is_asked_otherwise(visit: Open, address: str) -> None:
    page = visit(address)
    ask(page, "Who won the football world cup in 1998?")
    page.locator("[class*=st-key-edit_] button").first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").first.fill(EN_QUESTION)
    dialog.get_by_role("button", name="Ask", exact=True).click()
    answer = page.get_by_test_id("stChatMessage").nth(1)
    playwright.expect(answer).to_contain_text("6 December 2024")
    playwright.expect(page.get_by_test_id("stChatMessage").first).to_contain_text("2 / 2")


def test_empty_knowledge_base(visit: Open, address: str) -> None:
    page = visit(f"{address}/?kb=空的", "zh-CN")
    page.get_by_role("button", name="使用示例文档").wait_for()
    page.get_by_role("link", name="添加自己的文档").wait_for()
    shoot(page, "empty-zh")


def test_phone(visit: Open, address: str) -> None:
    page = visit(address, "zh-CN", 390, 844)
    page.get_by_role("heading", name="向文档提问").wait_for()
    idle(page)
    shoot(page, "phone-first")
    assert fits(page)
    answer = ask(page, ZH_QUESTION)
    answer.locator("[class*=st-key-cite_] button").first.click()
    opened(page).locator("img").wait_for()
    assert fits(page)
    shoot(page, "phone-answer")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSelectbox").wait_for()
    shoot(page, "phone-sidebar")


def test_dark(visit: Open, address: str) -> None:
    page = visit(address, "en-US", dark=True)
    answer = ask(page, "What is an embedding?")
    answer.locator("[class*=st-key-cite_] button").filter(has_text="html").first.click()
    opened(page).locator(".stMarkdownColoredBackground").first.wait_for()
    shoot(page, "dark-en")


def opened(page: playwright.Page) -> playwright.Locator:
    """The panel of the open source."""
    panel = page.locator("[class*=st-key-panel_]").first
    panel.wait_for()
    return panel


def beside(left: playwright.Locator, right: playwright.Locator) -> bool:
    one, other = left.bounding_box(), right.bounding_box()
    return one is not None and other is not None and one["x"] + one["width"] <= other["x"]


def inert(place: playwright.Locator) -> None:
    """No part of it leads anywhere, loads or runs something."""
    for tag in ("a", "img", "script", "iframe", "svg image", "video", ".katex", "form"):
        assert place.locator(tag).count() == 0, place.locator(tag).first.evaluate("e => e.outerHTML")


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
