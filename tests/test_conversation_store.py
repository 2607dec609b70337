"""Conversations on the disk: searched, deleted byte by byte, written by several processes, killed in the middle."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.messages import message
from rag_app import Answer, Citation, ConversationMessage, Passage, RagApp
from rag_app.catalog.schema import VERSION
from rag_app.chat import conversation_stream
from rag_app.errors import NotErased, UnknownConversation
from rag_app.plain import plain, restored

from .test_app import write
from .test_erasure import MISSPELT, SECRET, holding, words


def said(app: RagApp, identifier: int) -> list[tuple[str, str, str]]:
    return [(one.role, one.state, one.text) for one in app.conversation(identifier).messages]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_conversations_are_found_by_their_words(app: RagApp, tmp_path: Path, language: str) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey in summer.", rent="租金每月三千元，押金一个月。"))
    bees, rent = app.conversation(), app.conversation()
    bees.ask("What do bees make?")
    rent.ask("租金是多少？")
    wanted, words, other = (bees, "honey BEE", "honey 租金") if language == "en" else (rent, "三千 押金", "三千 honey")
    (found,) = app.conversations(search=words)
    assert found.id == wanted.id
    assert any(word in found.found for word in ("bees", "honey", "押金", "三千", "租金"))
    assert app.conversations(search=other) == []
    wanted.rename("Winter stores 冬天的储备")
    assert [one.id for one in app.conversations(search="winter 储备")] == [wanted.id]


def test_the_latest_comes_first_and_an_empty_one_not_at_all(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey."))
    app.create_knowledge_base("合同")
    first, second = app.conversation(), app.conversation(kb=["default", "合同"])
    app.conversation()
    first.ask("What do bees make?")
    second.ask("Who makes honey?")
    assert [one.id for one in app.conversations()] == [second.id, first.id]
    first.ask("Who makes honey?")
    assert [one.id for one in app.conversations()] == [first.id, second.id]
    assert [one.id for one in app.conversations(kb="合同")] == [second.id]
    app.rename_knowledge_base("合同", "租约")
    assert second.info.kbs == ("default", "租约")


def test_no_byte_of_a_deleted_conversation_is_left(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey."))
    kept = app.conversation()
    kept.ask("What do bees make?")
    gone = app.conversation()
    gone.ask(f"Bees? {SECRET[:200]}")
    gone.ask(f"{MISSPELT[:100]}是什么？")
    gone.rename("Plans for quetzalcoatl")
    assert words(app.settings.data_dir)
    gone.delete(verify=True)
    assert words(app.settings.data_dir) == []
    assert app.conversations(search="quetzalcoatl") == []
    assert [one.id for one in app.conversations()] == [kept.id]
    with pytest.raises(UnknownConversation, match=str(gone.id)):
        app.conversation(gone.id)


def test_what_is_left_of_a_conversation_is_found(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey."))
    gone = app.conversation()
    gone.ask("Where did Quetzalcoatl hide the seven golden bees of Atlantis?")
    (app.settings.data_dir / "copy.log").write_text(
        "xx Quetzalcoatl hide the seven golden bees of Atl", encoding="utf-8"
    )
    with pytest.raises(NotErased, match=r"copy\.log"):
        gone.delete(verify=True)


@pytest.mark.parametrize("way", ["remove", "sync", "delete the knowledge base"])
def test_a_deleted_document_leaves_its_conversations(app: RagApp, tmp_path: Path, way: str) -> None:
    folder = write(tmp_path / "docs", secret=SECRET, geheim=MISSPELT, other="Bees make honey.")
    app.create_knowledge_base("vault")
    app.sync(folder, kb="vault")
    conversation = app.conversation(kb="vault")
    for question in ("What opens with seven nine?", "口令是什么？", "What do bees make?"):
        assert conversation.ask(question).citations
    assert words(app.settings.data_dir)
    if way == "remove":
        app.remove(folder / "secret.txt", folder / "geheim.txt", kb="vault", verify=True)
    elif way == "sync":
        (folder / "secret.txt").unlink()
        write(folder, geheim="Nothing to see here.")
        app.sync(folder, kb="vault")
    else:
        app.delete_knowledge_base("vault", verify=True)
    assert words(app.settings.data_dir) == []
    answers = [one.answer for one in conversation.messages if one.answer is not None]
    assert [answer.citations[0].document for answer in answers][:2] == ["secret.txt", "geheim.txt"]
    assert [answer.citations[0].quote for answer in answers][:2] == ["", ""]
    assert str(folder / "secret.txt") not in str(plain(conversation.messages))
    assert answers[0].text == "[Deleted together with its document.] [1]"
    assert answers[1].text == "【已随文档删除。】 [1]"
    assert ("honey" in answers[2].text) == (way != "delete the knowledge base")
    assert "[^1]: secret.txt: [Deleted together" in conversation.export()


def test_what_a_new_version_still_says_stays(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", bees="Bees make honey in summer. The queen lays two thousand eggs a day.")
    app.ingest(folder)
    conversation = app.conversation()
    before = conversation.ask("How many eggs does the queen lay?")
    assert "two thousand" in before.citations[0].quote
    (folder / "bees.txt").write_text("Bees sleep. The queen lays two thousand eggs a day.", encoding="utf-8")
    app.ingest(folder)
    answer = conversation.messages[1].answer
    assert answer is not None
    assert "two thousand eggs a day" in answer.citations[0].quote
    assert (answer.text, answer.passages[0].text) == (before.text, answer.citations[0].quote)
    app.remove("bees.txt", verify=True)
    assert holding(app.settings.data_dir, b"thousand eggs a day") == []


def test_two_files_with_the_same_text_keep_the_quote(app: RagApp, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="Bees make honey in summer.", b="Bees make honey in summer.", c="Cats purr.")
    app.ingest(folder)
    conversation = app.conversation()
    conversation.ask("What do bees make?")
    app.remove("a.txt")
    app.remove("c.txt")
    answer = conversation.messages[1].answer
    assert answer is not None
    assert "honey" in answer.citations[0].quote


def test_a_document_is_deleted_while_its_answer_is_written(
    app: RagApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_stream, "_KEEP_SECONDS", 0)
    app.ingest(write(tmp_path / "docs", secret=SECRET, bees="Bees make honey."))
    conversation = app.conversation()
    events = (stream := conversation.stream("What opens with seven nine?")).events()
    assert "quetzalcoatl" in next(event for event in events if isinstance(event, str))
    assert words(app.settings.data_dir)
    app.remove("secret.txt", verify=True)
    assert words(app.settings.data_dir) == []
    assert "quetzalcoatl" in stream.answer.text  # it was on the screen already
    answer = conversation.messages[1]
    assert (answer.state, answer.text) == ("complete", "[Deleted together with its document.] [1]")
    app._store.catalog.database.truncate_log()
    assert words(app.settings.data_dir) == []


ASK = """
import sys
from rag_app import RagApp
with RagApp.open(data_dir=sys.argv[1], answers="quotes") as app:
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[3])):
        app.conversation(int(sys.argv[2])).ask(f"What do bees make, {sys.argv[4]} {number}?")
