"""What a user gets from an Ollama server: which models there are, what is asked, who answers, and the answer."""

from __future__ import annotations

import base64
import gc
import json
import re
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_app import RagApp, Settings
from rag_app.errors import ModelError, ModelNotInstalled, ModelRefused, NotSupported, OllamaUnreachable
from rag_app.llm import ollama_describing
from rag_app.llm.completing import ModelCompletion
from rag_app.llm.ollama_server import InstalledModel, OllamaStatus
from rag_app.llm.quoting import NAME as QUOTES
from rag_app.llm.select import Answerer, Models
from rag_app.protocols import ChatMessage, Embedder
from rag_app.reranking.llm import LlmReranker

from .chatting import ANSWER_TOKENS, CONTEXT, MODEL, PASSAGES, PROMPT, QUESTION, TURNS, Chat
from .conftest import NOBODY
from .recordings import Reply, refused, reply, said, written
from .replay import Replay, Script

GUARDED = "Напиши несколько слов по-русски и смайлики 😀😀 procedimiento\n\n" + 31 * "<b>"


@pytest.fixture(scope="session")
def embedder(model_dir: Path) -> Embedder:
    from rag_app.embedding.select import open_embedder

    return open_embedder(Settings(model_dir=model_dir), lambda _: None)


@pytest.fixture(scope="module")
def playing(samples: RagApp) -> Iterator[tuple[Replay, RagApp]]:
    """The sample documents, answered by the model of a server that is told what to play."""
    with (
        Replay({}) as server,
        RagApp.open(
            data_dir=samples.settings.data_dir,
            model_dir=samples.settings.model_dir,
            answers="auto",
            model=MODEL,
            passage_tokens=1200,  # counted in bytes, as the vocabulary is not there, more would leave no room for turns
            ollama_url=server.url,
            language="en",
        ) as app,
    ):
        yield server, app


def shown(**changes: Any) -> Reply:
    """What /api/show says, changed."""
    return said({**reply("12-show").json, **changes})


# Which models there are


def test_no_server() -> None:
    with Chat(NOBODY) as chat:
        for attempt in (chat.server.status, chat.model.describe, chat.pieces, chat.written, chat.model.preload):
            with pytest.raises(OllamaUnreachable) as error:
                attempt()
            assert "ollama serve" in error.value.text("en")
            assert NOBODY in error.value.text("zh")


def test_models_that_can_chat_are_listed() -> None:
    with Replay({}) as server, Chat(server.url) as chat:
        found = chat.server.status()
    assert (found.version, found.models) == ("0.33.0-rc2", ("gemma3:270m", MODEL, "smollm2-tpl:135m"))
    assert not found.has("all-minilm:22m")
    model = found.find("SmolLM2:135M")
    assert model is not None
    assert (model.size, model.parameters, model.quantization, model.context) == (98362745, "134.52M", "Q4_1", 8192)
    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", "/api/tags"),
        ("GET", "/api/version"),
    ]


def test_a_server_without_models() -> None:
    with Replay({"/api/tags": "02-tags-empty", "/api/ps": "03-ps-empty"}) as server, Chat(server.url) as chat:
        assert chat.server.status().models == ()
        assert chat.server.loaded() == ()


def test_an_older_server_does_not_say_what_its_models_can_do() -> None:
    listed = reply("11-tags").json
    for entry in listed["models"]:
        del entry["capabilities"]
    with Replay({"/api/tags": said(listed)}) as server, Chat(server.url) as chat:
        assert len(chat.server.status().models) == 4


