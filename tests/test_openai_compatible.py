"""OpenAI-compatible servers: vLLM, LM Studio, OpenAI by script, Ollama's /v1 as recorded, llama.cpp's own."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.errors import (
    ModelBusy,
    ModelError,
    ModelNotInstalled,
    ModelRefused,
    NotSupported,
    PromptTooLong,
    SettingsError,
)
from rag_app.llm.background import EventLoop
from rag_app.llm.gguf import GgufModel
from rag_app.llm.openai_compatible import OpenAiModel
from rag_app.llm.thinking import ThinkSplitter
from rag_app.protocols import ChatMessage, ModelPiece
from rag_app.settings import Settings

from .conftest import NOBODY
from .recordings import Ending, Reply, reply
from .replay import Replay

KEY = "sk-very-secret-0123456789"
ASK = (ChatMessage("system", "Answer briefly."), ChatMessage("user", "法国的首都是哪里？😀"))
CHAT, MODELS = "/v1/chat/completions", "/v1/models"
_WAIT_SECONDS = 30.0  # that a test waits for another thread before it fails


def said(body: Any, status: int = 200, kind: str = "application/json") -> Reply:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = (("Content-Type", kind), ("Content-Length", str(len(data))))
    return Reply(status, headers, ((0.0, data),), "content-length reached")


def refused(status: int, message: str, **fields: object) -> Reply:
    return said({"error": {"message": message, **fields}}, status)


def streamed(*events: dict[str, Any], done: bool = True, ending: Ending = "final 0-length chunk") -> Reply:
    lines = [f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events]
    lines += ["data: [DONE]\n\n"] if done else []
    headers = (("Content-Type", "text/event-stream; charset=utf-8"), ("Transfer-Encoding", "chunked"))
    return Reply(200, headers, tuple((0.0, line.encode()) for line in lines), ending)


def delta(finish: str | None = None, **fields: str) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def usage(prompt: int, answer: int) -> dict[str, Any]:
    return {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": answer}}


PARIS = streamed(
    delta(role="assistant", content=""),
    delta(content="巴"),
    delta(content="黎 😀"),
    delta("stop"),
    usage(57, 3),
)
VLLM = {
    MODELS: said({"object": "list", "data": [{"id": "llama", "owned_by": "vllm", "max_model_len": 8192}]}),
    "/tokenize": said({"count": 57, "max_model_len": 8192, "tokens": []}),
    CHAT: PARIS,
}
SILENT = Reply(200, (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")), (), "client closed")
UNKNOWN = {MODELS: said({"data": [{"id": "some"}]}), CHAT: PARIS, "/api/v0/models": said({}, 404)}


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop()
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Replay]:
    with Replay(VLLM) as made:
        yield made


def model_at(loop: EventLoop, url: str, model: str = "", key: str = "", context_tokens: int = 4096) -> OpenAiModel:
    return OpenAiModel(loop, url, model, key, context_tokens)


def pieces_of(model: OpenAiModel, messages: Sequence[ChatMessage] = ASK, **arguments: Any) -> list[ModelPiece]:
    return list(model.stream(messages, answer_tokens=64, **arguments))


def text_of(pieces: Sequence[ModelPiece]) -> str:
    return "".join(piece.text for piece in pieces)


def stages_of(pieces: Sequence[ModelPiece]) -> list[str]:
    return [piece.stage.name for piece in pieces if piece.stage]


def test_an_answer_of_vllm(loop: EventLoop, server: Replay) -> None:
    model = model_at(loop, server.url)
    pieces = pieces_of(model)
    assert text_of(pieces) == "巴黎 😀"
    assert stages_of(pieces) == ["connecting", "reading", "writing"]
    assert pieces[-1] == ModelPiece("", done=True, prompt_tokens=57, answer_tokens=3)
    request = server.requests[-1].body
    assert request["model"] == "llama"
    assert request["max_tokens"] == 64
    assert [message["content"] for message in request["messages"]] == [message.text for message in ASK]
    assert "cache_prompt" not in request  # llama.cpp's own; others refuse what they don't know


def test_context_and_count_of_vllm(loop: EventLoop, server: Replay) -> None:
    model = model_at(loop, server.url)
    described = model.describe()
    assert (described.name, described.context_tokens, described.counts_exactly) == ("llama", 8192, True)
    assert model.name == "llama"
    assert model.count(ASK) == 57
    assert server.requests[-1].path == "/tokenize"
    assert server.requests[-1].body["messages"][1]["content"] == ASK[1].text


def test_a_gateway_before_vllm_counts_by_the_bound(loop: EventLoop) -> None:
    with Replay({path: entry for path, entry in VLLM.items() if path != "/tokenize"}) as server:
        model = model_at(loop, server.url)
        assert model.count(ASK) >= sum(len(message.text.encode()) for message in ASK)
        assert not model.describe().counts_exactly


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_characters_cut_by_chunks_are_joined(loop: EventLoop, size: int) -> None:
    with Replay(VLLM | {CHAT: PARIS.recut(size)}) as server:
        assert text_of(pieces_of(model_at(loop, server.url))) == "巴黎 😀"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_what_is_thought_is_not_said(loop: EventLoop, field: str) -> None:
    answer = streamed(delta(**{field: "Hm, Paris?"}), delta(content="Paris"), delta("stop"))
    with Replay(VLLM | {CHAT: answer}) as server:
        pieces = pieces_of(model_at(loop, server.url))
    assert "".join(piece.thinking for piece in pieces) == "Hm, Paris?"
    assert text_of(pieces) == "Paris"
    assert stages_of(pieces)[-2:] == ["thinking", "writing"]


@given(st.text("abc<>/think ", max_size=30), st.text("abc<>/think ", max_size=30), st.lists(st.integers(0, 80)))
def test_think_marks_are_told_apart_wherever_they_are_cut(thought: str, answer: str, cuts: list[int]) -> None:
    thought = thought.replace("</think>", "")
    whole = f"\n<think>{thought}</think>\n\n{answer}"
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    splitter = ThinkSplitter()
    both = [splitter.feed(whole[start:end]) for start, end in pairwise(places)]
    both.append(splitter.end())
    if "</think>" not in f"{thought}</think>"[: len(thought) + 7]:  # else the thought ends in half a mark
        assert "".join(one for one, _ in both) == thought
        assert "".join(one for _, one in both) == answer.lstrip()


def test_an_answer_may_quote_the_marks() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("It writes <think>…</think> first.") == ("", "It writes <think>…</think> first.")
    assert ThinkSplitter().feed("<") == ("", "")


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        (streamed(delta(content="Par"), delta("length"), usage(57, 64)), False),
        (streamed(delta(content="Par"), delta("content_filter")), False),
        (streamed(delta(content="Par"), done=False), False),
        (streamed(delta(content="Par"), delta("stop"), done=False), True),
    ],
)
def test_an_answer_that_was_cut_off_says_so(loop: EventLoop, answer: Reply, complete: bool) -> None:
    with Replay(VLLM | {CHAT: answer}) as server:
        pieces = pieces_of(model_at(loop, server.url))
    assert text_of(pieces) == "Par"
    assert (pieces[-1].done, pieces[-1].complete) == (True, complete)


def test_a_stream_that_breaks_off(loop: EventLoop) -> None:
    broken = streamed(delta(content="Par"), done=False, ending="connection closed without final chunk")
    with Replay(VLLM | {CHAT: broken}) as server:
        answer = model_at(loop, server.url).stream(ASK, answer_tokens=64)
        got: list[ModelPiece] = []
        with pytest.raises(ModelError) as caught:
            got.extend(answer)
    assert caught.value.message.key == "openai.broke_off"
    assert text_of(got) == "Par"
    assert not any(piece.done for piece in got)


def test_an_error_in_the_stream(loop: EventLoop) -> None:
    broken = streamed(delta(content="Par"), {"error": {"message": "CUDA out of memory", "code": 500}}, done=False)
    with Replay(VLLM | {CHAT: broken}) as server, pytest.raises(ModelError, match="CUDA out of memory"):
        pieces_of(model_at(loop, server.url))


TOO_LONG = [  # as vLLM (three versions), OpenAI, SGLang, TGI, LM Studio and llama.cpp say it
    {
        "message": "This model's maximum context length is 4096 tokens. However, you requested 5768 tokens (5000 in "
        "the messages, 768 in the completion). Please reduce the length of the messages or completion.",
        "type": "BadRequestError",
        "code": 400,
    },
    {
        "message": "'max_tokens' or 'max_completion_tokens' is too large: 768. This model's maximum context length is "
        "4096 tokens and your request has 5000 input tokens (768 > 4096 - 5000).",
        "type": "BadRequestError",
    },
    {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4096."},
    {
        "message": "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 "
        "tokens. Please reduce the length of the messages.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    },
    {"message": "The input (5000 tokens) is longer than the model's context length (4096 tokens)."},
    {"message": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 20"},
    {
        "message": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with "
        "context length of only 4096 tokens, which is not enough."
    },
    {
        "message": "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 5000,
        "n_ctx": 4096,
    },
]


@pytest.mark.parametrize("error", TOO_LONG, ids=lambda error: str(error["message"])[:30])
def test_a_prompt_that_is_too_long(loop: EventLoop, error: dict[str, Any]) -> None:
    with Replay(VLLM | {CHAT: said({"error": error}, 400)}) as server, pytest.raises(PromptTooLong) as caught:
        pieces_of(model_at(loop, server.url))
    assert (caught.value.tokens, caught.value.context) == (5000, 4096)


@pytest.mark.parametrize(
    ("answer", "kind", "named"),
    [
        (refused(401, f"Incorrect API key provided: {KEY}"), ModelRefused, "RAG_OPENAI_API_KEY"),
        (refused(403, "Forbidden"), ModelRefused, "RAG_OPENAI_API_KEY"),
        (refused(404, "The model `llama` does not exist.", code=404), ModelNotInstalled, "RAG_OPENAI_MODEL"),
        (said({"object": "error", "message": "The model `llama` does not exist."}, 404), ModelNotInstalled, "llama"),
        (said("404 page not found", 404, "text/plain"), ModelError, "RAG_OPENAI_URL"),
        (refused(429, "Rate limit reached"), ModelBusy, "Rate limit reached"),
        (refused(503, "Service overloaded"), ModelBusy, "Service overloaded"),
        (refused(500, "CUDA error"), ModelError, "CUDA error"),
        (refused(400, "llama is not a multimodal model"), NotSupported, "RAG_OPENAI_MODEL"),
        (said("<html>Sign in</html>", 200, "text/html"), ModelError, "RAG_OPENAI_URL"),
        (said("<html>Bad gateway</html>", 502, "text/html"), ModelError, "HTTP 502"),
        (streamed({"choices": 7}), ModelError, "RAG_OPENAI_URL"),
    ],
)
def test_every_refusal_names_the_way_out(loop: EventLoop, answer: Reply, kind: type[ModelError], named: str) -> None:
    with Replay(VLLM | {CHAT: answer}) as server, pytest.raises(kind) as caught:
        pieces_of(model_at(loop, server.url, key=KEY))
    assert named in str(caught.value)
    assert server.url in str(caught.value)
    assert KEY not in str(caught.value) + caught.value.text("zh")


def test_nobody_there(loop: EventLoop) -> None:
    for ask in (pieces_of, OpenAiModel.describe, OpenAiModel.preload):
        with pytest.raises(ModelError, match=r"127\.0\.0\.1:9.*RAG_OPENAI_URL") as caught:
            ask(model_at(loop, NOBODY))
        assert caught.value.message.key == "openai.unreachable"


def test_a_certificate_nobody_vouches_for(loop: EventLoop, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the client hangs up in the handshake
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(ModelError, match="SSL_CERT_FILE") as caught:
        model_at(loop, f"https://127.0.0.1:{server.server_address[1]}").describe()
    assert caught.value.message.key == "openai.no_trust"
    server.shutdown()
    server.server_close()


def own_certificate(folder: Path) -> Path:
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_only_what_the_settings_say_leaves(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_BASE_URL", NOBODY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: secret\nAuthorization: Bearer other")
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(proxy, NOBODY)
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            answer = VLLM[self.path]
            self.wfile.write(
                b"HTTP/1.0 200 OK\r\nContent-Type: %b\r\n\r\n" % answer.headers[0][1].encode() + answer.body
            )

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for key in ("", KEY):
            model = model_at(loop, f"http://127.0.0.1:{server.server_address[1]}", key=key)
            assert text_of(pieces_of(model)) == "巴黎 😀"
            assert model.count(ASK) == 57
        server.shutdown()
    allowed = "host accept accept-encoding connection content-type content-length user-agent authorization"
    assert {name for headers in seen for name in headers} <= set(allowed.split())
    assert [headers.get("authorization") for headers in seen] == [None] * 3 + [f"Bearer {KEY}"] * 3
    assert {headers["user-agent"] for headers in seen} == {"rag-app"}


def test_prompts_go_to_the_configured_address_alone(loop: EventLoop, server: Replay) -> None:
    moved = Reply(307, (("Location", f"{server.url}{CHAT}"), ("Content-Length", "0")), (), "content-length reached")
    with Replay(VLLM | {CHAT: moved}) as first, pytest.raises(ModelError, match="HTTP 307"):
        pieces_of(model_at(loop, first.url))
    assert server.requests == []


def test_the_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_OPENAI_API_KEY", f" {KEY} ")
    settings = Settings.load()
    assert settings.openai_api_key.get_secret_value() == KEY
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("RAG_OPENAI_API_KEY", f"{KEY} 密钥")
    with pytest.raises(SettingsError, match="RAG_OPENAI_API_KEY") as caught:
        Settings.load()
    assert KEY not in str(caught.value) + str(caught.value.__cause__)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_address_with_and_without_v1(loop: EventLoop, server: Replay, path: str) -> None:
    assert model_at(loop, server.url + path).describe().context_tokens == 8192


def test_which_model(loop: EventLoop) -> None:
    two = {MODELS: said({"data": [{"id": "one"}, {"id": "two", "max_model_len": 2048}]})}
    with Replay(two) as server:
        with pytest.raises(ModelNotInstalled, match=r"RAG_OPENAI_MODEL.*one, two"):
            model_at(loop, server.url).describe()
        assert model_at(loop, server.url, "two").describe().context_tokens == 2048


def test_a_model_that_loads_is_waited_for(loop: EventLoop) -> None:
    loading = refused(503, "Loading model", type="unavailable_error", code=503)
    with Replay(VLLM | {MODELS: [loading, loading, VLLM[MODELS]], CHAT: [loading, PARIS]}) as server:
        pieces = pieces_of(model_at(loop, server.url))
    assert stages_of(pieces)[:2] == ["connecting", "loading"]
    assert text_of(pieces) == "巴黎 😀"


def test_a_server_that_may_cut_gets_only_what_surely_fits(loop: EventLoop) -> None:
    with Replay(UNKNOWN) as server:
        model = model_at(loop, server.url, context_tokens=2048)
        with pytest.raises(PromptTooLong) as caught:
            pieces_of(model, [ChatMessage("user", "12 34 " * 400)])
        assert caught.value.context == 2048
        assert CHAT not in [request.path for request in server.requests]
        assert text_of(pieces_of(model)) == "巴黎 😀"


def test_a_prompt_that_was_cut_all_the_same(loop: EventLoop) -> None:
    """Ollama's own reply over /v1 to a prompt that it cut: 200, "stop", and fewer tokens than were sent."""
    told = json.loads(reply("35-v1-long-default-ctx").body)
    read = told["usage"]["prompt_tokens"]
    sent = [ChatMessage("user", "one two three four " * read)]
    answer = streamed(delta(content=told["choices"][0]["message"]["content"]), delta("stop"), usage(read, 12))
    with Replay(UNKNOWN | {CHAT: answer}) as server:
        pieces = pieces_of(model_at(loop, server.url, context_tokens=131072), sent)
    assert not pieces[-1].complete
    assert pieces[-1].notice is not None
    assert str(read) in pieces[-1].notice.text("en")


