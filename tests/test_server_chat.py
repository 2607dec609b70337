"""A knowledge base as a model: the official ``openai`` client, unmodified, talks to the server over HTTP."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from rag_app import RagApp, Turn
from rag_app.errors import ModelError
from rag_app.llm.gguf import GgufModel
from rag_app.protocols import ChatMessage, ChatModel, ModelPiece
from rag_app.server.appended import separated

from .conftest import NOBODY
from .scripted import ScriptedModel, ScriptedStream
from .serving import events, served

LOG = "Where is the Ollama server log on Windows?"
MODEL = "rag:default"


def asked(*said: str) -> list[Any]:
    """Messages of a conversation, the user's first."""
    return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(said)]


@pytest.fixture(scope="module")
def address(samples: RagApp) -> Iterator[str]:
    with served(samples) as url:
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none is asked for", max_retries=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def modelled(samples: RagApp) -> Iterator[RagApp]:
    """The sample documents, answered by whatever model a test gives."""
    changed = {"answers": "openai", "openai_url": NOBODY}
    with RagApp.open(samples.settings.model_copy(update=changed)) as rag:
        rag.retrieve(LOG)
        yield rag


@pytest.fixture
def with_model(modelled: RagApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[str, openai.OpenAI]]]:
    """Serves them with a model, and settings of the server; gives the address and a client."""
    with contextlib.ExitStack() as opened:

        def serve(model: ChatModel, **settings: Any) -> tuple[str, openai.OpenAI]:
            monkeypatch.setattr("rag_app.llm.select.Models.chat_model", lambda models: model)
            monkeypatch.setattr(modelled, "settings", modelled.settings.model_copy(update=settings))
            url = opened.enter_context(served(modelled))
            return url, opened.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0))

        yield serve


