"""What a user gets from an Ollama server, whatever it does; the server's side is recorded from a real one."""

from __future__ import annotations

import gc
import json
import re
import socket
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from rag_app import RagApp, Settings
from rag_app.chat.answering import AnswerStream
from rag_app.errors import ModelError, ModelNotInstalled, OllamaUnreachable
from rag_app.llm.ollama import OllamaModel, OllamaStatus, status
from rag_app.llm.quotes import NAME as QUOTES
from rag_app.llm.select import Answerer, choose_answerer
from rag_app.protocols import Embedder, ModelPiece
from rag_app.reranking.llm import LlmReranker
from rag_app.types import Passage, Retrieval, Turn

from .conftest import NOBODY
from .replay import Replay, Reply, Script, recorded, reply, text_of, written

MODEL = "smollm2:135m"
QUESTION = "On how large a GPU can QLoRA fine-tune a 65B model?"
TAGS: dict[str, Script] = {"/api/tags": "11-tags", "/api/version": "01-version"}
TOO_LONG = "31-long-single-message-truncate-false"
GUARDED = "Напиши несколько слов по-русски и смайлики 😀😀 procedimiento\n\n" + 31 * "<b>"
SAILOR = "Once upon a time, in the bustling port of Brindle"


def passage(number: int) -> Passage:
    text = f"Fact {number}: box {number} holds {number * 7} apples."
    return Passage(
        chunk_id=number,
        document=f"boxes-{number}.txt",
        path=Path(f"/boxes/boxes-{number}.txt"),
        title=f"Boxes {number}",
        page=1,
        page_label=None,
        pages=1,
        headings=(),
        start=0,
        end=len(text),
        text=text,
        score=1 / number,
        similarity=0.8,
    )


PASSAGES = tuple(passage(number) for number in range(1, 7))
TURNS = (
    Turn("user", "first question"),
    Turn("assistant", "first answer"),
    Turn("user", "second question"),
    Turn("assistant", "second answer"),
)


def model(url: str, name: str = MODEL) -> OllamaModel:
    return OllamaModel(url, name, context_tokens=4096, answer_tokens=768)


def ask(url: str, history: Sequence[Turn] = ()) -> list[ModelPiece]:
    return list(model(url).stream(QUESTION, PASSAGES, history))


def answer_stream(url: str, passages: tuple[Passage, ...] = PASSAGES) -> AnswerStream:
    retrieval = Retrieval(QUESTION, passages, coverage=1.0, best_similarity=0.9)
    return AnswerStream(retrieval, Answerer(model(url), context_tokens=4096), ())


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
            ollama_url=server.url,
            language="en",
        ) as app,
    ):
        yield server, app


# The replay itself


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("14-chat-cold-stream", b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n", b"\n\r\n0\r\n\r\n"),
        ("54-server-sigkill-midstream#0", b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n", b"}\n\r\n"),
        ("20-chat-unknown-model", b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json", b"' not found\"}"),
        ("07-host-forbidden", b"HTTP/1.1 403 Forbidden\r\nDate:", b"Content-Length: 0\r\n\r\n"),
    ],
    ids=["chunked", "broken off", "length", "empty"],
)
def test_the_replay_sends_what_was_recorded(name: str, start: bytes, end: bytes) -> None:
    with Replay({"/api/chat": name}) as server:
        host, port = urlsplit(server.url).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(b"POST /api/chat HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            raw = b"".join(iter(lambda: connection.recv(65536), b""))
    assert raw.startswith(start)
    assert raw.endswith(end)
    assert server.chats == [{}]


# Which models there are


def test_no_server() -> None:
    for attempt in (lambda: status(NOBODY), lambda: ask(NOBODY)):
        with pytest.raises(OllamaUnreachable) as error:
            attempt()
        assert "ollama serve" in error.value.text("en")
        assert NOBODY in error.value.text("zh")


def test_models_that_can_chat_are_listed() -> None:
    with Replay(TAGS) as server:
        found = status(server.url)
    assert found == OllamaStatus("0.33.0-rc2", ("gemma3:270m", MODEL, "smollm2-tpl:135m"))
    assert {(request.method, request.path) for request in server.requests} == {
        ("GET", "/api/tags"),
        ("GET", "/api/version"),
    }


def test_a_server_without_models() -> None:
    with Replay({**TAGS, "/api/tags": "02-tags-empty"}) as server:
        assert status(server.url).models == ()


def test_an_older_server_does_not_say_what_its_models_can_do() -> None:
    recording = reply("11-tags")
    listed = json.loads(recording.body)
    for entry in listed["models"]:
        del entry["capabilities"]
    body = json.dumps(listed).encode()
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    with Replay({**TAGS, "/api/tags": replace(recording, headers=headers, chunks=((0.0, body),))}) as server:
        assert len(status(server.url).models) == 4


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
    ],
)
def test_has(name: str, has: bool) -> None:
    assert OllamaStatus("0.33.0", (MODEL, "llama3:latest", "Qwen2:0.5B")).has(name) is has


