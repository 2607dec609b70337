"""The chat page: answers in jobs, stored conversations, sources beside the answer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rag_app import Conversation, RagApp, text
from ui.jobs import jobs
from ui.markup import plain

from .conftest import SAMPLES
from .replay import Replay
from .test_ui import PATIENCE, QUESTION, SCRIPT, browser, fresh_app, page, say, settle, shown

__all__ = ["browser", "fresh_app", "page"]  # fixtures

UNANSWERABLE = "Who won the football world cup in 1998?"


def conversation(page: AppTest) -> Conversation:
    """The one that the page's address names."""
    return RagApp.open().conversation(int(page.query_params["c"][0]))


def answer_id(page: AppTest, place: int = -1) -> int:
    return [one.id for one in conversation(page).messages if one.role == "assistant"][place]


def again(page: AppTest, **address: str) -> AppTest:
    """Another tab, at that address."""
    other = AppTest.from_string(SCRIPT, default_timeout=PATIENCE)
    for name, value in address.items():
        other.query_params[name] = value
    other.run()
    assert not other.exception
    return other


def test_answer_with_chips_and_sources(page: AppTest) -> None:
    say(page.run(), QUESTION)
    assert not page.title
    assert [message.avatar for message in page.chat_message] == [":material/person:", ":material/auto_stories:"]
    answer = page.chat_message[1]
    assert re.search(r":primary-badge\[1\]", answer.markdown[0].value)
    labels = [button.label for button in answer.button if str(button.key).startswith("cite_")]
    assert any("llama3" in label and "p\\. 4" in label for label in labels)
    assert "Quoted word for word" in answer.caption[-1].value


def test_source_of_a_pdf_is_its_page(page: AppTest) -> None:
    say(page.run(), QUESTION)
    key = answer_id(page)
    assert not page.image
    page.button(key=f"cite_{key}_1").click().run()
    assert not page.exception
    assert len(page.image) == 1
    assert "4 / 14" in shown(page)
    page.button(key=f"page_after_{key}").click().run()
    assert "5 / 14" in shown(page)
    page.button(key=f"close_{key}").click().run()
    assert not page.image


def test_source_of_another_format_is_its_text_with_the_quote_marked(page: AppTest) -> None:
    say(page.run(), "What is an embedding?")
    key = answer_id(page)
    kept = conversation(page).messages[-1].answer
    assert kept is not None
    number = next(one.number for one in kept.citations if one.path.suffix != ".pdf")
    page.button(key=f"cite_{key}_{number}").click().run()
    assert any(":yellow-background[" in part.value for part in page.markdown)


def test_source_whose_file_is_gone_or_changed_is_said(
    browser: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    file = tmp_path / "llama3-on-your-pc.pdf"
    shutil.copy(SAMPLES / file.name, file)
    with RagApp.open() as app:
        assert app.ingest(file).ok
    page = say(AppTest.from_string(SCRIPT, default_timeout=PATIENCE).run(), QUESTION)
    key = answer_id(page)
    page.button(key=f"cite_{key}_1").click().run()
    assert page.image
    with file.open("ab") as end:
        end.write(b"%")
    page.run()
    assert not page.image
    assert "has changed since it was read" in shown(page)
    assert any(":yellow-background[" in part.value for part in page.markdown)
    file.unlink()
    page.run()
    assert "no longer where it was" in shown(page)


def test_suggestions_come_from_the_documents_and_are_asked(page: AppTest) -> None:
    page.run()
    suggested = RagApp.open().suggested_questions(count=4, language="en")
    assert len(set(suggested)) == 4
    assert [page.button(key=f"suggestion_{place}").label for place in range(4)] == list(map(plain, suggested))
    page.button(key="suggestion_0").click().run()
    settle(page)
    assert page.chat_message[0].markdown[0].value == plain(suggested[0])


def test_refusal(page: AppTest) -> None:
    say(page.run(), UNANSWERABLE)
    answer = page.chat_message[1]
    assert answer.markdown[0].value == plain(text("answer.not_found", "en"))
    assert not [button for button in answer.button if str(button.key).startswith("cite_")]
    assert answer.caption[0].value.startswith(plain(text("ui.not_found", "en")))
    assert "Nearest to the question" in answer.caption[0].value


def test_a_reload_and_a_second_tab_lose_nothing(page: AppTest) -> None:
    say(page.run(), QUESTION)
    other = again(page, c=page.query_params["c"][0])
    assert len(other.chat_message) == 2
    say(other, "How much memory does it need?")
    assert "Searched for: How much memory does it (Llama 3.3 70B) need?" in shown(other)
    page.run()
    assert len(page.chat_message) == 4


def test_a_running_answer_goes_on_is_seen_elsewhere_and_can_be_stopped(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}, pace=1000) as server:
        monkeypatch.setenv("RAG_ANSWERS", "auto")
        monkeypatch.setenv("RAG_OLLAMA_URL", server.url)
        monkeypatch.setenv("RAG_MODEL", "smollm2:135m")
        page.run().chat_input[0].set_value(QUESTION).run()
        assert page.chat_input[0].disabled
        assert [job.key for job in jobs().running("answer")] == [("answer", conversation(page).id)]
        other = again(page, c=page.query_params["c"][0])
        assert other.status[0].state == "running"
        other.button(key="stop").click().run()
        settle(other)
        assert not other.chat_input[0].disabled
        assert conversation(other).messages[-1].state == "stopped"
        assert "Stopped before" in shown(other)
        st.cache_resource.clear()


