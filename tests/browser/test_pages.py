"""Every page in every look: axe finds nothing serious, nothing sticks out of a phone, and pictures of it to look at."""

from __future__ import annotations

from typing import Any

import pytest

from .doing import EN_QUESTION, Open, ask, fits, idle, opened, playwright, shoot

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

PAGES = ["", "documents", "models", "evaluate", "settings"]
BAD = ("serious", "critical")
NOT_OURS: dict[str, tuple[str, ...]] = {}
"""Rule → what of Streamlit's own it may find, as the beginning of the element's HTML."""


def found(page: playwright.Page) -> list[str]:
    """What axe thinks bad of the page as it stands."""
    results: dict[str, Any] = axe.Axe().run(page).response
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:400]}"
        for rule in results["violations"]
        if rule["impact"] in BAD
        for node in rule["nodes"]
        if not node["html"].startswith(NOT_OURS.get(rule["id"], ("\0",)))
    ]


def drawn(page: playwright.Page) -> None:
    """Wait until all of it is there; background jobs draw parts of it anew."""
    page.get_by_test_id("stMain").locator("h1").or_(page.get_by_test_id("stChatMessage")).first.wait_for()
    idle(page)
    page.wait_for_timeout(1000)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(visit: Open, address: str, dark: bool) -> None:
    look = "dark" if dark else "light"
    page = visit(address, "en-US" if dark else "zh-CN", dark=dark)
    bad = []
    for name in PAGES:
        page.goto(f"{address}/{name}")
        drawn(page)
        bad += [f"{name or 'chat'}: {one}" for one in found(page)]
        shoot(page, f"page-{name or 'chat'}-{look}")
    page.goto(address)
    answer = ask(page, EN_QUESTION)
    answer.locator("[class*=st-key-cite_] button").first.click()
    opened(page).locator("img").wait_for()
    bad += [f"answer: {one}" for one in found(page)]
    shoot(page, f"page-answer-{look}")
    assert bad == [], "\n".join(bad)


def test_a_phone_shows_all_of_every_page(visit: Open, address: str) -> None:
    page = visit(address, width=390, height=844, dark=True)
    for name in PAGES:
        page.goto(f"{address}/{name}")
        drawn(page)
        assert fits(page), name
        shoot(page, f"phone-{name or 'chat'}")
