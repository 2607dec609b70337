"""No prompt is ever cut in silence: what is sent fits, what does not fit is left out whole and said, or refused."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app import RagApp
from rag_app.chat.fitting import fit
from rag_app.chat.prompts import load
from rag_app.chat.writing import ModelWriter
from rag_app.embedding.tokenizer import TextTokenizer
from rag_app.errors import PromptTooLong
from rag_app.llm.background import EventLoop
from rag_app.llm.completing import ModelCompletion
from rag_app.llm.gguf import GgufModel
from rag_app.llm.model_tokenizer import tokenizer_of
from rag_app.llm.openai_compatible import OpenAiModel
from rag_app.protocols import ChatMessage
from rag_app.reranking.llm import LlmReranker
from rag_app.types import Passage, Turn

from .chatting import ANSWER_TOKENS, CONTEXT, MODEL, PASSAGES, QUESTION, TURNS, Chat, passage
from .conftest import PROJECT, SAMPLES
from .recordings import Reply, refused, reply, said, written
from .replay import Replay, Request, Script
from .vocabulary import metadata_of, shown_with

PATHS_CONTEXT = 8192
_TEMPLATE_TOKENS = 8  # that the model's template puts around a message, at most
LONG = tuple(passage(number, f"Fact {number}: " + f"box {number} holds apples, " * 60) for number in range(1, 9))
TALK = tuple(
    Turn("user" if number % 2 == 0 else "assistant", f"turn {number}: " + "and so on " * 40) for number in range(24)
)


@pytest.fixture(scope="module")
def metadata(small_gguf: Path) -> dict[str, object]:
    return metadata_of(small_gguf)


@pytest.fixture(scope="module")
def tokenizer(metadata: dict[str, object]) -> TextTokenizer:
    made = tokenizer_of(metadata)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def exact(metadata: dict[str, object], tokenizer: TextTokenizer) -> dict[str, Script]:
    """A server that gives its vocabulary, and counts prompts as its model does."""

    def counted(request: Request) -> Reply:
        tokens = sum(tokenizer.count(message["content"]) + 5 for message in request.body["messages"])
        return reply("14-chat-cold-stream").counting(tokens)

    return {"/api/show verbose": shown_with(metadata), "/api/chat": counted}


def shape(asked: dict[str, Any], passages: Sequence[Passage] = LONG) -> tuple[int, int]:
    """How many older turns and how many passages a request has, each whole."""
    system, *turns, last = asked["messages"]
    assert (system["role"], last["role"]) == ("system", "user")
    assert last["content"].endswith(QUESTION)
    return len(turns), sum(given.text in last["content"] for given in passages)


# What is sent


def test_nothing_else_asks_a_model_of_ollama() -> None:
    """One place in the program builds a chat request, and it says that nothing may be cut."""
    found: dict[str, set[str]] = {}
    for package in ("ingest", "rag_app", "ui"):
        for file in (PROJECT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/api/"):
                    found.setdefault(node.value, set()).add(file.name)
    assert found["/api/chat"] == {"ollama.py"}
    assert not found.keys() & {"/api/generate", "/api/embed", "/api/embeddings"}


def answer_to(request: Request) -> Reply:
    """What a willing model answers: JSON where a schema is asked for."""
    schema = request.body.get("format")
    return written(["Yes [1]."] if schema is None else [json.dumps(_fitting(schema))], prompt_tokens=2000)


def _fitting(schema: dict[str, Any]) -> Any:
    kinds: dict[str, Any] = {"string": "What does it say?", "integer": 5, "array": [], "boolean": True, "number": 1.0}
    if schema.get("type") == "object":
        return {name: _fitting(inner) for name, inner in schema["properties"].items()}
    return schema["enum"][0] if "enum" in schema else kinds[schema.get("type", "string")]


@pytest.fixture(scope="module")
def paths(
    metadata: dict[str, object], model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Replay, RagApp]]:
    """An app in which a model does everything that one can be asked to do."""
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "PNG")
    sees = {"capabilities": ["completion", "vision"]}
    tags = reply("11-tags").json
    script: dict[str, Script] = {
        "/api/tags": said({"models": [{**entry, **sees} for entry in tags["models"] if entry["name"] == MODEL]}),
        "/api/show": said({**reply("12-show").json, **sees}),
        "/api/show verbose": said({**shown_with(metadata).json, **sees}),
        "/api/chat": answer_to,
    }
    folder = tmp_path_factory.mktemp("paths")
    with (
        Replay(script) as server,
        RagApp.open(
            data_dir=folder / "data",
            model_dir=model_dir,
            answers="ollama",
            model=MODEL,
            reranker="llm",
            context_tokens=PATHS_CONTEXT,
            ollama_url=server.url,
            language="en",
        ) as app,
    ):
        app.ingest(SAMPLES / "ollama-cheatsheet.md", SAMPLES / "什么是RAG.md")
        app.enrich()
        app.ask("How is a model removed with Ollama?")
        app.ask("检索增强生成是什么？", history=TALK)
        app.ask("How is a model removed with Ollama?", history=TALK, images=[picture.getvalue()])
        yield server, app


def test_every_path_forbids_that_anything_is_cut(paths: tuple[Replay, RagApp], tokenizer: TextTokenizer) -> None:
    server, _ = paths
    asked = server.chats
    assert len(asked) > 8
    assert any("format" in one for one in asked)
    assert any("images" in message for one in asked for message in one["messages"])
    for one in asked:
        assert (one["truncate"], one["shift"]) == (False, False)
        assert one["options"]["num_ctx"] == PATHS_CONTEXT  # the same for all: another one would load the model anew
        tokens = sum(tokenizer.count(message["content"]) + _TEMPLATE_TOKENS for message in one["messages"])
        assert tokens + one["options"]["num_predict"] <= PATHS_CONTEXT
    assert {one["options"]["num_ctx"] for one in server.loads} <= {PATHS_CONTEXT}


def test_a_rerank_or_a_note_that_does_not_fit_is_refused() -> None:
    with Replay({"/api/chat": refused(5000, CONTEXT)}) as server, Chat(server.url) as chat:
        completion = ModelCompletion(chat.model, 100)
        with pytest.raises(PromptTooLong, match="5000"):
            completion.complete("a very long prompt", {"type": "object"})
        reranker = LlmReranker(completion)
        with pytest.raises(PromptTooLong, match="RAG_CONTEXT_TOKENS"):
            reranker.scores("question", ["text"])
        assert len(server.chats) == 2


# What does not fit


def test_what_does_not_fit_is_left_out_before_it_is_sent(exact: dict[str, Script], tokenizer: TextTokenizer) -> None:
    given = LONG[:6]
    with Replay(exact) as server, Chat(server.url) as chat:
        last = chat.written(given, TALK)[-1]
    (asked,) = server.chats
    turns, passages = shape(asked)
    assert passages == len(given)  # they hold the answer: they come first
    assert 0 < turns < len(TALK)
    kept = asked["messages"][1:-1]
    assert [turn["content"] for turn in kept] == [turn.text for turn in TALK[-turns:]]  # the latest, whole
    assert kept[0]["role"] == "user"
    assert last.notice is not None
    assert (last.notice.key, last.notice.values) == ("answer.turns_left_out", (("count", len(TALK) - turns),))
    tokens = sum(tokenizer.count(message["content"]) + _TEMPLATE_TOKENS for message in asked["messages"])
    assert CONTEXT * 0.6 < tokens <= CONTEXT - ANSWER_TOKENS


def test_passages_go_whole_when_not_all_fit() -> None:
    script: dict[str, Script] = {"/api/chat": reply("14-chat-cold-stream").counting(1000)}
    with Replay(script) as server, Chat(server.url) as chat:  # counted in bytes: the vocabulary is not there
        last = chat.written(LONG, TURNS)[-1]
        given = shape(server.chats[0])
        assert given[0] == 0
        assert 0 < given[1] < len(LONG)
        assert last.passages == given[1]
        assert all(one.text in server.chats[0]["messages"][-1]["content"] for one in LONG[: given[1]])  # the best
        for _ in range(2):  # what the server counted then lets more of them in
            chat.written(LONG, TURNS)
        assert shape(server.chats[-1])[1] > given[1]


def test_a_server_that_counts_more_gets_fewer_passages_once() -> None:
    script: dict[str, Script] = {"/api/chat": [refused(6000, CONTEXT), reply("14-chat-cold-stream").counting(3000)]}
    with Replay(script) as server, Chat(server.url) as chat:
        pieces = chat.written(PASSAGES * 3, TURNS)
    first, second = server.chats
    assert len(second["messages"][-1]["content"]) < len(first["messages"][-1]["content"])
    assert second["messages"][-1]["content"].endswith(QUESTION)
    assert "[1] Boxes 1" in second["messages"][-1]["content"]
    assert pieces[-1].complete
    assert pieces[-1].passages is not None
    assert pieces[-1].passages < len(PASSAGES) * 3


@pytest.mark.parametrize(
    "name",
    [
        "31-long-single-message-truncate-false",
        "31-long-single-message-shift-false",  # without numbers
        "32-long-history-truncate-false",
        "53-native-long-truncate-false",
    ],
)
def test_there_is_no_third_attempt(name: str) -> None:
    with Replay({"/api/chat": name}) as server, Chat(server.url) as chat:
        with pytest.raises(PromptTooLong) as error:
            chat.written(PASSAGES, TURNS)
        assert len(server.chats) <= 2
    for language in ("en", "zh"):
        words = error.value.text(language)
        assert "?" not in words.replace("？", "")
        assert all(word in words for word in (MODEL, "RAG_CONTEXT_TOKENS"))
        assert any(character.isdigit() for character in words.replace(MODEL, ""))


def test_not_even_one_passage_fits(exact: dict[str, Script]) -> None:
    huge = (passage(1, "word " * 20_000),)
    with Replay(exact) as server, Chat(server.url) as chat:
        with pytest.raises(PromptTooLong) as error:
            chat.written(huge)
        assert server.chats == []
    assert (error.value.message.key, error.value.context) == ("ollama.context_too_small", CONTEXT - ANSWER_TOKENS)


def test_what_only_may_be_too_long_is_for_the_model_to_refuse() -> None:
    """Without its vocabulary a Chinese character counts as three tokens; that it has so many is most unlikely."""
    one = (passage(1, "检索增强生成先找出有关的段落，再让模型只根据它们回答。" * 30),)
    script: dict[str, Script] = {"/api/chat": [reply("14-chat-cold-stream").counting(900), refused(2100, 2048)]}
    with Replay(script) as server, Chat(server.url, context=2048) as chat:
        assert chat.model.count([ChatMessage("user", one[0].text)]) > 2048
        assert chat.answer(one).complete
    with Replay({"/api/chat": refused(2100, 2048)}) as server, Chat(server.url, context=2048) as chat:
        with pytest.raises(PromptTooLong, match="2100 tokens"):
            chat.answer(one)
        assert len(server.chats) == 1  # there is nothing to leave out


def test_a_history_that_begins_with_an_answer_is_cut_at_a_question() -> None:
    script: dict[str, Script] = {"/api/chat": reply("14-chat-cold-stream").counting(2000)}
    with Replay(script) as server, Chat(server.url) as chat:
        chat.written(PASSAGES, TALK[1:])
    turns, _ = shape(server.chats[0], PASSAGES)
    assert 0 < turns < len(TALK) - 1
    assert server.chats[0]["messages"][1]["role"] == "user"


@pytest.mark.parametrize("passages", [2, 4, 6])
def test_consecutive_questions_share_the_beginning_of_their_prompts(exact: dict[str, Script], passages: int) -> None:
    talk = TALK * 2
    with Replay(exact) as server, Chat(server.url) as chat:
        for turns in range(0, len(talk), 2):
            chat.written(LONG[: passages + turns // 2 % 2], talk[:turns])  # never quite the same room for them
    prompts = [asked["messages"] for asked in server.chats]
    kept = sum(before[:-1] == after[: len(before) - 1] for before, after in pairwise(prompts))
    assert any(len(after) < len(before) for before, after in pairwise(prompts))  # it did get too long
    assert kept > len(prompts) / 3  # and yet most begin with all of the one before but its question, which is last
    assert {prompt[0]["content"] for prompt in prompts} == {prompts[0][0]["content"]}


@given(
    st.lists(st.integers(1, 400), max_size=12),
    st.lists(st.integers(1, 300), max_size=16),
    st.integers(1, 2000),
    st.booleans(),
)
def test_whatever_is_to_fit_fits(passages: list[int], turns: list[int], budget: int, starts: bool) -> None:
    def build(given: Sequence[Passage], history: Sequence[Turn]) -> list[ChatMessage]:
        last = ChatMessage("user", " ".join(one.text for one in given))
        return [ChatMessage("system", "x"), *(ChatMessage(turn.role, turn.text) for turn in history), last]

    def count(prompt: Sequence[ChatMessage]) -> int:
        return sum(len(message.text.split()) + 3 for message in prompt)

    found = [passage(number, "word " * size) for number, size in enumerate(passages, 1)]
    talk = [Turn("user" if number % 2 == starts else "assistant", "word " * size) for number, size in enumerate(turns)]
    try:
        fitted = fit(build, count, found, talk, budget, "model")
    except PromptTooLong:
        assert count(build(found[:1], ())) > budget
        return
    assert fitted.tokens == count(fitted.messages) <= budget
    assert fitted.messages == build(found[: fitted.passages], talk[fitted.turns_left_out :])
    assert fitted.passages or not found
    if fitted.turns_left_out < len(talk):
        assert fitted.passages == len(found)  # turns only beside all passages
        assert not fitted.turns_left_out or talk[fitted.turns_left_out].role == "user"
    elif fitted.passages < len(found):
        assert count(build(found[: fitted.passages + 1], ())) > budget


# A server that cuts nevertheless


@pytest.mark.parametrize("counted", [258, 424])
def test_an_answer_to_a_prompt_that_was_cut_says_so(counted: int) -> None:
    with Replay({"/api/chat": reply("14-chat-cold-stream").counting(counted)}) as server, Chat(server.url) as chat:
        answer = chat.answer(LONG[:4])
    assert not answer.complete
    assert answer.notice is not None
    assert answer.notice.key == "ollama.was_cut"
    assert str(counted) in answer.notice.text("zh")
    assert answer.prompt_tokens == counted


# The other providers


def test_a_gguf_model_reads_all_that_it_is_given(small_gguf: Path) -> None:
    pytest.importorskip("xllamacpp")
    loop = EventLoop()
    model = GgufModel(loop, small_gguf, 768)
    try:
        writer = ModelWriter(model, load("answer"), 8)
        last = list(writer.stream(QUESTION, PASSAGES[:2], TALK[:8]))[-1]
        assert last.prompt_tokens == model.count(writer.sent)
        assert last.prompt_tokens <= 768 - 8
        assert 2 <= len(writer.sent) < 2 + 8
        with pytest.raises(PromptTooLong) as error:
            list(model.stream([ChatMessage("user", "word " * 2000)], answer_tokens=8))
        assert error.value.context == 768
        assert (error.value.tokens or 0) > 2000
    finally:
        model.close()
        loop.close()


def test_a_server_that_cuts_gets_only_what_surely_fits() -> None:
    """Ollama's /v1 cuts in silence, as was recorded, and does not count for us."""
    loop = EventLoop()
    script: dict[str, Script] = {"/v1/models": "11-v1-models", "/v1/chat/completions": "28-v1-chat-stream"}
    try:
        with Replay(script) as server:
            model = OpenAiModel(loop, server.url, MODEL, "", 2048)
            for text, answer_tokens in (("word " * 3000, 100), ("word " * 300, 1000)):
                prompt = [ChatMessage("user", text)]
                with pytest.raises(PromptTooLong) as error:
                    list(model.stream(prompt, answer_tokens=answer_tokens))
                assert error.value.context == 2048
            assert "/v1/chat/completions" not in [one.path for one in server.requests]
            writer = ModelWriter(model, load("answer"), 256)
            last = list(writer.stream(QUESTION, PASSAGES * 4, TALK))[-1]
            sent = server.requests[-1].body["messages"]
            assert 0 < (last.passages or 0) < len(PASSAGES) * 4
            assert sum(len(message["content"].encode()) for message in sent) <= 2048 - 256
            assert last.notice is not None  # and 22 tokens, as the recording has it, are too few for that prompt
            assert (last.notice.key, last.complete) == ("openai.was_cut", False)
            model.close()
    finally:
        loop.close()


def test_a_question_that_fails_leaves_the_next_one_alone() -> None:
    script: dict[str, Script] = {"/api/chat": [refused(9000, CONTEXT), reply("14-chat-cold-stream").counting(300)]}
    with Replay(script) as server, Chat(server.url) as chat:
        with pytest.raises(PromptTooLong, match="9000 tokens"):  # not even one passage would fit, by that count
            chat.written(PASSAGES)
        assert chat.answer().complete