@pytest.mark.parametrize(
    ("name", "has"),
    [
        (MODEL, True),
        ("SmolLM2:135M", True),
        ("smollm2", False),  # the server itself says 404 to it: only :latest goes without a tag
        ("smollm2:latest", False),
        ("llama3", True),
        ("LLaMA3", True),
        ("llama3:latest", True),
        ("llama3:8b", False),
        ("llama", False),
        ("qwen2:0.5b", True),
        ("host.example:5000/team/llama3", False),
    ],
)
def test_has(name: str, has: bool) -> None:
    installed = tuple(
        InstalledModel(name, 1, "", "", "", ("completion",)) for name in (MODEL, "llama3:latest", "Qwen2:0.5B")
    )
    assert OllamaStatus("0.33.0", installed).has(name) is has


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_does_not_catch_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        for name in (variable, variable.lower()):
            monkeypatch.delenv(name, raising=False)
            if variable != "NO_PROXY":
                monkeypatch.setenv(name, NOBODY)
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server:
        with pytest.raises(httpx.ConnectError):  # the proxy is in force
            httpx.get(f"{server.url}/api/tags")
        with Chat(server.url.replace("127.0.0.1", host)) as chat:
            assert chat.server.status().has(MODEL)
            assert chat.pieces()[-1].done


def test_what_a_model_is() -> None:
    with Replay({}) as server, Chat(server.url) as chat:
        found = chat.model.describe()
        before = len(server.requests)
        assert chat.model.describe() == found
        assert len(server.requests) == before  # asked once
    assert (found.name, found.provider, found.context_tokens, found.trained_context) == (MODEL, "ollama", CONTEXT, 8192)
    assert (found.parameters, found.quantization, found.size) == ("134.52M", "Q4_1", 98362745)
    assert found.kv_bytes == 30 * 3 * (64 + 64) * 2  # layers × KV heads × (key + value) × f16
    assert (found.vision, found.thinking, found.counts_exactly) == (False, False, False)


def test_a_model_that_is_loaded_with_more_is_not_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_describing, "_memory", lambda running: 64 << 30)
    with Replay({}) as server:  # has it in memory with 4,096
        for wanted, context in [(8192, 8192), (4096, 4096), (3072, 3072)]:  # never more than was set
            with Chat(server.url, context=wanted) as chat:
                assert chat.model.describe().context_tokens == context
    monkeypatch.setattr(ollama_describing, "_memory", lambda running: 480 << 20)  # would do for 2,048 only
    with Replay({}) as server, Chat(server.url, context=8192) as chat:
        assert chat.model.describe().context_tokens == 4096


def test_an_embedding_model_is_not_asked() -> None:
    with Replay({}) as server, Chat(server.url, "all-minilm:22m") as chat:
        for attempt in (chat.model.describe, chat.pieces, chat.written, chat.model.preload):
            with pytest.raises(NotSupported, match="embedding model"):
                attempt()
        assert server.chats == []


# An answer


@pytest.mark.parametrize("cut", [None, 1, 7, 4096])
@pytest.mark.parametrize(
    ("name", "text", "prompt_tokens", "complete"),
    [
        ("14-chat-cold-stream", "The capital of France is Paris.", 22, True),
        (
            "18-chat-options",
            "Paris is the capital of France and the largest city in the Romance language family.",
            22,
            True,
        ),
        ("21-num_predict-hit", "The number of words in the given sentence", 17, False),  # done_reason length
        ("29-unicode-stream", GUARDED, None, False),
        ("30-repeat-abort-stream", GUARDED, None, False),  # the guard against repetition: no last record
    ],
)
def test_the_answer_is_joined_exactly(
    name: str, text: str, prompt_tokens: int | None, complete: bool, cut: int | None
) -> None:
    recording = reply(name)
    with (
        Replay({"/api/chat": recording if cut is None else recording.recut(cut)}) as server,
        Chat(server.url) as chat,
    ):
        pieces = chat.pieces()
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert (pieces[-1].prompt_tokens, pieces[-1].complete) == (prompt_tokens, complete)
    assert sum(bool(piece.text) for piece in pieces) == sum(
        bool(one["message"]["content"]) for one in recording.records
    )