def test_ollama_over_v1(loop: EventLoop) -> None:
    script = {MODELS: "11-v1-models", CHAT: "28-v1-chat-stream"}
    with Replay(script) as server:
        model = model_at(loop, server.url, "smollm2:135m")
        pieces = pieces_of(model)
        assert text_of(pieces).strip()
        assert (pieces[-1].prompt_tokens, pieces[-1].answer_tokens, pieces[-1].complete) == (22, 8, True)
        assert not model.describe().counts_exactly
    with Replay(script | {CHAT: "04-v1-chat-unknown-model"}) as server, pytest.raises(ModelNotInstalled):
        pieces_of(model_at(loop, server.url, "nope"))


def studio(state: str, **fields: object) -> Reply:
    return said({"data": [{"id": "llama", "type": "vlm", "state": state, "max_context_length": 131072, **fields}]})


def test_lm_studio(loop: EventLoop) -> None:
    models = said({"data": [{"id": "llama", "owned_by": "organization_owner"}]})
    loaded = studio("loaded", loaded_context_length=6000, quantization="Q4_K_M")
    with Replay({MODELS: models, "/api/v0/models": loaded, CHAT: PARIS}) as server:
        described = model_at(loop, server.url).describe()
    assert (described.context_tokens, described.trained_context, described.vision) == (6000, 131072, True)
    with Replay({}) as server:
        state = lambda _: loaded if any(one.path == CHAT for one in server.requests) else studio("not-loaded")  # noqa: E731
        server.play({MODELS: models, "/api/v0/models": state, CHAT: PARIS})
        pieces = pieces_of(model_at(loop, server.url))
        assert stages_of(pieces) == ["connecting", "loading", "reading", "writing"]
        chats = [request.body for request in server.requests if request.path == CHAT]
        assert [chat["max_tokens"] for chat in chats] == [1, 64]