def text_of(chunks: Sequence[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_streamed_cited_conversation(client: openai.OpenAI, samples: RagApp) -> None:
    options: Any = {"include_usage": True}
    first = list(client.chat.completions.create(model=MODEL, messages=asked(LOG), stream=True, stream_options=options))
    assert first[0].choices[0].delta.role == "assistant"
    assert len([one for one in first if one.choices and one.choices[0].delta.content]) > 2  # in pieces
    assert [one.usage is not None for one in first] == [False] * (len(first) - 1) + [True]
    answer = text_of(first)
    assert "server.log [1]" in answer
    assert "**Sources**" in answer
    assert "- [1] llama3-on-your-pc.pdf — p. 13" in answer
    last = first[-2]
    assert last.choices[0].finish_reason == "stop"
    citations = last.choices[0].delta.model_extra["citations"]  # type: ignore[index]
    cited = citations[0]
    assert (cited["number"], cited["document"], cited["page"]) == (1, "llama3-on-your-pc.pdf", 13)
    page = next(one for one in samples.read_pages(cited["document_id"]).pages if one.number == 13)
    assert cited["quote"] in page.text

    again = list(client.chat.completions.create(model=MODEL, messages=asked(LOG, answer, "And on Linux?"), stream=True))
    assert "journalctl -u ollama" in text_of(again)
    ours = again[-1].model_extra["rag"]  # type: ignore[index]
    assert "Ollama server log" in ours["question"]  # made to stand alone
    assert ours["answered_by"] == "quotes"
    assert all(one.usage is None for one in again)


def test_the_same_at_once_and_in_chinese(client: openai.OpenAI) -> None:
    question = "终端里中文显示成乱码，应该执行什么命令？"
    found = client.chat.completions.create(model=MODEL, messages=asked(question))
    message = found.choices[0].message
    assert "chcp 65001" in (message.content or "")
    assert "**来源**\n\n- [1] 在自己的电脑上运行LLaMA3.pdf — 第 14 页" in (message.content or "")
    assert message.model_extra["citations"][0]["label"] == "第 14 页"  # type: ignore[index]
    assert found.choices[0].finish_reason == "stop"
    bare = client.chat.completions.create(
        model=MODEL, messages=asked(question), extra_body={"rag": {"references": False}}
    )
    assert message.content is not None
    assert bare.choices[0].message.content == message.content.partition("\n\n---")[0]


def test_the_clients_own_stream_helper_takes_it(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=asked(LOG)) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    assert "server.log [1]" in (final.choices[0].message.content or "")


def test_the_stream_ends_as_clients_expect(address: str) -> None:
    body = {"model": MODEL, "messages": asked("红烧肉怎么做才好吃？"), "stream": True}
    with httpx.stream("POST", f"{address}/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        said = list(events(response))
    assert said[-1] == "[DONE]"
    assert said[-2]["rag"]["refused"] is True
    assert said[-2]["choices"][0]["delta"]["citations"] == []
    assert "".join(one["choices"][0]["delta"].get("content", "") for one in said[:-1]) == (
        "在你的文档里没有找到相关内容。"
    )


def test_models_are_the_knowledge_bases(client: openai.OpenAI) -> None:
    assert [one.id for one in client.models.list()] == [MODEL, "multilingual-e5-small"]
    assert client.models.retrieve(MODEL).model_extra["rag"]["documents"] > 10  # type: ignore[index]
    with pytest.raises(openai.NotFoundError) as wrong:
        client.models.retrieve("gpt-4o")
    assert wrong.value.code == "model_not_found"


def test_embeddings_are_the_apps_own(client: openai.OpenAI, samples: RagApp) -> None:
    texts = ["LLaMA 3 needs memory.", "LLaMA 3 需要内存。", "x " * 2000]
    passage: Any = {"input_type": "passage"}
    made = client.embeddings.create(model="multilingual-e5-small", input=texts, extra_body=passage)  # as base64
    assert made.usage.prompt_tokens == samples.embed(*texts).tokens
    assert np.allclose([one.embedding for one in made.data], samples.embed(*texts).vectors, atol=1e-6)
    plain = client.embeddings.create(
        model="multilingual-e5-small", input=texts[:1], encoding_format="float", extra_body=passage
    )
    assert np.allclose(plain.data[0].embedding, made.data[0].embedding, atol=1e-6)
    query = client.embeddings.create(
        model="multilingual-e5-small", input=texts[0], extra_body={"input_type": "query"}, dimensions=384
    )
    assert np.allclose(query.data[0].embedding, samples.embed(texts[0], query=True).vectors[0], atol=1e-6)
    assert not np.allclose(query.data[0].embedding, made.data[0].embedding, atol=1e-3)
    unsaid = client.embeddings.create(model="multilingual-e5-small", input=texts[0])
    assert np.allclose(unsaid.data[0].embedding, query.data[0].embedding, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"model": "text-embedding-3-small", "input": "a"}, "model_not_found"),
        ({"model": "multilingual-e5-small", "input": [1, 2, 3]}, "bad_value"),
        ({"model": "multilingual-e5-small", "input": []}, "bad_value"),
        ({"model": "multilingual-e5-small", "input": "a", "dimensions": 2}, "bad_dimensions"),
    ],
)
def test_embeddings_that_can_not_be(client: openai.OpenAI, wrong: Any, code: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.embeddings.create(**wrong)
    assert refused.value.code == code


def test_what_clients_send_besides_is_accepted(client: openai.OpenAI) -> None:
    found = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Answer like a pirate."}, *asked(LOG)],
        temperature=0.2,
        top_p=0.9,
        max_tokens=50,
        presence_penalty=0.1,
        seed=7,
        stop=["###"],
        user="ann",
        n=1,
        response_format={"type": "text"},
        extra_body={"top_k": 40, "enable_thinking": False, "repetition_penalty": 1.1},
    )
    assert "server.log [1]" in (found.choices[0].message.content or "")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"n": 2}, "n"),
        ({"frobnicate": True}, "frobnicate"),
        ({"rag": {"refences": False}}, "rag.refences"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [*asked("a", "b")]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"rag": {"filters": {"since": "yesterday"}}}, "rag.filters.since"),
    ],
)
def test_nonsense_is_named(client: openai.OpenAI, wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=MODEL, messages=asked(LOG), extra_body=wrong)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "rag:nothing"}, 404, "model_not_found"),
        ({"model": "gpt-4o"}, 404, "model_not_found"),
        ({"messages": asked("  ")}, 400, "question_error"),
        ({"messages": asked("x" * 5000)}, 400, "question_error"),
        ({"rag": {"knowledge_bases": ["nothing"]}}, 404, "unknown_knowledge_base"),
        ({"rag": {"filters": {"documents": ["nothing.pdf"]}}}, 404, "unknown_document"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_have_a_status_even_where_a_stream_was_asked_for(
    address: str, body: dict[str, Any], status: int, code: str, stream: bool
) -> None:
    whole = {"model": MODEL, "messages": asked(LOG), "stream": stream, **body}
    url = f"{address}/v1/chat/completions"
    said = {language: httpx.post(url, json=whole, headers={"Accept-Language": language}) for language in ("en", "zh")}
    assert said["en"].status_code == status
    assert said["en"].json()["error"]["code"] == code
    assert set(said["en"].json()["error"]) == {"message", "type", "param", "code"}
    assert said["en"].json()["error"]["message"] != said["zh"].json()["error"]["message"]


def test_filters_and_several_knowledge_bases(client: openai.OpenAI) -> None:
    chosen = {"filters": {"types": ["docx"]}, "knowledge_bases": ["default"]}
    found = client.chat.completions.create(model=MODEL, messages=asked(LOG), extra_body={"rag": chosen})
    cited = found.choices[0].message.model_extra["citations"]  # type: ignore[index]
    assert {one["document"].rpartition(".")[2] for one in cited} <= {"docx"}


def test_an_image_is_never_fetched(client: openai.OpenAI) -> None:
    def with_image(url: str) -> Any:
        parts = [{"type": "text", "text": LOG}, {"type": "image_url", "image_url": {"url": url}}]
        return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])  # type: ignore[misc,list-item]

    for url in ("http://127.0.0.1:9/a.png", "https://example.com/a.png", "file:///etc/passwd"):
        with pytest.raises(openai.BadRequestError) as refused:
            with_image(url)
        assert refused.value.code == "remote_image"
    with pytest.raises(openai.BadRequestError) as bad:
        with_image("data:image/png;base64,!!!!")
    assert bad.value.code == "bad_image"