def test_what_is_asked() -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server, Chat(server.url) as chat:
        chat.written(history=TURNS)
    (asked,) = server.chats
    assert set(asked) == {"model", "messages", "stream", "truncate", "shift", "keep_alive", "options"}
    assert (asked["model"], asked["stream"], asked["keep_alive"]) == (MODEL, True, "30m")
    assert (asked["truncate"], asked["shift"]) == (False, False)
    assert (asked["options"]["num_ctx"], asked["options"]["num_predict"]) == (CONTEXT, ANSWER_TOKENS)
    system, *turns, last = asked["messages"]
    assert system["role"] == "system"
    assert turns == [{"role": turn.role, "content": turn.text} for turn in TURNS]
    assert last["role"] == "user"
    for number, given in enumerate(PASSAGES, 1):
        assert f"[{number}] {given.title}, p. 1: {given.text}" in last["content"]
    assert QUESTION in last["content"]


@pytest.mark.parametrize(("keep_alive", "sent"), [("30m", "30m"), ("0", 0), ("-1", -1), ("1h30m", "1h30m"), ("90", 90)])
def test_how_long_the_model_stays(keep_alive: str, sent: object) -> None:
    with (
        Replay({"/api/chat": "14-chat-cold-stream"}, cold=True) as server,
        Chat(server.url, keep_alive=keep_alive) as chat,
    ):
        chat.pieces()
    assert [asked["keep_alive"] for asked in server.chats] == [sent]
    assert [asked["keep_alive"] for asked in server.loads] == [sent or "1m"]  # 0 would unload it


@pytest.mark.parametrize("wanted", [True, False])
def test_only_a_thinking_model_is_told_whether_to_think(wanted: bool) -> None:
    thinks = shown(capabilities=["completion", "thinking"])
    script: dict[str, Script] = {
        "/api/show": [shown(), shown(), thinks, thinks],
        "/api/chat": written(["Paris."], thoughts=["France", " …"], prompt_tokens=22),
    }
    with Replay(script) as server:
        for _ in range(2):
            with Chat(server.url, thinking=wanted) as chat:
                pieces = chat.pieces()
    assert [asked.get("think") for asked in server.chats] == [None, wanted]
    assert "".join(piece.thinking for piece in pieces) == "France …"
    assert "".join(piece.text for piece in pieces) == "Paris."


def test_images_go_to_a_model_that_sees() -> None:
    image = b"\x89PNG\r\n\x1a\n and so on"
    prompt = [ChatMessage("user", "What is this?", (image,))]
    script: dict[str, Script] = {
        "/api/show": shown(capabilities=["completion", "vision"]),
        "/api/chat": "14-chat-cold-stream",
    }
    with Replay(script) as server, Chat(server.url) as chat:
        chat.pieces(prompt)
        (message,) = server.chats[0]["messages"]
        assert message == {"role": "user", "content": "What is this?", "images": [base64.b64encode(image).decode()]}
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server, Chat(server.url) as chat:
        attempts: list[Callable[[], object]] = [lambda: chat.pieces(prompt), lambda: chat.written(images=[image])]
        for attempt in attempts:
            with pytest.raises(NotSupported, match="RAG_VISION_MODEL"):
                attempt()
        assert server.chats == []


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server, Chat(server.url) as chat:
        assert chat.pieces([ChatMessage("user", "a\ud83dz")])[-1].done
    assert server.chats[0]["messages"] == [{"role": "user", "content": "a?z"}]


def test_no_connection_stays_open_after_the_app_is_closed() -> None:
    gc.disable()
    try:
        with Replay({"/api/chat": "14-chat-cold-stream"}) as server:
            with Chat(server.url) as chat:
                chat.server.status()
                chat.written()
            assert server.all_closed(2)
    finally:
        gc.enable()


def test_a_whole_answer_fits_a_schema() -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"answer": {"type": "string"}}}
    with Replay({"/api/chat": "19-chat-format-schema"}) as server, Chat(server.url) as chat:
        found = ModelCompletion(chat.model, 100).complete("What is the capital of France?", schema)
        assert json.loads(found) == {"answer": "Paris", "confidence": 100}
        (asked,) = server.chats
        assert (asked["format"], asked["truncate"], asked["shift"]) == (schema, False, False)
        assert asked["options"]["num_predict"] == 100
    with Replay({"/api/chat": "19-chat-format-schema-cut"}) as server, Chat(server.url) as chat:
        reranker = LlmReranker(ModelCompletion(chat.model, 100))
        with pytest.raises(ModelError, match="no grades"):
            reranker.scores("capital of France", ["Paris", "Lyon"])