"""


def test_two_processes_write_into_one_conversation(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey."))
    conversation = app.conversation()
    conversation.ask("What do bees make?")
    command = [sys.executable, "-c", ASK, str(app.settings.data_dir), str(conversation.id), "5"]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
    for writer in writers:
        writer.communicate("\n")
        assert writer.returncode == 0
    found = conversation.all_messages
    assert {one.state for one in found} == {"complete"}
    assert len([one for one in found if one.role == "user"]) == 11
    by_id = {one.id: one for one in found}
    assert all(by_id[one.parent].role == "user" for one in found if one.role == "assistant" and one.parent)
    assert "honey" in conversation.ask("Who makes honey?").text
    assert list((app.settings.data_dir / "answering").iterdir()) == []


KILLED = """
import sys, time
from rag_app import RagApp
from rag_app.chat import conversation_stream
conversation_stream._KEEP_SECONDS = 0
app = RagApp.open(data_dir=sys.argv[1], answers="quotes")
for event in app.conversation(int(sys.argv[2])).stream("What do bees make?").events():
    if isinstance(event, str):
        print(event, flush=True)
        time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_kill_in_the_middle_leaves_half_an_answer(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey."))
    conversation = app.conversation()
    command = [sys.executable, "-c", KILLED, str(app.settings.data_dir), str(conversation.id)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert "honey" in writer.stdout.readline()
    (question, answer) = conversation.messages
    assert (question.text, answer.state) == ("What do bees make?", "running")
    assert "honey" in answer.text
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert said(app, conversation.id)[1][:2] == ("assistant", "stopped")
    assert "honey" in conversation.messages[1].text
    assert "honey" in conversation.regenerate(conversation.messages[1]).answer.text
    assert [one.state for one in conversation.all_messages] == ["complete", "stopped", "complete"]
    app.remove("bees.txt", verify=True)
    assert holding(app.settings.data_dir, b"make honey") == []


def test_a_catalog_without_conversations_is_taken_over(app: RagApp, tmp_path: Path) -> None:
    app.ingest(write(tmp_path / "docs", bees="Bees make honey."))
    app.close()
    with closing(sqlite3.connect(app.settings.data_dir / "catalog.sqlite3")) as database:
        database.executescript(
            "DROP TABLE conversation_words; DROP TABLE message_source; DROP TABLE message; "
            "DROP TABLE conversation_kb; DROP TABLE conversation; PRAGMA user_version = 5"
        )
    with RagApp.open(data_dir=app.settings.data_dir, answers="quotes") as old:
        assert "honey" in old.conversation().ask("What do bees make?").text
        assert old._store.catalog.database.value("PRAGMA user_version") == VERSION


def test_values_come_back_as_they_were() -> None:
    passage = Passage(1, "a.txt", Path("/a.txt"), "A", 1, None, 1, ("x",), 0, 3, "abc", lines=((0, 1), (2, 2)))
    citation = Citation(1, "a.txt", Path("/a.txt"), 1, "i", 1, (), "abc", 0, 3, lines=(1, 2))
    notice = message("cite.ocr", place=message("cite.page", page=3))
    answer = Answer("q", "abc [1]", "m", "zh", False, (citation,), (passage,), notice, 3, None, complete=False)
    said = ConversationMessage(2, 1, "assistant", "stopped", "abc [1]", datetime.now(UTC), answer=answer, rating=-1)
    assert restored(ConversationMessage, plain(said)) == said
    assert restored(Citation, {**plain(citation), "of_a_later_version": 1}) == citation
    with pytest.raises(TypeError):
        restored(Citation, {"number": 1})