def test_embedding_models_are_not_offered() -> None:
    with Replay(TAGS) as server:
        assert not status(server.url).has("all-minilm:22m")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_does_not_catch_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        for name in (variable, variable.lower()):
            monkeypatch.delenv(name, raising=False)
            if variable != "NO_PROXY":
                monkeypatch.setenv(name, NOBODY)
    with Replay({**TAGS, "/api/chat": "14-chat-cold-stream"}) as server:
        with pytest.raises(httpx.ConnectError):  # the proxy is in force
            httpx.get(f"{server.url}/api/tags")
        url = server.url.replace("127.0.0.1", host)
        assert status(url).has(MODEL)
        assert ask(url)[-1].done


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
    with Replay({"/api/chat": recording if cut is None else recording.recut(cut)}) as server:
        pieces = ask(server.url)
    assert "".join(piece.text for piece in pieces) == text
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert (pieces[-1].prompt_tokens, pieces[-1].complete) == (prompt_tokens, complete)
    assert sum(bool(piece.text) for piece in pieces) == sum(b'"content":""' not in data for _, data in recording.chunks)


def test_what_is_asked() -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server:
        ask(server.url, TURNS)
    (chat,) = server.chats
    assert chat["model"] == MODEL
    assert chat["stream"] is True
    assert chat["truncate"] is False
    assert (chat["options"]["num_ctx"], chat["options"]["num_predict"]) == (4096, 768)
    system, *turns, last = chat["messages"]
    assert system["role"] == "system"
    assert turns == [{"role": turn.role, "content": turn.text} for turn in TURNS]
    assert last["role"] == "user"
    for number, given in enumerate(PASSAGES, 1):
        assert f"[{number}] {given.title}, page 1\n{given.text}" in last["content"]
    assert last["content"].endswith(QUESTION)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("20-chat-unknown-model", ModelNotInstalled, f"ollama pull {MODEL}"),
        ("20-chat-untagged-name", ModelNotInstalled, f"ollama pull {MODEL}"),
        ("55-model-file-missing", ModelNotInstalled, f"ollama pull {MODEL}"),
        ("55-model-file-truncated", ModelError, "exceeds file size"),
        ("24-chat-with-embedding-model", ModelError, "does not support chat"),
        ("51-max_queue-1-other-model#3", ModelError, "too many requests"),
        ("07-host-forbidden", ModelError, "OLLAMA_HOST"),
    ],
)
def test_a_refusal_says_what_to_do(name: str, kind: type[ModelError], says: str) -> None:
    with Replay({"/api/chat": name}) as server:
        with pytest.raises(ModelError) as error:
            ask(server.url)
        with pytest.raises(kind):
            list(answer_stream(server.url))  # nothing had arrived: an error, not an empty answer
    assert type(error.value) is kind
    assert says in error.value.text("en")
    assert re.search("[\u4e00-\u9fff]", error.value.text("zh"))
    assert len(server.chats) == 2  # each asked once


def test_a_server_that_dies_before_the_first_word_is_an_error() -> None:
    dead = replace(reply("54-server-sigkill-midstream#0"), chunks=())
    with Replay({"/api/chat": dead}) as server, pytest.raises(ModelError, match="broke off") as error:
        list(answer_stream(server.url))
    assert type(error.value) is ModelError


# A prompt that is too long


def shape(chat: dict[str, object]) -> tuple[int, int]:
    """How many older turns and how many passages a request has."""
    sent = chat["messages"]
    assert isinstance(sent, list)
    return len(sent) - 2, sum(given.text in sent[-1]["content"] for given in PASSAGES)


SHAPES = [(4, 6), (2, 6), (0, 6), (0, 4), (0, 2), (0, 1)]


