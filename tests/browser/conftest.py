"""Servers as processes of their own, each for all tests that can share it, and a real browser in front of them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rag_app import RagApp

from ..conftest import NOBODY
from ..replay import Replay, written
from ..test_ui import HOSTILE, HOSTILE_NAME
from .doing import PATIENCE, Open, playwright, serving_rag_app

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
OPTIONS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
MODEL = "smollm2:135m"
_READ = 5000  # tokens of a prompt: more than there are, or the app says that it was cut


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here needs a browser."""
    here = Path(__file__).parent
    missing = pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"needs {CHROMIUM}: apt-get install chromium fonts-noto-cjk"
    )
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(missing)


def _copy(samples: RagApp, folder: Path) -> Path:
    """A data folder with the samples, to do with as one likes."""
    shutil.copytree(samples.settings.data_dir, folder / "data")
    return folder


@pytest.fixture(scope="session")
def address(samples: RagApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The samples, with a hostile and some empty knowledge bases beside them; answers are quotes."""
    folder = _copy(samples, tmp_path_factory.mktemp("browser"))
    document = folder / HOSTILE_NAME
    document.write_text("\n\n".join(HOSTILE), encoding="utf-8")
    with RagApp.open(samples.settings.model_copy(update={"data_dir": folder / "data"})) as app:
        for name in ("hostile", "空的", "new", "uploads"):
            app.create_knowledge_base(name)
        assert app.ingest(document, kb="hostile").ok
    with serving_rag_app(
        folder, RAG_MODEL_DIR=str(samples.settings.model_dir), RAG_OLLAMA_URL=NOBODY, RAG_ANSWERS="quotes"
    ) as url:
        yield url


class Ollama(Replay):
    """A server that says the same to every question."""

    def writes(self, text: str, every: float = 0.0) -> None:
        """From now on.

        Args:
            every: seconds between two words.
        """
        self.play({"/api/chat": written(re.findall(r"\s*\S+", text), prompt_tokens=_READ, every=every)})


@pytest.fixture(scope="session")
def ollama() -> Iterator[Ollama]:
    """A recorded Ollama."""
    with Ollama({}, pace=1.0) as server:
        yield server


@pytest.fixture(scope="session")
def with_model(samples: RagApp, ollama: Ollama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The samples, and a model that answers."""
    folder = _copy(samples, tmp_path_factory.mktemp("model"))
    settings = {"RAG_MODEL_DIR": str(samples.settings.model_dir), "RAG_OLLAMA_URL": ollama.url, "RAG_MODEL": MODEL}
    with serving_rag_app(folder, **settings) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: playwright.Browser) -> Iterator[Open]:
    """Opens a page in a browser of a language and size; whatever happens there, nothing may leave this machine."""
    asked: list[str] = []
    bad: list[str] = []
    contexts = []

    def watch(page: playwright.Page) -> None:
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("dialog", lambda dialog: (bad.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: bad.append(f"error {error}"))
        page.on("popup", lambda popup: bad.append(f"popup {popup.url}"))

    def visit(url: str, locale: str = "en-US", width: int = 1280, height: int = 900, dark: bool = False) -> object:
        context = chromium.new_context(
            locale=locale, viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda request: asked.append(request.url))
        context.on("page", watch)
        page = context.new_page()
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert bad == []
    outside = [url for url in asked if urlsplit(url).scheme not in ("data", "blob")]
    assert {urlsplit(url).hostname for url in outside} == {"127.0.0.1"}
