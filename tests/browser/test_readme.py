"""README's two pictures: a cited answer, its source beside it. ``python -m tests.browser.publish`` puts them there."""

from __future__ import annotations

import pytest

from .doing import Open, ask, opened, shoot


@pytest.mark.parametrize(
    ("locale", "question", "said", "shot"),
    [
        ("en-US", "How long does a model stay in memory after the last question?", "for 5 minutes", "readme-en"),
        ("zh-CN", "下载中断了怎么办？", "断点续传", "readme-zh"),
    ],
)
def test_pictures_of_readme(visit: Open, address: str, locale: str, question: str, said: str, shot: str) -> None:
    page = visit(address, locale, height=860)
    answer = ask(page, question)
    assert said in answer.inner_text()
    answer.locator("[class*=st-key-cite_] button").first.click()
    opened(page).locator("img").wait_for()
    page.mouse.move(0, 0)
    shoot(page, shot)