@pytest.mark.parametrize("refusals", range(1, len(SHAPES)))
def test_too_long_drops_older_turns_then_passages(refusals: int) -> None:
    with Replay({"/api/chat": [TOO_LONG] * refusals + ["14-chat-cold-stream"]}) as server:
        pieces = ask(server.url, TURNS)
    assert [shape(chat) for chat in server.chats] == SHAPES[: refusals + 1]
    for (turns, passages), chat in zip(SHAPES, server.chats, strict=False):
        system, *older, last = chat["messages"]
        assert system["role"] == "system"
        assert [turn["content"] for turn in older] == [turn.text for turn in TURNS[len(TURNS) - turns :]]
        assert all(given.text in last["content"] for given in PASSAGES[:passages])  # the best ones stay
        assert last["content"].endswith(QUESTION)
    assert {(chat["truncate"], chat["options"]["num_ctx"]) for chat in server.chats} == {(False, 4096)}
    assert "".join(piece.text for piece in pieces) == "The capital of France is Paris."
    assert pieces[-1].complete


@pytest.mark.parametrize(
    ("name", "tokens"),
    [(TOO_LONG, "3978"), ("32-long-history-truncate-false", "1483"), ("53-native-long-truncate-false", "3969")],
)
def test_too_long_with_one_passage_is_an_error(name: str, tokens: str) -> None:
    with Replay({"/api/chat": name}) as server, pytest.raises(ModelError) as error:
        ask(server.url, TURNS)
    assert [shape(chat) for chat in server.chats] == SHAPES
    assert {(chat["truncate"], chat["options"]["num_ctx"]) for chat in server.chats} == {(False, 4096)}
    assert type(error.value) is ModelError
    for words in (tokens, "4096", MODEL, "RAG_CONTEXT_TOKENS"):
        assert words in error.value.text("en")


def test_a_history_of_odd_length_is_dropped_too() -> None:
    with Replay({"/api/chat": [TOO_LONG] * 2 + ["14-chat-cold-stream"]}) as server:
        ask(server.url, TURNS[1:])
    assert [shape(chat) for chat in server.chats] == [(3, 6), (1, 6), (0, 6)]


# An answer that breaks off


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("42-runner-killed-midstream#0", SAILOR, "unexpected EOF"),
        ("54-server-sigterm-midstream", SAILOR, "broke off"),
        ("54-server-sigkill-midstream", SAILOR + "mark, a young sailor named Jack", "broke off"),
    ],
)
def test_what_arrived_is_kept_and_marked(name: str, text: str, says: str) -> None:
    with Replay({"/api/chat": name}) as server:
        stream = answer_stream(server.url)
        pieces = list(stream)
        answer = stream.answer
    assert "".join(pieces) == answer.text
    assert answer.text.startswith(text)
    assert answer.text == text_of(next(r for r in recorded(name) if isinstance(r, Reply)))
    assert not answer.complete
    assert not answer.refused
    assert answer.notice is not None
    assert says in answer.notice.text("en")
    assert answer.notice.text("zh") != answer.notice.text("en")
    assert answer.prompt_tokens is None


def test_after_the_runner_died_the_next_question_is_answered() -> None:
    with Replay({"/api/chat": "42-runner-killed-midstream"}) as server:
        broken, next_one = answer_stream(server.url).answer, answer_stream(server.url).answer
    assert not broken.complete
    assert next_one.text == "Once upon a time,"
    assert next_one.notice is None


def test_after_the_server_died_the_next_question_says_so() -> None:
    with Replay({"/api/chat": "54-server-sigkill-midstream"}) as server:
        assert not answer_stream(server.url).answer.complete
        with pytest.raises(OllamaUnreachable, match="ollama serve"):
            list(answer_stream(server.url))


@pytest.mark.parametrize(
    ("name", "complete", "prompt_tokens"),
    [
        ("14-chat-cold-stream", True, 22),
        ("21-num_predict-hit", False, 17),
        ("30-repeat-abort-stream", False, None),
    ],
)
def test_whether_an_answer_is_complete(name: str, complete: bool, prompt_tokens: int | None) -> None:
    with Replay({"/api/chat": name}) as server:
        answer = answer_stream(server.url).answer
    assert (answer.complete, answer.prompt_tokens, answer.context_tokens) == (complete, prompt_tokens, 4096)
    assert answer.text == text_of(reply(name))
    assert answer.model == MODEL
    assert answer.notice is None


def test_closing_the_model_s_stream_closes_the_connection() -> None:
    with Replay({"/api/chat": "41-disconnect-midstream"}) as server:
        pieces = model(server.url).stream(QUESTION, PASSAGES, ())
        assert [next(pieces).text for _ in range(6)] == ["Once", " upon", " a", " time", ",", " in"]
        assert not server.client_left.is_set()
        assert isinstance(pieces, Generator)
        pieces.close()
        assert server.client_left.wait(5)


