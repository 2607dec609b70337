"""Documents put in and taken out: the first run, uploads of every kind, a broken file, deletion that is proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from rag_app import text

from ..files import docx_file
from .doing import EN_QUESTION, Open, ask, idle, opened, playwright, shoot

FACT = "The blue walrus of Spitsbergen weighs eight hundred and twelve kilograms."
AS_PICTURE, DRAW = text("ui.docs_as_picture", "en"), text("ui.docs_draw", "en")
ABOUT_IT = "How much does the blue walrus of Spitsbergen weigh?"
expect = playwright.expect


def pdf_file(path: Path) -> Path:
    canvas = Canvas(str(path))
    canvas.drawString(72, 700, FACT)
    canvas.save()
    return path


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """A folder with a folder in it."""
    folder = tmp_path / "papers"
    (folder / "inner").mkdir(parents=True)
    (folder / "kettle.md").write_text("# Kettles\n\nA kettle boils at a hundred degrees.", encoding="utf-8")
    (folder / "inner" / "harbour.txt").write_text("The harbour froze in 1929.", encoding="utf-8")
    return folder


def test_first_run_to_a_cited_answer(visit: Open, address: str) -> None:
    page = visit(f"{address}/?kb=new")
    page.get_by_role("button", name="Use the sample documents").click()  # one
    suggestions = page.locator(".st-key-suggested button")
    suggestions.first.wait_for()
    expect(suggestions).to_have_count(4)
    answer = ask(page, EN_QUESTION)  # two
    expect(answer).to_contain_text("6 December 2024")
    answer.locator("[class*=st-key-cite_] button").first.click()  # three
    opened(page).locator("img").wait_for()


def test_files_and_folders_are_uploaded_a_broken_one_says_why_and_what_was_deleted_is_not_found(
    visit: Open, address: str, tmp_path: Path, papers: Path
) -> None:
    page = visit(f"{address}/documents?kb=uploads", height=1100)
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nand then nothing")
    page.locator("input[type=file]").set_input_files(
        [pdf_file(tmp_path / "walrus.pdf"), docx_file(tmp_path / "letter.docx"), broken]
    )
    report = page.locator(".st-key-reading_done")
    report.wait_for()
    error = report.get_by_test_id("stAlert").filter(has_text="broken.pdf")
    expect(error).to_be_visible()
    said = error.inner_text().split("broken.pdf", 1)[1].strip()
    assert len(said.split()) > 5, said  # why, and what to do
    shoot(page, "uploaded-en")
    report.get_by_role("button").first.click()
    report.wait_for(state="detached")
    idle(page)
    page.get_by_text("Folder", exact=True).click()
    page.locator("input[type=file][webkitdirectory]").set_input_files(papers)
    for name in ("walrus.pdf", "letter.docx", "kettle.md", "harbour.txt"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(report).to_contain_text("Read: 2, unchanged: 0")  # each file of the folder once
    page.wait_for_timeout(4000)  # the end of a reading draws the page anew, which closes a preview
    expect(report).to_contain_text("Read: 2, unchanged: 0")
    idle(page)
    page.get_by_role("button", name="walrus.pdf").click()
    preview = page.get_by_role("dialog")
    expect(preview).to_contain_text(FACT)
    idle(page)  # a click while the page is drawn anew may be lost
    preview.get_by_role("tab", name=AS_PICTURE).click()
    preview.get_by_text(DRAW, exact=True).click()
    picture = preview.locator("img")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    shoot(page, "preview-en")
    page.keyboard.press("Escape")
    preview.wait_for(state="detached")
    page.get_by_test_id("stSidebarNavLink").first.click()
    expect(ask(page, ABOUT_IT)).to_contain_text("eight hundred and twelve")
    page.get_by_test_id("stSidebarNavLink").nth(1).click()
    row = page.locator("[class*=st-key-file_row_]").filter(has_text="walrus.pdf")
    row.get_by_role("button", name="More").click()
    page.get_by_test_id("stMenuButtonItem").filter(has_text="Remove").or_(
        page.get_by_role("menuitem", name="Remove")
    ).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove and prove it").click()
    expect(page.locator("[class*=st-key-erased_]")).to_contain_text("Removed from uploads: 1 file")
    shoot(page, "removed-en")
    expect(page.get_by_role("button", name="walrus.pdf")).to_have_count(0)
    page.get_by_test_id("stSidebarNavLink").first.click()
    idle(page)
    again = ask(page, ABOUT_IT)
    expect(again).to_contain_text("I found nothing about this in your documents.")