def test_again_edit_and_branches(page: AppTest) -> None:
    say(page.run(), QUESTION)
    first = answer_id(page)
    page.button(key=f"again_{first}").click().run()
    settle(page)
    second = answer_id(page)
    assert second != first
    assert "2 / 2" in shown(page)
    page.button(key=f"branch_before_{second}").click().run()
    assert answer_id(page) == first
    say(page, UNANSWERABLE)
    question = conversation(page).messages[2].id
    page.button(key=f"edit_{question}").click().run()
    assert page.text_area(key=f"edit_text_{question}").value == UNANSWERABLE
    edited = conversation(page).edit(question, "What is an embedding?")  # the dialog's form needs a browser
    assert edited.answer.citations
    page.run()
    assert page.chat_message[2].markdown[0].value == plain("What is an embedding?")
    assert len(conversation(page).all_messages) == 7
    page.button(key=f"branch_{first}").click().run()
    assert len(page.chat_message) == 2


def test_rating_is_stored(page: AppTest) -> None:
    say(page.run(), QUESTION)
    key = answer_id(page)
    for value, rating in ((1, 1), (0, -1), (None, None)):
        page.feedback(key=f"rating_{key}").set_value(value).run()
        assert conversation(page).messages[-1].rating == rating


def test_copy_has_the_references(page: AppTest) -> None:
    say(page.run(), QUESTION)
    copied = page.code[0].value
    assert "[1] llama3-on-your-pc.pdf, p. 4: “" in copied
    assert "llama3.3:70b | 6 December 2024" in copied.partition("[1] llama3-on-your-pc.pdf")[0]


def test_conversations_are_found_renamed_and_deleted(page: AppTest) -> None:
    say(page.run(), QUESTION)
    one = conversation(page).id
    page.button(key="new_chat").click().run()
    assert not page.chat_message
    assert page.title
    say(page, UNANSWERABLE)
    other = conversation(page).id
    page.text_input(key="search_chats").set_value("football").run()
    assert keys(page) == [f"chat_{other}"]
    page.text_input(key="search_chats").set_value("").run()
    page.button(key=f"chat_{one}").click().run()
    assert page.chat_message[0].markdown[0].value == plain(QUESTION)
    RagApp.open().conversation(one).rename("Llamas")
    page.run()
    assert "Llamas" in [button.label for button in page.button]
    RagApp.open().conversation(one).delete()
    page.run()
    assert keys(page) == [f"chat_{other}"]
    assert not page.chat_message


def keys(page: AppTest) -> list[str]:
    """Of the listed conversations."""
    return [str(button.key) for button in page.button if re.fullmatch(r"chat_\d+", str(button.key))]


def test_knowledge_bases_have_conversations_of_their_own(page: AppTest) -> None:
    with RagApp.open() as app:
        app.create_knowledge_base("other one")
    say(page.run(), QUESTION)
    first = page.query_params["c"]
    page.selectbox(key="kb").set_value("other one").run()
    assert not page.chat_message
    say(page, QUESTION)
    assert "is still empty" in page.chat_message[1].markdown[0].value
    page.selectbox(key="kb").set_value("default").run()
    assert page.query_params["c"] == first
    alone = again(page, c=str(RagApp.open().conversations(kb="other one")[0].id))
    assert alone.selectbox(key="kb").value == "other one"


def test_an_empty_knowledge_base_takes_the_samples(
    page: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "nothing yet"))
    settle(page.run())
    assert text("ui.first_steps", "en") in shown(page)
    assert "embedding" not in shown(page)
    page.button(key="samples").click().run()
    for job in jobs().running("ingest"):
        assert job.wait(PATIENCE)
    settle(page)
    assert len([button for button in page.button if str(button.key).startswith("suggestion_")]) == 4


def test_the_doctor_is_heard_without_ollama(page: AppTest) -> None:
    settle(page.run())
    assert text("ui.first_doctor", "en") in shown(page)
    assert "127.0.0.1:9" in shown(page)


def test_source_of_a_sheet_is_its_rows(
    browser: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    file = tmp_path / "harbours.csv"
    file.write_text("Harbour,Opened,Cranes\nGdynia,1926,12\nTrieste,1719,*9*\nBergen,1070,3\n", encoding="utf-8")
    with RagApp.open() as app:
        assert app.ingest(file).ok
    page = say(AppTest.from_string(SCRIPT, default_timeout=PATIENCE).run(), "When was the harbour of Trieste opened?")
    page.button(key=f"cite_{answer_id(page)}_1").click().run()
    assert not page.exception
    rows = page.table[0].value
    assert list(rows.columns) == ["", "Harbour", "Opened", "Cranes"]
    assert ":yellow-background[Trieste]" in list(rows["Harbour"])
    assert "Bergen" in " ".join(rows["Harbour"])
    assert not re.search(r"(?<!\\)\*9", " ".join(rows["Cranes"]))