def test_closing_an_answer_closes_the_connection_and_keeps_what_arrived() -> None:
    with Replay({"/api/chat": "41-disconnect-midstream"}) as server:
        stream = answer_stream(server.url)
        pieces = iter(stream)
        shown = [next(pieces) for _ in range(6)]  # the server holds the rest back: they came one by one
        assert not server.client_left.is_set()
        stream.close()
        assert server.client_left.wait(5)
        answer = stream.answer
        assert answer.text == "".join(shown) == "Once upon a time, in"
        assert not answer.complete
        assert answer_stream(server.url).answer.text == "Hello there! I'm"


# Who answers


@pytest.mark.parametrize(
    ("tags", "name", "says"),
    [
        (None, "llama3", f"quotes: no Ollama at {NOBODY}. .*: ollama pull llama3$"),
        ("11-tags", "llama3", "quotes: Ollama has no llama3. .*: ollama pull llama3$"),
        ("02-tags-empty", "llama3", "quotes: Ollama has no llama3. .*: ollama pull llama3$"),
        ("11-tags", "smollm2", "quotes: .*: ollama pull smollm2$"),
        ("11-tags", "all-minilm:22m", "quotes: Ollama has no all-minilm:22m"),  # it only embeds
        ("07-host-forbidden", MODEL, "refused this program .403."),
    ],
)
def test_auto_answers_with_quotes_and_says_why(embedder: Embedder, tags: str | None, name: str, says: str) -> None:
    with Replay({**TAGS, "/api/tags": tags or []}) as server:
        url = server.url if tags else NOBODY
        answerer = choose_answerer(Settings.load(answers="auto", model=name, ollama_url=url), embedder)
    assert answerer.model.name == QUOTES
    assert answerer.context_tokens is None
    assert answerer.notice is not None
    assert re.search(says, answerer.notice.text("en"))
    assert answerer.notice.text("zh") != answerer.notice.text("en")


@pytest.mark.parametrize("answers", ["auto", "ollama"])
@pytest.mark.parametrize("name", [MODEL, "SMOLLM2:135m"])
def test_ollama_answers_where_it_has_the_model(embedder: Embedder, answers: str, name: str) -> None:
    with Replay(TAGS) as server:
        settings = Settings.load(answers=answers, model=name, ollama_url=server.url, context_tokens=2048)
        answerer = choose_answerer(settings, embedder)
    assert isinstance(answerer.model, OllamaModel)
    assert (answerer.model.name, answerer.notice, answerer.context_tokens) == (name, None, 2048)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [(None, OllamaUnreachable), ("11-tags", ModelNotInstalled), ("07-host-forbidden", ModelError)],
)
def test_ollama_by_name_is_an_error_where_it_cannot_answer(
    embedder: Embedder, tags: str | None, kind: type[ModelError]
) -> None:
    with Replay({**TAGS, "/api/tags": tags or []}) as server:
        settings = Settings.load(answers="ollama", model="llama3", ollama_url=server.url if tags else NOBODY)
        with pytest.raises(ModelError) as error:
            choose_answerer(settings, embedder)
    assert type(error.value) is kind


def test_quotes_ask_no_server(embedder: Embedder) -> None:
    with Replay(TAGS) as server:
        settings = Settings.load(answers="quotes", model=MODEL, ollama_url=server.url)
        assert choose_answerer(settings, embedder).model.name == QUOTES
    assert server.requests == []


# The whole app


def test_the_app_answers_from_the_model(playing: tuple[Replay, RagApp]) -> None:
    server, app = playing
    server.play({**TAGS, "/api/chat": "14-chat-cold-stream"})
    answer = app.ask(QUESTION, history=TURNS)
    assert answer.text == "The capital of France is Paris."
    assert answer.citations == ()
    assert (answer.model, answer.language, answer.notice) == (MODEL, "en", None)
    assert (answer.refused, answer.complete) == (False, True)
    assert (answer.prompt_tokens, answer.context_tokens) == (22, 4096)
    (chat,) = server.chats
    assert [message["role"] for message in chat["messages"]] == ["system", *(turn.role for turn in TURNS), "user"]
    assert "48 GB" in chat["messages"][-1]["content"]
    assert all(given.text in chat["messages"][-1]["content"] for given in answer.passages)


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
    server.play({**TAGS, "/api/chat": written(CRAFTED[i : i + size] for i in range(0, len(CRAFTED), size))})
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
    assert (answer.prompt_tokens, answer.complete) == (321, True)