# Who answers


def answerer(embedder: Embedder, **settings: Any) -> Answerer:
    models = Models(Settings.load(**settings))
    try:
        return models.answerer(embedder)
    finally:
        models.close()


@pytest.mark.parametrize(
    ("tags", "name", "says"),
    [
        (None, "llama3", f"quotes: no Ollama at {NOBODY}. .*: ollama pull llama3$"),
        ("11-tags", "llama3", "quotes: Ollama has no llama3. .*: ollama pull llama3$"),
        ("02-tags-empty", "llama3", "quotes: Ollama has no llama3. .*: ollama pull llama3$"),
        ("11-tags", "smollm2", "quotes: .*: ollama pull smollm2$"),
        ("11-tags", "all-minilm:22m", "quotes: Ollama has no all-minilm:22m"),  # it only embeds
        ("07-host-forbidden", MODEL, "does not let this program in .403."),
        ("00-root", MODEL, "does not speak as Ollama does"),
    ],
)
def test_auto_answers_with_quotes_and_says_why(embedder: Embedder, tags: str | None, name: str, says: str) -> None:
    with Replay({"/api/tags": tags or "11-tags"}) as server:
        found = answerer(embedder, answers="auto", model=name, ollama_url=server.url if tags else NOBODY)
    assert found.writer.name == QUOTES
    assert found.writer.context_tokens is None
    assert found.notice is not None
    assert re.search(says, found.notice.text("en"))
    assert found.notice.text("zh") != found.notice.text("en")


@pytest.mark.parametrize("answers", ["auto", "ollama"])
@pytest.mark.parametrize("name", [MODEL, "SMOLLM2:135m"])
def test_ollama_answers_where_it_has_the_model(embedder: Embedder, answers: str, name: str) -> None:
    with Replay({}) as server:
        found = answerer(embedder, answers=answers, model=name, ollama_url=server.url)
    assert (found.writer.name, found.notice) == (name, None)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [(None, OllamaUnreachable), ("11-tags", ModelNotInstalled), ("07-host-forbidden", ModelRefused)],
)
def test_ollama_by_name_is_an_error_where_it_cannot_answer(
    embedder: Embedder, tags: str | None, kind: type[ModelError]
) -> None:
    with Replay({"/api/tags": tags or "11-tags"}) as server, pytest.raises(ModelError) as error:
        answerer(embedder, answers="ollama", model="llama3", ollama_url=server.url if tags else NOBODY)
    assert type(error.value) is kind


def test_quotes_ask_no_server(embedder: Embedder) -> None:
    with Replay({}) as server:
        assert answerer(embedder, answers="quotes", model=MODEL, ollama_url=server.url).writer.name == QUOTES
    assert server.requests == []


# The whole app


def test_the_app_answers_from_the_model(playing: tuple[Replay, RagApp]) -> None:
    server, app = playing
    pieces = ["QLoRA", " can fine-tune a 65B model", " on one 48 GB GPU", " [1]."]
    server.play({"/api/chat": written(pieces, prompt_tokens=1900)})
    answer = app.ask(QUESTION, history=TURNS)
    assert answer.text == "".join(pieces)
    assert [citation.number for citation in answer.citations] == [1]
    assert (answer.model, answer.language, answer.notice) == (MODEL, "en", None)
    assert (answer.refused, answer.complete) == (False, True)
    assert (answer.prompt_tokens, answer.answer_tokens, answer.context_tokens) == (1900, 8, 8192)
    (asked,) = server.chats
    assert [message["role"] for message in asked["messages"]] == ["system", *(turn.role for turn in TURNS), "user"]
    assert "48 GB" in asked["messages"][-1]["content"]


