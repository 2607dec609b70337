"""Conversations as the Python door has them: asked, answered anew, edited, branched, summed up, exported."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from rag_app import Conversation, RagApp, Stage
from rag_app.chat.export import file_name, from_json
from rag_app.cli import main
from rag_app.errors import ConversationError, ModelError, QuestionError, UnknownConversation
from rag_app.protocols import ChatMessage

from .scripted import ScriptedModel, ScriptedStream
from .test_app import write

BEES = {
    "bees": "Bees make honey in summer. The queen of the bees lays two thousand eggs a day.",
    "wasps": "Wasps make paper from wood. The queen of the wasps sleeps through the winter.",
    "rent": "租金每月三千元，在每月五号之前支付。押金是一个月的租金。",
}


@pytest.fixture
def bees(app: RagApp, tmp_path: Path) -> RagApp:
    app.ingest(write(tmp_path / "docs", **BEES))
    return app


def texts(conversation: Conversation) -> list[str]:
    return [one.text for one in conversation.messages]


# Without a model


def test_follow_ups_are_searched_for_as_they_are_meant(bees: RagApp) -> None:
    conversation = bees.conversation()
    conversation.ask("How many eggs does the queen of the bees lay?")
    stream = conversation.stream("And what do they make?")
    assert stream.answer.citations
    assert stream.rewritten == "And what do they (eggs queen bees lay) make?"
    question, answer = conversation.messages[2:]
    assert (question.text, question.rewritten, question.how) == ("And what do they make?", stream.rewritten, "terms")
    assert answer.answer is not None
    assert answer.answer.question == stream.rewritten
    complete = conversation.stream("What do wasps make?")
    assert "paper" in complete.answer.text
    assert (complete.rewritten, conversation.messages[4].how) == ("What do wasps make?", "none")
    conversation.ask("租金是多少？")
    assert "押金是一个月的租金" in conversation.ask("那押金呢？").text
    assert conversation.messages[-2].rewritten == "那押金呢（租金）？"


def test_a_person_says_how_a_question_is_meant(bees: RagApp) -> None:
    conversation = bees.conversation()
    conversation.ask("租金是多少？")
    answer = conversation.ask("什么时候？", rewritten="租金什么时候支付？")
    assert "五号" in answer.text
    question = conversation.messages[2]
    assert (question.text, question.standalone, question.how) == ("什么时候？", "租金什么时候支付？", "person")
    again = conversation.edit(question, question.text, rewritten="押金是多少？")
    assert "押金" in again.answer.text
    assert conversation.messages[2].siblings == (question.id, conversation.messages[2].id)


def test_questions_and_answers_are_a_tree(bees: RagApp) -> None:
    conversation = bees.conversation()
    conversation.ask("What do bees make?")
    conversation.ask("What do wasps make?")
    first = texts(conversation)
    assert (
        "two thousand" in conversation.edit(conversation.messages[2], "How many eggs does the queen lay?").answer.text
    )
    edited = texts(conversation)
    assert edited[:2] == first[:2]
    assert edited[2] == "How many eggs does the queen lay?"
    conversation.select(conversation.messages[2].siblings[0])
    assert texts(conversation) == first
    answer = conversation.messages[1]
    conversation.branch(answer)
    assert texts(conversation) == first[:2]
    conversation.ask("Does the queen of the wasps sleep?")
    assert len(conversation.messages[2].siblings) == 3
    conversation.regenerate(conversation.messages[1]).close()
    assert conversation.messages[1].siblings == (answer.id, conversation.messages[1].id)
    assert conversation.messages[1].state == "stopped"
    assert len(conversation.all_messages) == 9


def test_what_can_not_be_done_is_said(bees: RagApp) -> None:
    conversation = bees.conversation()
    with pytest.raises(QuestionError):
        conversation.ask(" ")
    assert bees.conversations() == []
    conversation.ask("What do bees make?")
    question, answer = conversation.messages
    for wrong in (
        lambda: conversation.edit(answer, "x"),
        lambda: conversation.branch(question),
        lambda: conversation.rate(question, 1),
        lambda: conversation.rename(" "),
        lambda: conversation.rename("x" * 201),
    ):
        with pytest.raises(ConversationError):
            wrong()
    with pytest.raises(UnknownConversation, match="99"):
        conversation.branch(99)
    with pytest.raises(ValueError, match="2"):
        conversation.rate(answer, 2)
    with pytest.raises(UnknownConversation):
        bees.conversation(77)


def test_ratings_titles_and_a_lost_knowledge_base(bees: RagApp, tmp_path: Path) -> None:
    bees.create_knowledge_base("合同")
    bees.ingest(write(tmp_path / "more", rent=BEES["rent"]), kb="合同")
    conversation = bees.conversation(kb="合同")
    conversation.ask("租金\n是多少？" + "请详细说明。" * 20)
    assert conversation.info.title.startswith("租金 是多少？请详细")
    assert len(conversation.info.title) == 60
    conversation.rate(conversation.messages[1], -1, "太短")
    assert (conversation.messages[1].rating, conversation.messages[1].comment) == (-1, "太短")
    conversation.rate(conversation.messages[1].id, None)
    assert conversation.messages[1].rating is None
    assert conversation.rename("  租金 ").title == "租金"
    bees.delete_knowledge_base("合同")
    assert conversation.info.kbs == ()
    assert len(conversation.messages) == 2
    with pytest.raises(ConversationError, match="was deleted"):
        conversation.ask("押金呢？")
    assert len(conversation.messages) == 2


def test_an_error_is_kept_with_its_question(bees: RagApp) -> None:
    conversation = bees.conversation()
    with pytest.raises(QuestionError):
        conversation.ask("What do you see?", images=[b"no image"])
    question, answer = conversation.messages
    assert (question.images, answer.state) == (1, "failed")
    assert answer.error is not None
    assert "image" in answer.error.text()
    with pytest.raises(ConversationError, match="images"):
        conversation.regenerate(answer)


def test_exports_come_back(bees: RagApp) -> None:
    conversation = bees.conversation()
    conversation.ask("What do bees make?")
    conversation.ask("租金是多少？")
    conversation.regenerate(conversation.messages[3]).close()
    conversation.select(conversation.messages[3].siblings[0])
    assert from_json(conversation.export("json")) == (conversation.info, conversation.all_messages)
    markdown = conversation.export()
    references, notes = re.findall(r"\[\^(\d+)\](?!:)", markdown), re.findall(r"^\[\^(\d+)\]:", markdown, re.MULTILINE)
    assert notes == [str(number) for number in range(1, len(notes) + 1)]
    assert set(references) == set(notes)
    assert re.search(r"^\[\^1\]: bees\.txt, .*honey in summer", markdown, re.MULTILINE)
    assert "## 租金是多少？" in markdown
    for damaged in ("", "[]", '{"rag-app conversation": 1}', conversation.export("json").replace(": 1,", ": 2,", 1)):
        with pytest.raises(ConversationError, match="no exported conversation"):
            from_json(damaged)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Where is the log?", "Where-is-the-log.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("日志：在哪里？", "日志：在哪里？.md"),
        ("CON", "conversation-1.md"),
        ("???", "conversation-1.md"),
        ("a\x00b\\c", "a-b-c.md"),
        ("长" * 200, "长" * 60 + ".md"),
    ],
)
def test_file_names_are_safe(bees: RagApp, title: str, name: str) -> None:
    conversation = bees.conversation()
    conversation.rename(title)
    assert file_name(conversation.info, "markdown") == name


# With a model


Says = Callable[[Sequence[ChatMessage]], str]


@pytest.fixture
def with_model(bees: RagApp) -> Iterator[Callable[..., tuple[RagApp, ScriptedModel]]]:
    """Opens the same data folder with a model whose answers the test writes."""
    opened: list[RagApp] = []

    def open_with(
        says: Says, context: int = 8192, kind: type[ScriptedModel] = ScriptedModel
    ) -> tuple[RagApp, ScriptedModel]:
        app = RagApp.open(data_dir=bees.settings.data_dir, answers="gguf", gguf_path="scripted", language="en")
        model = kind(says, context)
        app._store.models._opened["gguf", "scripted"] = model
        opened.append(app)
        return app, model

    yield open_with
    for app in opened:
        app.close()


def asks_for(prompt: Sequence[ChatMessage]) -> str:
    """What a prompt wants: "rewrite", "summarize" or "answer"."""
    last = prompt[-1].text
    if "Next question:" in last or "下一个问题：" in last:
        return "rewrite"
    return "summarize" if last.startswith(("Summarize our", "请用不超过")) else "answer"


def says(prompt: Sequence[ChatMessage]) -> str:
    match asks_for(prompt):
        case "rewrite":
            return json.dumps({"question": "How many eggs does the queen of the bees lay?"})
        case "summarize":
            return "They spoke of bees and honey."
    if "eggs" in prompt[-1].text.rsplit("Question:", 1)[-1]:
        return "The queen of the bees lays two thousand eggs a day [1]."
    return "Bees make honey in summer [1]."


def test_the_model_rewrites_and_reads_the_same_beginning(
    with_model: Callable[..., tuple[RagApp, ScriptedModel]],
) -> None:
    app, model = with_model(says)
    conversation = app.conversation()
    conversation.ask("What do bees make?")
    stream = conversation.stream("And how many eggs does their queen lay?")
    stages = [event for event in stream.events() if isinstance(event, Stage)]
    assert "two thousand" in stream.answer.text
    assert stages
    assert stream.rewritten == "How many eggs does the queen of the bees lay?"
    assert conversation.messages[2].how == "model"
    assert [asks_for(prompt) for prompt in model.asked] == ["answer", "rewrite", "answer"]
    first, rewriting, answering = model.asked
    assert rewriting[:-1] == answering[:-1]  # the server has read it already
    assert answering[0] == first[0]
    assert [one.text for one in answering[1:-1]] == ["What do bees make?", "Bees make honey in summer [1]."]


def test_long_conversations_are_summed_up_in_blocks(with_model: Callable[..., tuple[RagApp, ScriptedModel]]) -> None:
    app, model = with_model(says, 3600)
    conversation = app.conversation()
    notices = []
    for _ in range(14):
        answer = conversation.ask("What do bees make in summer, and in which months of the year is it that they do so?")
        assert "honey" in answer.text
        notices.append(answer.notice.key if answer.notice else "")
    asked = [asks_for(prompt) for prompt in model.asked]
    summaries = asked.count("summarize")
    assert 1 <= summaries <= 4
    assert notices.count("conversation.summarized") == summaries
    assert "answer.turns_left_out" not in notices
    assert conversation.summary == "They spoke of bees and honey."
    answers = [prompt[:-1] for prompt in model.asked if asks_for(prompt) == "answer"]
    grown = sum(later[: len(earlier)] == earlier for earlier, later in pairwise(answers))
    assert grown == len(answers) - 1 - summaries  # each prompt begins as the last did, but where a summary grew
    summing = [prompt for prompt in model.asked if asks_for(prompt) == "summarize"]
    if summaries > 1:  # extended, not redone
        assert "They spoke of bees and honey." in summing[-1][1].text
    assert "They spoke of bees" in answers[-1][1].text


class Failing(ScriptedModel):
    """Breaks off after the first word."""

    def stream(self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: object = None) -> ScriptedStream:
        def said() -> Iterator[object]:
            yield from [next(iter(self._said(tuple(messages), answer_tokens)))]
            raise ModelError("ollama.no_model", model=self.name)

        return ScriptedStream(said())  # type: ignore[arg-type]


def test_half_an_answer_is_kept_and_told_to_no_model(with_model: Callable[..., tuple[RagApp, ScriptedModel]]) -> None:
    app, _ = with_model(says, kind=Failing)
    conversation = app.conversation()
    conversation.ask("What do bees make?")
    assert conversation.messages[1].state == "stopped"
    app, model = with_model(says)
    app.conversation(conversation.id).ask("Who makes paper from wood?")
    assert len(model.asked[-1]) == 2  # instructions and question


def test_an_answer_is_stopped_from_another_thread(with_model: Callable[..., tuple[RagApp, ScriptedModel]]) -> None:
    app, _ = with_model(says)
    conversation = app.conversation()
    stream = conversation.stream("What do bees make?")
    for event in stream.events():
        if isinstance(event, str):
            other = threading.Thread(target=stream.cancel)
            other.start()
            other.join()
    assert not stream.answer.complete
    assert conversation.messages[1].state == "stopped"
    assert conversation.messages[1].text == stream.answer.text


def test_it_is_stopped_before_it_began(bees: RagApp) -> None:
    conversation = bees.conversation()
    stream = conversation.stream("What do bees make?")
    assert conversation.messages[1].state == "running"
    stream.close()
    assert (conversation.messages[1].state, stream.answer.complete) == ("stopped", False)


def test_quotes_ask_no_model(with_model: Callable[..., tuple[RagApp, ScriptedModel]], bees: RagApp) -> None:
    _, model = with_model(says)
    bees._store.models._opened["ollama", "llama3"] = model
    conversation = bees.conversation()
    conversation.ask("How many eggs does the queen of the bees lay?")
    conversation.ask("And what do they make?")
    assert model.asked == []


# The command line


def test_the_command_line(
    bees: RagApp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAG_ANSWERS", "quotes")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, typed: Sequence[str] = ()) -> tuple[str, str]:
        lines = iter(typed)
        monkeypatch.setattr("builtins.input", lambda _: next(lines, "/exit"))
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        out, err = capsys.readouterr()
        assert bool(end.value.code) == ("Error:" in err), err
        return out, err

    assert "no conversation 1" in run("conversations", "show", "1")[1]
    chat = [
        "How many eggs does the queen of the bees lay?",
        "And what do they make?",
        "/as What do wasps make?",
        "/retry",
    ]
    out, err = run("chat", typed=chat)
    assert "Understood as: And what do they (eggs queen bees lay) make?" in err
    assert "Wasps make paper" in out
    out, err = run("chat", "--continue", typed=["/edit What do bees make?", "/help"])
    assert "> And what do they make?" in out
    assert "/retry" in err
    assert "Bees make honey" in out
    (found,) = json.loads(run("conversations", "list", "--json")[0])["conversations"]
    assert found["messages"] == 9
    assert "How many eggs does the queen" in run("conversations", "search", "honey", "queen")[0]
    assert json.loads(run("conversations", "search", "zebra", "--json")[0]) == {"conversations": []}
    number = str(found["id"])
    assert "bees.txt" in run("conversations", "show", number)[0]
    assert len(json.loads(run("conversations", "show", number, "--json")[0])["messages"]) == 4
    assert "Eggs" in run("conversations", "rename", number, "Eggs: how many?")[0]
    monkeypatch.chdir(tmp_path)
    assert "Eggs-how-many.md" in run("conversations", "export", number)[0]
    assert "Eggs-how-many-2.md" in run("conversations", "export", number)[0]
    run("conversations", "export", number, "all.json", "--format", "json")
    assert len(from_json((tmp_path / "all.json").read_text(encoding="utf-8"))[1]) == 9
    assert "[^1]:" in (tmp_path / "Eggs-how-many.md").read_text(encoding="utf-8")
    assert "Eggs: how many?" in run("conversations", "delete", number, "--yes", "--verify")[0]
    assert bees.conversations() == []
