"""The documents page without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from rag_app import RagApp, text
from ui.file_list import size
from ui.jobs import jobs

from .conftest import SAMPLES
from .files import encrypted_pdf
from .test_ui import HOSTILE, HOSTILE_NAME, PATIENCE, unescaped

_PAGE = """
import streamlit as st
from ui.pages import documents
from ui.shared import choose_language, show_error
from rag_app import UserError
choose_language()
try:
    documents.page()
except UserError as failure:
    show_error(failure)
"""


@pytest.fixture(autouse=True)
def fresh_app() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page over an empty data folder, not yet run."""
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _: "en-US"))
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    return AppTest.from_string(_PAGE, default_timeout=PATIENCE)


def shown(page: AppTest) -> str:
    parts: list[Any] = [page.title, page.markdown, page.caption, page.info, page.error, page.warning, page.success]
    texts = [str(one.value) for part in parts for one in part]
    return unescaped("\n".join([*texts, *(button.label for button in page.button)]))


def run(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception, page.exception[0].value
    return page


def until(page: AppTest, done: Callable[[], bool]) -> AppTest:
    """The page, drawn anew until its jobs are done."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, shown(page)
        time.sleep(0.2)
        run(page)
    return page


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files])
    run(page)
    return until(page, lambda: any(button.key == "put_away" for button in page.button))


def label(page: AppTest, name: str) -> str:
    """The key of a file's row."""
    return next(
        str(one.key) for one in page.button if str(one.key).startswith("open_") and unescaped(one.label) == name
    )


def button(page: AppTest, key: str) -> Any:
    return next(one for one in page.button if one.key == key)


def labelled(page: AppTest, key: str) -> Any:
    """A button by its text."""
    return next(one for one in page.button if one.label == text(key, "en"))


def test_an_empty_knowledge_base_asks_for_documents(page: AppTest) -> None:
    run(page)
    assert text("ui.docs_empty", "en") in shown(page)
    assert page.file_uploader[0].accept_multiple_files
    page.segmented_control(key="add_way").set_value("folder")
    assert run(page).file_uploader[0].accept_directory
    page.segmented_control(key="language").set_value("zh")
    assert "这里还没有文档" in shown(run(page))


def test_files_are_uploaded_read_looked_into_and_removed_with_proof(page: AppTest, tmp_path: Path) -> None:
    run(page)
    pdf = next(SAMPLES.glob("*.pdf"))
    docx = next(SAMPLES.glob("*.docx"))
    upload(
        page,
        (pdf.name, pdf.read_bytes()),
        (f"../../{docx.name}", docx.read_bytes()),
        ("broken.docx", b"PK\x03\x04 not really"),
        ("program.exe", b"MZ"),
        ("papers/.hidden.txt", b"hidden"),
    )
    said = shown(page)
    assert "Read: 2, unchanged: 0, refused: 1." in said
    assert "program.exe" in said
    assert "Files of type .exe can't be read" in said
    assert said.count("is damaged or not a DOCX file") == 2  # in the report, and beside the file
    assert ".hidden" not in said
    uploads = tmp_path / "data" / "uploads"
    assert {one.name for one in uploads.rglob("*.*")} == {pdf.name, docx.name, "broken.docx"}

    button(page, label(page, pdf.name)).click()
    preview = shown(run(page))
    assert "Chunk 1" in preview
    assert "Page 1" in preview

    tick = label(page, docx.name).removeprefix("open_")
    page.checkbox(key=tick).check()
    run(page)
    button(page, "docs_remove_ticked").click()
    run(page)
    button(page, "docs_remove_do").click()
    run(page)
    until(page, lambda: bool(page.success))
    assert "none is left" in shown(page)
    assert {one.name for one in uploads.rglob("*.*")} == {pdf.name, "broken.docx"}


def test_a_folder_is_kept_in_step_and_a_password_opens_a_file(page: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    encrypted_pdf(SAMPLES / "llama3-on-your-pc.pdf", folder / "a [locked].pdf", user="secret")
    (folder / "b.txt").write_text("The harbour was rebuilt in 1962.", encoding="utf-8")
    run(page).segmented_control(key="add_way").set_value("path")
    run(page)
    page.text_input(key="add_path").set_value(f'"{folder}"')
    page.toggle(key="add_in_step").set_value(True)
    labelled(page, "ui.add_read").click()
    run(page)
    until(page, lambda: any(one.key == "add_password" for one in page.text_input))
    assert "Read: 1, unchanged: 0, refused: 1." in shown(page)
    for password, left in (("wrong", True), ("secret", False)):
        page.text_input(key="add_password").set_value(password)
        labelled(page, "ui.add_unlock").click()
        run(page)
        until(page, lambda: any(one.key == "put_away" for one in page.button))
        assert any(one.key == "add_password" for one in page.text_input) == left
    (folder / "b.txt").unlink()
    button(page, "update_0").click()
    run(page)
    until(page, lambda: any(one.key == "put_away" for one in page.button))
    assert "removed: 1" in shown(page)
    button(page, "leave_0").click()
    assert not any(str(one.key).startswith("update_") for one in run(page).button)


def test_knowledge_bases_are_made_renamed_and_deleted_with_proof(page: AppTest) -> None:
    run(page)
    upload(page, ("bees.txt", b"Bees dance to tell the others where the flowers are."))
    for action, key, name in (("create", "kb_new_name", "work"), ("rename", "kb_other_name", "工作")):
        page.get("menu_button")[0].set_value(action)
        run(page)
        page.text_input(key=key).set_value(name)
        button(page, f"kb_{action}_do").click()
        run(page)
        assert page.selectbox(key="kb").value == name
    page.selectbox(key="kb").set_value("default")
    run(page).get("menu_button")[0].set_value("delete")
    run(page)
    button(page, "kb_delete_do").click()
    run(page)
    until(page, lambda: bool(page.success))
    assert "none is left" in shown(page)
    assert page.selectbox(key="kb").value == "工作"


def test_hostile_names_and_texts_stay_text(page: AppTest) -> None:
    run(page)
    upload(page, (HOSTILE_NAME, "\n\n".join(HOSTILE).encode()))
    key = next(str(one.key) for one in page.button if str(one.key).startswith("open_"))
    page.get("menu_button")
    button(page, key).click()
    run(page)
    for markdown in [one.value for one in page.markdown]:
        assert "<script" not in markdown.replace("\\<", "")
        assert "](http" not in markdown
    joined = shown(page)
    for hostile in HOSTILE[:4]:
        assert hostile.split()[0] in joined


def test_many_files_are_drawn_a_page_at_a_time(page: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(45):
        (folder / f"note {number:02}.txt").write_text(f"Number {number} is about topic {number * 7}.")
    with RagApp.open() as app:
        app.ingest(folder)
        app.tag(folder / "note 07.txt", add=["seven"])
    run(page)
    rows = [one for one in page.button if str(one.key).startswith("open_")]
    assert len(rows) == 20
    page.get("pagination")[0].set_value(3)
    assert len([one for one in run(page).button if str(one.key).startswith("open_")]) == 5
    page.text_input(key="docs_search").set_value("note 07")
    run(page)
    assert [unescaped(one.label) for one in page.button if str(one.key).startswith("open_")] == ["note 07.txt"]
    assert "Files: 1" in shown(page)
    assert "seven" in shown(page)


def test_sizes() -> None:
    assert [size(one) for one in (0, 999, 1500, 12_345_678)] == ["0\xa0B", "999\xa0B", "2\xa0KB", "12.3\xa0MB"]


def test_a_followed_folder_is_read_when_something_changes_and_a_reload_finds_it_followed(
    page: AppTest, tmp_path: Path
) -> None:
    folder = tmp_path / "followed"
    folder.mkdir()
    (folder / "first.txt").write_text("The mill grinds barley.", encoding="utf-8")
    with RagApp.open(answers="quotes") as app:
        app.sync(folder)
    run(page)
    (toggle,) = [one for one in page.toggle if str(one.key).startswith("follow_")]
    toggle.set_value(True)
    run(page)
    (folder / "second.txt").write_text("The harbour froze in 1929.", encoding="utf-8")
    other = AppTest.from_string(_PAGE, default_timeout=PATIENCE)
    until(other, lambda: "second.txt" in shown(other))
    (toggle,) = [one for one in other.toggle if str(one.key).startswith("follow_")]
    assert toggle.value
    (folder / "first.txt").unlink()
    until(other, lambda: "first.txt" not in [button.label.replace("\\", "") for button in other.button])
    (toggle,) = [one for one in other.toggle if str(one.key).startswith("follow_")]
    toggle.set_value(False)
    run(other)
    assert jobs().running("follow") == []