CRAFTED = (
    "QLoRA tunes 65B on one 48 GB GPU [1]. The list has it [1, 2]. 论文也这样说【2】。"
    "Nobody says this [9]. Only half of this is known [2; 77]. See [x] and [1]."
)
CLEANED = (
    "QLoRA tunes 65B on one 48 GB GPU [1]. The list has it [1][2]. 论文也这样说[2]。"
    "Nobody says this. Only half of this is known [2]. See [x] and [1]."
)
MARKERS = re.compile(r"[\[【][\d\s,，、;；]+[\]】]")


@pytest.mark.parametrize("size", [1, 2, 3, 5, len(CRAFTED)])
def test_the_app_turns_markers_into_citations(playing: tuple[Replay, RagApp], size: int) -> None:
    server, app = playing
    cut = (CRAFTED[i : i + size] for i in range(0, len(CRAFTED), size))
    server.play({"/api/chat": written(cut, prompt_tokens=1900)})
    stream = app.stream(QUESTION)
    pieces = list(stream)
    answer = stream.answer
    assert "".join(pieces) == answer.text
    assert answer.text.replace(" .", ".") == CLEANED  # the space before a dropped marker may stay
    ends = set(accumulate(map(len, pieces)))
    for marker in MARKERS.finditer(answer.text):
        assert not ends & set(range(marker.start() + 1, marker.end())), marker[0]  # none is shown in halves
    if size < 10:
        assert len(pieces) > 10  # and nothing waits for the end
    assert [citation.number for citation in answer.citations] == [1, 2]
    for citation in answer.citations:
        given = answer.passages[citation.number - 1]
        assert (citation.document, citation.page) == (given.document, given.page)
        assert given.text[citation.start - given.start : citation.end - given.start] == citation.quote
    assert "48 GB" in answer.citations[0].quote
    assert (answer.prompt_tokens, answer.complete) == (1900, True)


def test_the_app_does_not_ask_the_model_what_the_documents_do_not_say(playing: tuple[Replay, RagApp]) -> None:
    server, app = playing
    server.play({"/api/chat": "14-chat-cold-stream"})
    assert app.ask("Who won the football World Cup in 1998?").refused
    assert server.requests == []


def test_the_app_answers_with_quotes_once_the_model_is_gone(playing: tuple[Replay, RagApp]) -> None:
    server, app = playing
    server.play({"/api/tags": "02-tags-empty"})
    answer = app.ask(QUESTION)
    assert answer.model == QUOTES
    assert "48 GB" in answer.text
    assert answer.citations
    assert answer.notice is not None
    assert f"ollama pull {MODEL}" in answer.notice.text("en")
    assert server.chats == []


# Markers


def test_a_passage_that_the_model_was_not_given_is_not_cited() -> None:
    many = PASSAGES * 2
    script: dict[str, Script] = {
        "/api/chat": [refused(5000, 4096), written(["Box 2 holds 14 [2]. Box 6 holds 42 [12]."])]
    }
    with Replay(script) as server, Chat(server.url) as chat:
        answer = chat.answer(many)
    given = server.chats[1]["messages"][-1]["content"]
    assert "[2] Boxes 2" in given
    assert "[12] Boxes 6" not in given
    assert answer.text == "Box 2 holds 14 [1]. Box 6 holds 42."  # what is cited first is shown as 1
    assert [(citation.number, citation.document) for citation in answer.citations] == [(1, "boxes-2.txt")]


def test_a_marker_of_many_numbers() -> None:
    script: dict[str, Script] = {"/api/chat": written(["Yes ", *"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "."])}
    with Replay(script) as server, Chat(server.url) as chat:
        assert chat.answer(PASSAGES * 2).text == "Yes [1][2][3][4][5][6][7][8][9][10]."


def test_a_prompt_is_not_shared_between_questions() -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server, Chat(server.url) as chat:
        chat.pieces(PROMPT)
        chat.pieces([ChatMessage("user", "And of Spain?")])
    assert [asked["messages"][0]["content"] for asked in server.chats] == [PROMPT[0].text, "And of Spain?"]
