"""The page of models: on a played Ollama server, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rag_app import RagApp, text
from ui.jobs import jobs

from .conftest import NOBODY
from .pages import finished, open_page, press, seen, unescaped, until
from .pulls import WEIGHTS, pulled
from .replay import Replay
from .test_models_cli import DELETED, MODEL, OTHER


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Every test opens its own app."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def bars(page: AppTest) -> str:
    """What stands above the bars."""
    return "\n".join(unescaped(bar.proto.text) for bar in page.get("progress"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Replay]:
    """An Ollama server that the settings name; what is stored goes to a file of the test's own."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "config")
    monkeypatch.setenv("RAG_MODEL_DIR", str(tmp_path / "models"))
    with Replay({}) as played:
        monkeypatch.setenv("RAG_OLLAMA_URL", played.url)
        yield played


def test_installed_models_are_cards_and_one_is_chosen(server: Replay, tmp_path: Path) -> None:
    page = open_page("models").run()
    assert not page.exception
    shown = seen(page)
    assert f"**{MODEL}**" in shown
    assert "violet-badge[in memory]" in shown
    assert "makes embeddings, no answers" in shown
    assert [button.key for button in page.button if button.key.startswith("use all-minilm")] == []
    page.button(key=f"use {OTHER}").click().run()
    assert not page.exception
    assert f"From now on {OTHER} answers" in seen(page)
    assert f'model = "{OTHER}"' in (tmp_path / "config" / "rag.toml").read_text(encoding="utf-8")
    assert f"answered by {OTHER}" in seen(page)
    assert f"use {OTHER}" not in [button.key for button in page.button]


def test_a_model_is_removed_after_a_second_press(server: Replay) -> None:
    server.play({"/api/delete": DELETED})
    page = open_page("models").run()
    assert f"Delete {MODEL}" in seen(page)
    page.button(key=f"remove {MODEL}").click().run()
    assert not page.exception
    assert f"Deleted {MODEL}" in seen(page)
    assert [request.body for request in server.requests if request.method == "DELETE"] == [{"model": MODEL}]


def test_a_model_is_fetched_and_its_end_is_told(server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS // 2, WEIGHTS)})
    page = open_page("models").run()
    page.text_input(key="pull_name").set_value("llama3.1:8b")
    press(page, "ui.models_pull")
    job = finished(("pull",))
    assert job.error is None
    assert job.step.stage == "done"
    page.run()
    assert "llama3.1:8b is there" in seen(page)
    page.button(key="pull_dismiss").click().run()
    assert "is there" not in seen(page)


def test_a_download_is_watched_by_another_page_and_stopped(server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS // 4, ends=False, ended_by="client closed")})
    page = open_page("models").run()
    page.text_input(key="pull_name").set_value("llama3.1:8b")
    press(page, "ui.models_pull")
    other = open_page("models", "zh").run()  # a reload, or another window
    until(other, lambda: "0.5 GB / 2.0 GB" in bars(other))
    other.button(key="stop_pull").click().run()
    job = finished(("pull",))
    assert job.cancelled
    assert server.client_left.wait(30)
    page.run()
    assert "goes on where it was" in seen(page)


def test_a_download_that_fails_says_why(server: Replay) -> None:
    server.play({"/api/pull": "08-pull-missing-model"})
    page = open_page("models").run()
    page.text_input(key="pull_name").set_value("no-such-model")
    press(page, "ui.models_pull")
    job = finished(("pull",))
    assert job.error is not None
    page.run()
    assert job.error.text("en") in seen(page)
    page.session_state["language"] = "zh"
    page.run()
    assert job.error.text("zh") in seen(page)


def test_without_ollama_the_page_says_how_to_get_it_and_that_quotes_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for language, name in (("en", "three steps"), ("zh", "三步")):
        page = open_page("models", language).run()
        assert not page.exception
        shown = seen(page)
        assert NOBODY in shown
        assert name in shown
        assert text("ui.models_quotes_work", "zh" if language == "zh" else "en") in shown
        assert "curl -fsSL https://ollama.com/install.sh | sh" in shown
        assert "winget install Ollama.Ollama" in shown


def test_a_knowledge_base_is_indexed_anew(app: RagApp, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("The harbour was rebuilt in 1962.", encoding="utf-8")
    app.ingest(file)
    kb = app.knowledge_bases()[0]
    page = open_page("models").run()
    assert kb.embedder in seen(page)
    page.button(key=f"reindex_{kb.id}").click().run()
    assert not page.exception
    assert finished(("reindex", kb.id)).error is None
    page.run()
    assert "Indexed anew with multilingual-e5-small: 1 chunks" in seen(page)


def test_a_wrong_embedding_model_is_an_error_in_words(app: RagApp, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("The harbour was rebuilt in 1962.", encoding="utf-8")
    app.ingest(file)
    kb = app.knowledge_bases()[0]
    page = open_page("models").run()
    page.text_input(key=f"embedder_{kb.id}").set_value(str(tmp_path / "nowhere"))
    page.button(key=f"reindex_{kb.id}").click().run()
    failure = finished(("reindex", kb.id)).error
    assert failure is not None
    page.run()
    assert failure.text("en") in seen(page)
    assert jobs().running("reindex") == []


def test_pull_of_a_recommended_model_is_one_press(server: Replay) -> None:
    server.play({"/api/pull": pulled(WEIGHTS)})
    page = open_page("models").run()
    buttons = [button.key for button in page.button]
    if "pull_best" not in buttons:
        pytest.skip("nothing fits this machine")
    page.button(key="pull_best").click().run()
    assert finished(("pull",)).error is None