def test_the_app_does_not_ask_the_model_what_the_documents_do_not_say(playing: tuple[Replay, RagApp]) -> None:
    server, app = playing
    server.play({**TAGS, "/api/chat": "14-chat-cold-stream"})
    assert app.ask("Who won the football World Cup in 1998?").refused
    assert server.requests == []


def test_the_app_answers_with_quotes_once_the_model_is_gone(playing: tuple[Replay, RagApp]) -> None:
    server, app = playing
    server.play({**TAGS, "/api/tags": "02-tags-empty"})
    answer = app.ask(QUESTION)
    assert answer.model == QUOTES
    assert "48 GB" in answer.text
    assert answer.citations
    assert answer.notice is not None
    assert f"ollama pull {MODEL}" in answer.notice.text("en")
    assert server.chats == []


# Odd servers and broken streams


def test_something_that_is_not_ollama_is_an_error() -> None:
    for attempt in (status, ask):
        with Replay({"/api/tags": "00-root", "/api/chat": "00-root"}) as server:
            with pytest.raises(ModelError) as error:
                attempt(server.url)
            assert server.url in error.value.text("en")


def test_auto_answers_with_quotes_where_something_else_listens(embedder: Embedder) -> None:
    with Replay({"/api/tags": "00-root"}) as server:
        answerer = choose_answerer(Settings.load(answers="auto", model=MODEL, ollama_url=server.url), embedder)
    assert answerer.model.name == QUOTES
    assert answerer.notice is not None


def test_a_record_that_cannot_be_read_breaks_the_answer_off() -> None:
    # U+0085 is a line's end to httpx's iter_lines and stands bare in Go's JSON
    with Replay({"/api/chat": written(["It holds 7 apples", "\x85", " and more"])}) as server:
        answer = answer_stream(server.url).answer
    assert answer.text.startswith("It holds 7 apples")
    assert answer.complete or answer.notice is not None


def test_a_passage_that_the_model_was_not_given_is_not_cited() -> None:
    with Replay({"/api/chat": [TOO_LONG, written(["Box 4 holds 28 [4]. Box 6 holds 42 [6]."])]}) as server:
        answer = answer_stream(server.url).answer
    assert [shape(chat) for chat in server.chats] == [(0, 6), (0, 4)]
    assert answer.text == "Box 4 holds 28 [1]. Box 6 holds 42."  # what is cited first is shown as 1
    assert [(citation.number, citation.document) for citation in answer.citations] == [(1, "boxes-4.txt")]


def test_an_answer_closed_before_its_first_word_is_not_complete() -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server:
        stream = answer_stream(server.url)
        stream.close()
        answer = stream.answer
    assert (answer.complete, answer.refused, answer.text) == (False, False, "")


def test_an_answer_that_breaks_off_within_a_marker_shows_no_half_of_it() -> None:
    whole = written(["Box 1 holds 7 [", "1"], done_reason=None)
    with Replay({"/api/chat": replace(whole, ended_by="connection closed without final chunk")}) as server:
        answer = answer_stream(server.url).answer
    assert answer.text.rstrip() == "Box 1 holds 7"
    assert answer.notice is not None


def test_a_marker_of_many_numbers() -> None:
    with Replay({"/api/chat": written(["Yes ", *"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", "."])}) as server:
        answer = answer_stream(server.url, PASSAGES * 2).answer
    assert answer.text == "Yes [1][2][3][4][5][6][7][8][9][10]."


def test_no_connection_stays_open_after_an_answer() -> None:
    gc.disable()
    try:
        with Replay({**TAGS, "/api/chat": "14-chat-cold-stream"}) as server:
            status(server.url)
            ask(server.url)
            assert server.all_closed(2)
    finally:
        gc.enable()


def test_a_whole_answer_fits_a_schema() -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"answer": {"type": "string"}}}
    with Replay({"/api/chat": "19-chat-format-schema"}) as server:
        written = model(server.url).complete("What is the capital of France?", schema)
        assert "answer" in json.loads(written)
        (request,) = server.requests
        assert request.body["format"] == schema
        assert request.body["truncate"] is False
    with Replay({"/api/chat": "19-chat-format-schema-cut"}) as server, pytest.raises(ModelError, match="no grades"):
        LlmReranker(model(server.url)).scores("capital of France", ["Paris", "Lyon"])
    with Replay({"/api/chat": TOO_LONG}) as server, pytest.raises(ModelError):
        model(server.url).complete("too long")
