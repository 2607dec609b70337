"""Answers that a model takes its time to write: stopped, asked again, gone on with, watched from elsewhere."""

from __future__ import annotations

import pytest

from .conftest import Ollama
from .doing import EN_QUESTION, Open, ask, idle, playwright, send, shoot

SLOWLY = "Llama 3.3 70B was released on 6 December 2024 [1]. " + "It is said once more, word for word. " * 5
expect = playwright.expect


@pytest.fixture(autouse=True)
def writes_slowly(ollama: Ollama) -> None:
    """A sentence, then so many others that there is time to do something."""
    ollama.writes(SLOWLY, every=0.25)


def test_an_answer_is_stopped_and_asked_again_and_gone_on_with(visit: Open, with_model: str, ollama: Ollama) -> None:
    page = visit(with_model)
    answer = send(page, EN_QUESTION)
    expect(answer).to_contain_text("6 December")
    shoot(page, "writing-en")
    page.get_by_role("button", name="Stop").click()
    expect(answer).to_contain_text("The answer is not complete.")
    expect(answer.locator(".stMarkdownBadge").first).to_have_text("1")
    ollama.writes("Llama 3.3 70B was released on 6 December 2024 [1].")
    idle(page)
    answer.locator("[class*=st-key-again_] button").first.click()  # the other is for phones, and hidden
    again = page.get_by_test_id("stChatMessage").nth(1)
    expect(again).to_contain_text("2 / 2")
    expect(again).not_to_contain_text("not complete")
    expect(again).to_contain_text("Answered by")
    idle(page)
    follow_up = ask(page, "How much memory does it need?")
    expect(follow_up).to_contain_text("6 December")  # it is all this model says
    understood = "How much memory does it (Llama 3.3 70B) need?"
    expect(page.get_by_test_id("stChatMessage").nth(2)).to_contain_text(understood)
    assert understood in ollama.chats[-1]["messages"][-1]["content"]


def test_a_reload_and_a_second_tab_find_the_answer_still_being_written(visit: Open, with_model: str) -> None:
    page = visit(with_model)
    answer = send(page, EN_QUESTION)
    expect(answer).to_contain_text("6 December")
    other = page.context.new_page()
    other.goto(page.url)
    page.reload()
    for tab in (page, other):
        shown = tab.get_by_test_id("stChatMessage").nth(1)
        expect(tab.get_by_role("button", name="Stop")).to_be_visible()
        expect(shown).to_contain_text("6 December")
    for tab in (page, other):
        shown = tab.get_by_test_id("stChatMessage").nth(1)
        expect(shown.locator("[class*=st-key-cite_]").first).to_be_visible()
        expect(tab.get_by_test_id("stChatMessage")).to_have_count(2)
        expect(shown).to_contain_text("Answered by")