def test_schema_and_images(loop: EventLoop, server: Replay) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}}
    images = (b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff")
    pieces_of(model_at(loop, server.url), [ChatMessage("user", "Which?", images)], schema=schema)
    request = server.requests[-1].body
    assert request["response_format"]["json_schema"]["schema"] == schema
    text, *pictures = request["messages"][0]["content"]
    assert text == {"type": "text", "text": "Which?"}
    kinds = [picture["image_url"]["url"].partition(";")[0] for picture in pictures]
    assert kinds == ["data:image/png", "data:image/webp", "data:image/jpeg"]


STATES = {
    "connecting": VLLM | {MODELS: replace(SILENT, headers=(("Content-Type", "application/json"), SILENT.headers[1]))},
    "reading": VLLM | {CHAT: SILENT},
    "writing": VLLM | {CHAT: streamed(delta(content="Par"), done=False, ending="client closed")},
}


@pytest.mark.parametrize("state", STATES)
def test_stop_in_every_state(loop: EventLoop, state: str) -> None:
    with Replay(STATES[state]) as server:
        answer = model_at(loop, server.url).stream(ASK, answer_tokens=64)
        for piece in answer:
            if piece.stage and piece.stage.name == state:
                threading.Timer(0.3, answer.cancel).start()
        assert server.client_left.wait(_WAIT_SECONDS)
        answer.cancel()
        assert list(answer) == []


def test_stop_while_the_model_loads(loop: EventLoop) -> None:
    with Replay(VLLM | {MODELS: refused(503, "Loading model")}) as server:
        answer = model_at(loop, server.url).stream(ASK, answer_tokens=64)
        for piece in answer:
            if piece.stage and piece.stage.name == "loading":
                answer.cancel()
        asked = len(server.requests)
        assert not threading.Event().wait(1.0)  # two turns of asking again
        assert len(server.requests) == asked


def test_stop_before_the_first_piece(loop: EventLoop, server: Replay) -> None:
    answer = model_at(loop, server.url).stream(ASK, answer_tokens=64)
    answer.cancel()
    assert list(answer) == []
    assert server.requests == []


@pytest.mark.slow
def test_llama_cpp(loop: EventLoop, small_llm: GgufModel) -> None:
    """The server that the worker process runs is llama.cpp's own; another client sees what ours sees."""
    worker = small_llm._loop.run(small_llm._running()).worker
    address = worker.address
    model = model_at(loop, address, key=worker.key)
    described = model.describe()
    assert (described.context_tokens, described.trained_context) == (2048, 8192)
    assert (described.parameters, described.quantization, described.counts_exactly) == ("0.1B", "Q4_1", True)
    pieces = pieces_of(model)
    assert pieces[-1].prompt_tokens == model.count(ASK) == small_llm.count(ASK)
    reading = [piece.stage for piece in pieces if piece.stage and piece.stage.name == "reading"]
    assert reading[-1].tokens == pieces[-1].prompt_tokens
    with pytest.raises(PromptTooLong) as caught:
        pieces_of(model, [ChatMessage("user", "hello " * 3000)])
    assert caught.value.context == 2048
    assert caught.value.tokens == model.count([ChatMessage("user", "hello " * 3000)])
    for wrong in ("", "sk-wrong"):
        with pytest.raises(ModelRefused):
            model_at(loop, address, key=wrong).describe()