def test_an_image_goes_to_a_model_that_sees(with_model: Any) -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    model = ScriptedModel(lambda messages: "It is red.", vision=True)
    _, client = with_model(model)
    parts: Any = [{"type": "text", "text": "What colour?"}, {"type": "image_url", "image_url": {"url": url}}]
    found = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])
    assert (found.choices[0].message.content or "").startswith("It is red.")
    assert model.asked[-1][-1].images[0].startswith(b"\xff\xd8")  # JPEG, made small


# With a language model

SUPPORTED = "On Windows the log is at %LOCALAPPDATA%\\Ollama\\server.log [1]."
INVENTED = "The moon is made of green cheese and was sold for 12,345 dollars."


def test_nothing_that_is_withdrawn_was_ever_shown(with_model: Any) -> None:
    _, client = with_model(ScriptedModel(lambda messages: INVENTED))
    chunks = list(client.chat.completions.create(model=MODEL, messages=asked(LOG), stream=True))
    assert "cheese" not in text_of(chunks)
    assert text_of(chunks).startswith("The model wrote something, but your documents do not support it")
    assert chunks[-1].model_extra["rag"]["refused"] is True


def test_text_flows_once_a_sentence_is_found_and_doubts_are_marked(with_model: Any) -> None:
    _, client = with_model(ScriptedModel(lambda messages: f"{SUPPORTED} {INVENTED}"))
    chunks = list(client.chat.completions.create(model=MODEL, messages=asked(LOG), stream=True))
    said = [one.choices[0].delta.content for one in chunks if one.choices and one.choices[0].delta.content]
    assert said[0].endswith("[1].")  # held back until the first sentence was found
    assert len(said) > 5  # then word by word
    assert "12,345 dollars. (not found in your documents)" in "".join(said)
    sentences = chunks[-1].model_extra["rag"]["sentences"]
    assert [one["support"] for one in sentences] == ["supported", "unsupported"]


