"""Whatever an Ollama server says no to: cause and next step in both languages, and nothing lost that had arrived."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from rag_app.errors import (
    ModelBusy,
    ModelError,
    ModelNotInstalled,
    ModelRefused,
    NotSupported,
    OllamaUnreachable,
    PromptTooLong,
)
from rag_app.llm.ollama_errors import refusal

from .chatting import MODEL, PROMPT, QUESTION, Chat
from .recordings import Reply, recorded, reply, said, text_of, written
from .replay import Replay

SAILOR = "Once upon a time, in the bustling port of Brindle"
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("20-chat-unknown-model", ModelNotInstalled, f"ollama pull {MODEL}"),
        ("20-chat-untagged-name", ModelNotInstalled, f"ollama pull {MODEL}"),
        ("55-model-file-missing", ModelNotInstalled, f"ollama pull {MODEL}"),
        ("55-model-file-truncated", ModelError, f"ollama rm {MODEL}"),
        ("24-chat-with-embedding-model", NotSupported, "ollama pull llama3"),
        ("26-think-unsupported", NotSupported, "RAG_THINKING=false"),
        ("25-image-to-text-model", NotSupported, "RAG_VISION_MODEL"),
        ("53-native-image", NotSupported, "RAG_VISION_MODEL"),
        ("51-max_queue-1-other-model#3", ModelBusy, "Try again in a moment"),
        ("07-host-forbidden", ModelRefused, "OLLAMA_HOST"),
        ("07-origin-forbidden", ModelRefused, "OLLAMA_ORIGINS"),
        ("18-keepalive-bad", ModelError, "RAG_KEEP_ALIVE"),
        ("05-bad-model-name", ModelError, "rag-app models list"),
        ("05-wrong-type", ModelError, "pip install -U rag-app"),
        ("06-unknown-path", ModelError, "too old"),
        ("42-runner-killed-nostream#0", ModelError, "rag-app models recommend"),
    ],
)
def test_a_refusal_says_what_to_do(name: str, kind: type[ModelError], says: str) -> None:
    with Replay({"/api/chat": name}) as server, Chat(server.url) as chat:
        with pytest.raises(ModelError) as error:
            chat.pieces()
        with pytest.raises(kind):
            list(chat.stream())  # nothing had arrived: an error, not an empty answer
    assert type(error.value) is kind
    assert says in error.value.text("en")
    assert CHINESE.search(error.value.text("zh"))
    assert len(server.chats) == 2  # each asked once


@pytest.mark.parametrize(
    ("words", "key"),
    [
        # texts of Ollama and llama.cpp that no transcript has; each from their sources
        ("llama runner process has terminated: cudaMalloc failed: out of memory", "no_memory"),
        ("model requires more system memory (12.4 GiB) than is available (7.6 GiB)", "no_memory"),
        ("llama runner process has terminated: signal: killed", "no_memory"),
        ("llama runner process has terminated: exit status 2", "runner_died"),
        ("llama runner process no longer running: 2 error:CUDA error", "runner_died"),
        ("timed out waiting for llama runner to start - progress 0.20 - ", "load_timeout"),
        ("unable to load model: /root/.ollama/models/blobs/sha256-667b", "damaged_model"),
        ("llama_model_load: error loading model: invalid file magic", "damaged_model"),
        ("write /root/.ollama/models/blobs/sha256-667b-partial-0: no space left on device", "pull_no_space"),
        ("digest mismatch, file must be downloaded again: want sha256:1, got sha256:2", "pull_damaged"),
        ("max retries exceeded: unexpected EOF", "pull_unreachable"),
        (
            'pull model manifest: Get "https://registry.ollama.ai/v2/": dial tcp: lookup r: no such host',
            "pull_unreachable",
        ),
        ("pull model manifest: 429: rate limited", "pull_unreachable"),
        ("pull model manifest: file does not exist", "pull_unknown"),
        ("an error was encountered while running the model: unexpected EOF", "runner_died"),
        ("something new", "failed"),
    ],
)
def test_what_no_transcript_says(words: str, key: str) -> None:
    for status, body in ((500, json.dumps({"error": words})), (-1, json.dumps({"error": words})), (500, words)):
        error = refusal(status, body, "http://127.0.0.1:11434", MODEL)
        assert error.message.key == f"ollama.{key}"
        assert MODEL in error.text("en")
        assert CHINESE.search(error.text("zh"))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '"text"',
        '{"error":null}',
        '{"error":{"message":"the input exceeds the available context size","code":400}}',
        '{"error":"{\\"error\\":[]}"}',
        '{"error":"{\\"error\\":{\\"type\\":\\"exceed_context_size_error\\",\\"n_ctx\\":\\"many\\"}}"}',
        "<html>502 Bad Gateway</html>",
    ],
)
@pytest.mark.parametrize("status", [-1, 301, 400, 403, 404, 413, 500, 502, 503])
def test_any_refusal_is_an_error_in_words(status: int, body: str) -> None:
    error = refusal(status, body, "http://127.0.0.1:11434", "")
    assert error.text("en")
    assert error.text("zh") != error.text("en")


def test_numbers_of_a_prompt_that_is_too_long() -> None:
    body = reply("31-long-single-message-shift-truncate-false").body.decode()
    error = refusal(400, body, "", MODEL)
    assert isinstance(error, PromptTooLong)
    assert (error.tokens, error.context) == (3978, 512)
    for language in ("en", "zh"):
        assert all(word in error.text(language) for word in ("3978", "512", MODEL, "RAG_CONTEXT_TOKENS"))


def test_the_same_error_within_a_stream() -> None:
    inner = json.loads(reply("31-long-single-message-shift-truncate-false").body)["error"]
    begun = written(["The"], done_reason=None)
    told = replace(begun, chunks=(*begun.chunks, (0.0, json.dumps({"error": inner}).encode() + b"\n")))
    with Replay({"/api/chat": told}) as server, Chat(server.url) as chat, pytest.raises(PromptTooLong) as error:
        chat.pieces()
    assert (error.value.tokens, error.value.context) == (3978, 512)


# Before the first word


def test_a_server_that_dies_before_the_first_word_is_an_error() -> None:
    dead = replace(reply("54-server-sigkill-midstream#0"), chunks=())
    with Replay({"/api/chat": dead}) as server, Chat(server.url) as chat, pytest.raises(ModelError) as error:
        list(chat.stream())
    assert (type(error.value), error.value.message.key) == (ModelError, "ollama.broke_off")


ODD: list[tuple[str, object]] = [
    ("/api/tags", []),
    ("/api/tags", "text"),
    ("/api/tags", {"models": 7}),
    ("/api/tags", {"models": [{"name": "x", "size": "large"}]}),
    ("/api/tags", {"models": [{"name": "x", "details": "none"}]}),
    ("/api/show", []),
    ("/api/show", {"capabilities": 7}),
    ("/api/show", {"model_info": "none"}),
    ("/api/ps", {"models": [{"name": MODEL, "context_length": "long"}]}),
    ("/api/ps", {"models": 7}),
    ("/api/chat", []),
    ("/api/chat", {"message": "text"}),
]


@pytest.mark.parametrize(("path", "body"), ODD)
def test_what_is_not_as_ollama_says_it_is_an_error_with_its_address(path: str, body: object) -> None:
    with Replay({path: said(body)}) as server, Chat(server.url) as chat, pytest.raises(ModelError) as error:
        chat.written()
    assert error.value.message.key == "ollama.not_ollama"
    assert server.url in error.value.text("en")


def test_another_server_is_an_error_with_its_address() -> None:
    with Replay(dict.fromkeys(("/api/tags", "/api/chat"), "00-root")) as server, Chat(server.url) as chat:
        for attempt in (chat.server.status, chat.server.installed, chat.model.describe, chat.written):
            with pytest.raises(ModelError) as error:
                attempt()
            assert error.value.message.key == "ollama.not_ollama"
            assert server.url in error.value.text("en")


def test_a_server_that_says_nothing_to_what_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from rag_app.llm import ollama_client

    monkeypatch.setattr(ollama_client, "_LIGHT_SECONDS", 0.1)
    with Replay({"/api/tags": reply("11-tags").after(60)}, pace=1) as server, Chat(server.url) as chat:
        for attempt in (chat.server.status, chat.written):
            with pytest.raises(ModelError) as error:
                attempt()
            assert error.value.message.key == "ollama.silent"


def test_a_redirect_is_not_followed() -> None:
    elsewhere = replace(said({}, 307), headers=(("Location", "http://192.0.2.1/"), ("Content-Length", "2")))
    with Replay({"/api/tags": elsewhere, "/api/chat": elsewhere}) as server, Chat(server.url) as chat:
        for attempt in (chat.server.status, chat.pieces):
            with pytest.raises(ModelError) as error:
                attempt()
            assert "192.0.2.1" not in error.value.text("en")


# After it


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("42-runner-killed-midstream#0", SAILOR, "ollama.runner_died"),
        ("54-server-sigterm-midstream", SAILOR, "ollama.broke_off"),
        ("54-server-sigkill-midstream", SAILOR + "mark, a young sailor named Jack", "ollama.broke_off"),
    ],
)
def test_what_arrived_is_kept_and_marked(name: str, text: str, key: str) -> None:
    with Replay({"/api/chat": name}) as server, Chat(server.url) as chat:
        stream = chat.stream()
        pieces = list(stream)
        answer = stream.answer
    assert "".join(pieces) == answer.text
    assert answer.text.startswith(text)
    assert answer.text == text_of(next(one for one in recorded(name) if isinstance(one, Reply)))
    assert (answer.complete, answer.refused, answer.prompt_tokens) == (False, False, None)
    assert answer.notice is not None
    assert answer.notice.key == key
    assert answer.notice.text("zh") != answer.notice.text("en")


def test_after_the_runner_died_the_next_question_is_answered() -> None:
    with Replay({"/api/chat": "42-runner-killed-midstream"}) as server, Chat(server.url) as chat:
        broken, next_one = chat.answer(), chat.answer()
    assert not broken.complete
    assert next_one.text == "Once upon a time,"


def test_after_the_server_died_the_next_question_says_so() -> None:
    with Replay({"/api/chat": "54-server-sigkill-midstream"}) as server, Chat(server.url) as chat:
        assert not chat.answer().complete
        with pytest.raises(OllamaUnreachable, match="ollama serve"):
            list(chat.stream())


@pytest.mark.parametrize(
    ("name", "complete", "notice"),
    [
        ("14-chat-cold-stream", True, None),
        ("21-num_predict-hit", False, "answer.at_limit"),
        ("30-repeat-abort-stream", False, "ollama.repetition"),
    ],
)
def test_whether_an_answer_is_complete(name: str, complete: bool, notice: str | None) -> None:
    with Replay({"/api/chat": reply(name).counting(300)}) as server, Chat(server.url) as chat:
        answer = chat.answer()
    assert answer.text == text_of(reply(name))
    assert (answer.model, answer.complete, answer.context_tokens) == (MODEL, complete, 4096)
    assert (answer.notice and answer.notice.key) == notice
    assert answer.prompt_tokens == (None if notice == "ollama.repetition" else 300)


def test_a_model_that_writes_nothing() -> None:
    with Replay({"/api/chat": "22-empty-messages-load"}) as server, Chat(server.url) as chat:
        answer = chat.answer()
    assert answer.refused  # said in words, rather than an empty answer
    assert answer.text


def test_line_ends_of_unicode_do_not_break_an_answer() -> None:
    # U+0085 and U+2028 are line ends to httpx's iter_lines, and stand bare in JSON
    text = ["It holds 7 apples", "\x85", "\u2028", " and more"]
    with Replay({"/api/chat": written(text, prompt_tokens=300)}) as server, Chat(server.url) as chat:
        pieces = chat.written()
    assert "".join(piece.text for piece in pieces) == "".join(text)
    assert pieces[-1].complete


def test_a_record_that_cannot_be_read_breaks_the_answer_off() -> None:
    whole = written(["It holds 7", " apples"])
    broken = replace(whole, chunks=(whole.chunks[0], (0.0, b'{"message":{"content":"\xff\n'), *whole.chunks[1:]))
    with Replay({"/api/chat": broken}) as server, Chat(server.url) as chat:
        answer = chat.answer()
    assert (answer.text, answer.complete) == ("It holds 7", False)
    assert answer.notice is not None
    assert answer.notice.key == "ollama.not_ollama"


def test_an_answer_that_breaks_off_within_a_marker_shows_no_half_of_it() -> None:
    whole = written(["Box 1 holds 7 [", "1"], done_reason=None)
    broken = replace(whole, ended_by="connection closed without final chunk")
    with Replay({"/api/chat": broken}) as server, Chat(server.url) as chat:
        answer = chat.answer()
    assert answer.text.rstrip() == "Box 1 holds 7"
    assert answer.notice is not None


def test_what_a_model_thought_before_it_broke_off_is_kept() -> None:
    whole = written(["Box"], thoughts=["Well", " …"], done_reason=None)
    broken = replace(whole, ended_by="connection closed without final chunk")
    with Replay({"/api/chat": broken}) as server, Chat(server.url) as chat:
        answer = chat.answer()
    assert (answer.thinking, answer.text, answer.complete) == ("Well …", "Box", False)


# Other doors


def test_a_pull_tells_how_far_it_is() -> None:
    records = [
        {"status": "pulling manifest"},
        {"status": "pulling aaa", "digest": "aaa", "total": 100},
        {"status": "pulling aaa", "digest": "aaa", "total": 100, "completed": 60},
        {"status": "pulling bbb", "digest": "bbb", "total": 50, "completed": 50},
        {"status": "verifying sha256 digest"},
        {"status": "success"},
    ]
    stream = replace(
        written([], done_reason=None),
        chunks=tuple((0.0, json.dumps(record).encode() + b"\n") for record in records),
    )
    with Replay({"/api/pull": stream}) as server, Chat(server.url) as chat:
        progress = list(chat.server.pull("llama3"))
    assert [(one.done, one.total) for one in progress] == [
        (0, 0),
        (0, 100),
        (60, 100),
        (110, 150),
        (110, 150),
        (110, 150),
    ]
    assert [one.finished for one in progress] == [False] * 5 + [True]
    assert server.requests[0].body == {"model": "llama3", "stream": True}


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("08-pull-missing-model", ModelNotInstalled, "https://ollama.com/library"),
        ("08-pull-registry-unreachable", ModelError, "HTTPS_PROXY"),
    ],
)
def test_a_pull_that_fails(name: str, kind: type[ModelError], says: str) -> None:
    with Replay({"/api/pull": name}) as server, Chat(server.url) as chat:
        pull = chat.server.pull("nope")
        assert next(pull).status == "pulling manifest"
        with pytest.raises(ModelError) as error:
            list(pull)
    assert type(error.value) is kind
    assert says in error.value.text("en")
    assert "nope" in error.value.text("zh")


def test_removing_a_model() -> None:
    done = replace(said({}), headers=(("Content-Length", "0"),), chunks=())
    with Replay({"/api/delete": done}) as server, Chat(server.url) as chat:
        chat.server.remove(MODEL)
    assert [(one.method, one.path, one.body) for one in server.requests] == [
        ("DELETE", "/api/delete", {"model": MODEL})
    ]
    with Replay({}) as server, Chat(server.url) as chat, pytest.raises(ModelNotInstalled):
        chat.server.remove("nope")


def test_an_error_is_raised_for_everybody_who_waits() -> None:
    with Replay({"/api/show": "04-show-unknown-model"}) as server, Chat(server.url) as chat:
        for _ in range(2):  # not remembered: it may be pulled meanwhile
            with pytest.raises(ModelNotInstalled):
                chat.model.count(PROMPT)
        assert QUESTION not in str(server.requests)
