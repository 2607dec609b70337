"""The chat over the sample documents, answered with quotes: both languages, sources, phone and dark."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urljoin

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageFilter

from rag_app import RagApp

from .doing import EN_QUESTION, ZH_QUESTION, Open, ask, beside, fits, idle, opened, playwright, shoot


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


def only_the_quote_is_marked(samples: RagApp, shown: Image.Image) -> None:
    """Inside its rectangles the paper has another colour than on the bare page; elsewhere it is the bare page."""
    citation = samples.ask(ZH_QUESTION).citations[0]
    rectangles = samples.locate(citation)
    assert rectangles
    with pypdfium2.PdfDocument(citation.path) as document:
        drawn = document[rectangles[0].page - 1]
        scale = shown.width / drawn.get_width()
        bare = drawn.render(scale=scale).to_pil().convert("RGB").resize(shown.size)
    marked, plain = np.asarray(shown, np.int16), np.asarray(bare, np.int16)
    inside = np.zeros(marked.shape[:2], bool)
    for one in rectangles:
        rows = slice(int(one.top * shown.height), int(one.bottom * shown.height) + 1)
        inside[rows, int(one.left * shown.width) : int(one.right * shown.width) + 1] = True
    paper = (plain > 225).all(axis=2)
    differs = np.abs(marked - plain).max(axis=2) > 40
    near = ImageFilter.MaxFilter(9)  # a mark may stand out a little
    around = np.asarray(Image.fromarray(inside.astype(np.uint8) * 255).filter(near)) > 0
    assert differs[inside & paper].mean() > 0.9
    assert differs[paper & ~around].mean() < 0.01


def test_chinese_question_and_its_citation(visit: Open, address: str, samples: RagApp) -> None:
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
    src = picture.get_attribute("src")
    shown = Image.open(BytesIO(page.request.get(urljoin(page.url, src)).body())).convert("RGB")
    only_the_quote_is_marked(samples, shown)
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