def test_the_history_reaches_the_model_as_it_was_said(with_model: Any) -> None:
    model = ScriptedModel(lambda messages: SUPPORTED)
    _, client = with_model(model)
    refused = asked("红烧肉怎么做？", "在你的文档里没有找到相关内容。")
    first = client.chat.completions.create(model=MODEL, messages=asked(LOG)).choices[0].message.content
    client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "You are a pirate."},
            *refused,
            *asked(LOG, first, "How much memory does LLaMA 3 8B need?"),
        ],
    )
    last = model.asked[-1]
    assert [one.role for one in last] == ["system", "user", "assistant", "user"]
    assert not any("pirate" in one.text for one in last)
    assert last[1].text == LOG
    assert last[2].text == SUPPORTED  # without the list of sources
    assert "没有找到" not in "".join(one.text for one in last)  # refusals teach a model to refuse


def test_a_model_makes_a_follow_up_stand_alone(with_model: Any) -> None:
    def answer(messages: Sequence[ChatMessage]) -> str:
        if "Rewrite my next question" in messages[-1].text:
            return json.dumps({"question": "Where is the Ollama server log on Linux?"})
        return "On Linux the log is read with journalctl -u ollama [1]."

    _, client = with_model(ScriptedModel(answer))
    said = asked(LOG, SUPPORTED, "And on Linux?")
    found = client.chat.completions.create(model=MODEL, messages=said)
    assert found.model_extra["rag"]["question"] == "Where is the Ollama server log on Linux?"  # type: ignore[index]
    assert "journalctl" in (found.choices[0].message.content or "")


class EndlessModel(ScriptedModel):
    """Writes the same sentence until it is stopped.

    Attributes:
        stopped: set when somebody stops it.
    """

    def __init__(self) -> None:
        super().__init__(lambda messages: "")
        self.stopped = threading.Event()
        self.writing = threading.Event()

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ScriptedStream:
        model = self

        class Stream(ScriptedStream):
            def cancel(self) -> None:
                super().cancel()
                model.stopped.set()

        return Stream(self._endless())

    def _endless(self) -> Iterator[ModelPiece]:
        while True:
            self.writing.set()
            time.sleep(0.01)
            yield ModelPiece(f"{SUPPORTED} ")


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_model(with_model: Any, stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = EndlessModel()
    address, client = with_model(model, serve_questions=1)
    body = json.dumps({"model": MODEL, "messages": asked(LOG), "stream": stream})
    host = address.removeprefix("http://")
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host.split(":")[0], int(host.split(":")[1]))) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert model.writing.wait(30)
        if stream:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert model.stopped.wait(30)
    ended = ScriptedModel(lambda messages: SUPPORTED)
    monkeypatch.setattr("rag_app.llm.select.Models.chat_model", lambda models: ended)
    again = client.chat.completions.create(model=MODEL, messages=asked(LOG), timeout=60)  # the one place is free again
    assert again.choices[0].finish_reason == "stop"


def test_the_server_ends_while_an_answer_is_written(modelled: RagApp, monkeypatch: pytest.MonkeyPatch) -> None:
    model = EndlessModel()
    monkeypatch.setattr("rag_app.llm.select.Models.chat_model", lambda models: model)
    body = {"model": MODEL, "messages": asked(LOG), "stream": True}
    with contextlib.ExitStack() as server:
        url = server.enter_context(served(modelled))
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=60) as response:
            assert next(events(response))
            server.close()  # waits until it has ended
            assert model.stopped.is_set()


