"""A model fetched from Ollama's library, its progress in front of one's eyes."""

from __future__ import annotations

from dataclasses import replace

from ..pulls import WEIGHTS, pulled
from ..replay import Replay
from .doing import Open, idle, playwright, shoot


def test_a_model_is_pulled(visit: Open, with_model: str, ollama: Replay) -> None:
    download = pulled(WEIGHTS // 4, WEIGHTS // 2, WEIGHTS)
    ollama.play(
        {"/api/pull": replace(download, chunks=tuple((1.0 * n, line) for n, (_, line) in enumerate(download.chunks)))}
    )
    page = visit(f"{with_model}/models")
    page.get_by_placeholder("llama3.1:8b").fill("llama3.1:8b")
    page.get_by_role("button", name="Fetch", exact=True).click()
    bar = page.get_by_test_id("stProgress")
    playwright.expect(bar).to_contain_text("1.0 GB of 2.0 GB")
    shoot(page, "pulling-en")
    playwright.expect(page.get_by_text("llama3.1:8b is there")).to_be_visible()
    idle(page)
    assert [request.body["model"] for request in ollama.requests if request.path == "/api/pull"] == ["llama3.1:8b"]