def test_two_clients_at_once_and_one_too_many(with_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_app.server.working._WAITING", 1)
    gate = threading.Event()

    def answer(messages: Sequence[ChatMessage]) -> str:
        assert gate.wait(30)
        return SUPPORTED

    model = ScriptedModel(answer)
    address, _ = with_model(model, serve_questions=1)
    found: list[httpx.Response] = []
    body = {"model": MODEL, "messages": asked(LOG)}

    def ask() -> None:
        found.append(httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while not found and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found[0].status_code == 429  # one at work, one waiting
    assert found[0].headers["retry-after"]
    assert found[0].json()["error"]["type"] == "rate_limit_error"
    gate.set()
    for thread in threads:
        thread.join(30)
    assert sorted(one.status_code for one in found) == [200, 200, 429]


class BreakingModel(ScriptedModel):
    """Fails before its first word, or after a sentence."""

    def __init__(self, said: str) -> None:
        super().__init__(lambda messages: "")
        self._said_first = said

    def _said(self, messages: tuple[ChatMessage, ...], answer_tokens: int) -> Iterator[ModelPiece]:
        if self._said_first:
            yield ModelPiece(f"{self._said_first} ")
        raise ModelError("openai.broke_off", url=NOBODY, cause="power cut")


@pytest.mark.parametrize("stream", [True, False])
def test_a_model_that_fails(with_model: Any, stream: bool) -> None:
    _, client = with_model(BreakingModel(""))
    with pytest.raises(openai.APIError) as failed:
        for _ in (
            client.chat.completions.create(model=MODEL, messages=asked(LOG), stream=stream)
            if stream
            else (client.chat.completions.create(model=MODEL, messages=asked(LOG)),)
        ):
            pass
    assert failed.value.code == "model_error"


def test_half_an_answer_is_kept_and_told(with_model: Any) -> None:
    _, client = with_model(BreakingModel(SUPPORTED))
    found = client.chat.completions.create(model=MODEL, messages=asked(LOG))
    assert found.choices[0].finish_reason == "length"
    content = found.choices[0].message.content or ""
    assert content.startswith(SUPPORTED[:-1])
    assert "ⓘ *" in content
    assert found.model_extra["rag"]["complete"] is False  # type: ignore[index]


@pytest.mark.slow
def test_a_real_small_model_holds_a_conversation(
    samples: RagApp, small_llm: GgufModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag_app.llm.select.Models.chat_model", lambda models: small_llm)
    changed = {"answers": "openai", "openai_url": NOBODY, "mode": "open", "answer_tokens": 64, "passages": 2}
    with RagApp.open(samples.settings.model_copy(update=changed)) as rag, served(rag) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0)
        chunks = list(client.chat.completions.create(model=MODEL, messages=asked(LOG), stream=True))
        answer = text_of(chunks)
        assert answer.strip()
        assert chunks[-1].model_extra["rag"]["answered_by"] == small_llm.name  # type: ignore[index]
        more = asked(LOG, answer, "And on Linux?")
        again = list(client.chat.completions.create(model=MODEL, messages=more, stream=True))
        client.close()
    assert text_of(again).strip()
    assert "linux" in again[-1].model_extra["rag"]["question"].lower()  # type: ignore[index]
    for chunks_of in (chunks, again):
        said, _ = separated(text_of(chunks_of))
        cited = chunks_of[-1].choices[0].delta.model_extra["citations"]  # type: ignore[index]
        assert {int(number) for number in re.findall(r"\[(\d+)\]", said)} == {one["number"] for one in cited}


def test_reply_is_the_python_api_of_it(samples: RagApp) -> None:
    history = (Turn("user", LOG), Turn("assistant", samples.ask(LOG).text))
    stream = samples.reply("And on Linux?", history)
    text = "".join(stream)
    assert stream.answer.text == text
    assert stream.condensed is not None
    assert stream.condensed.how == "terms"
    assert "journalctl" in text
    stopped = samples.reply(LOG)
    stopped.cancel()
    assert stopped.answer.text == ""
    assert stopped.answer.complete is False


def test_a_setting_leaves_the_sources_out(samples: RagApp) -> None:
    with RagApp.open(samples.settings.model_copy(update={"serve_references": False})) as rag, served(rag) as url:
        body = {"model": MODEL, "messages": asked(LOG)}
        found = httpx.post(f"{url}/v1/chat/completions", json=body).json()
    assert "Sources" not in found["choices"][0]["message"]["content"]
    assert found["choices"][0]["message"]["citations"]


def test_no_file_of_the_description_comes_from_elsewhere(address: str) -> None:
    page = httpx.get(f"{address}/docs")
    assert "http" not in page.text.replace("http-", "")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs/{name}" in page.text
        assert httpx.get(f"{address}/docs/{name}").status_code == 200
    assert httpx.get(f"{address}/docs/..%2f__init__.py").status_code == 404
