"""Tokens of a prompt are never counted too few: against a real model, and against what a genuine server counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_app.embedding.tokenizer import TextTokenizer
from rag_app.errors import PromptTooLong
from rag_app.llm.counting import TokenBound
from rag_app.llm.gguf import GgufModel
from rag_app.llm.model_tokenizer import is_known, tokenizer_of
from rag_app.llm.ollama_errors import refusal
from rag_app.protocols import ChatMessage

from .chatting import MODEL, Chat
from .conftest import SAMPLES
from .recordings import Exchange, Reply, exchanges, names, reply
from .replay import Replay, Script
from .vocabulary import metadata_of, shown_with, tokens_of

_PIECES = [
    *("the ", "retrieval", " Fahrvergnügen", "naïve", "I'LL ", "don't", "\n", "\n\n", "    ", "\t", " ", "ＧＰＵ"),
    *("。", "，", "上下文", "量化模型需要多少显存？", "大型语言模型", "𠮷", "한국어", "हिन्दी", "ภาษาไทย", "עברית"),
    *("٣٤٥", "²³", "½", "1234567890", "3.14159e-12", "-1,000,000.00", "😀", "👩\u200d👧", "🇨🇳", "é", "e\u0301"),
    *("\u200b", "\ufeff", "\x00", "\x85", "\u2028", "<|im_start|>", "<|im_end|>", "</s>", '{"a": [1, 2, null]}'),
    "def f(x: int) -> int:\n    return x ** 2  # comment\n",
    *("https://example.org/a?b=c#d", "==============", "||---|---||", "$\\sum_{i=0}^{n} x_i$"),
]
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.lists(st.sampled_from(_PIECES), max_size=30).map("".join),
)


def as_turns(texts: list[str]) -> list[ChatMessage]:
    """In turns, the last of which is the user's."""
    last = len(texts) - 1
    return [ChatMessage("assistant" if (last - number) % 2 else "user", text) for number, text in enumerate(texts)]


prompts = st.lists(texts, min_size=1, max_size=5).map(as_turns)
with_a_model = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def metadata(small_gguf: Path) -> dict[str, object]:
    return metadata_of(small_gguf)


@pytest.fixture(scope="module")
def tokenizer(metadata: dict[str, object]) -> TextTokenizer:
    made = tokenizer_of(metadata)
    assert made is not None
    return made


def prose() -> list[str]:
    """The sample documents that are plain text, in both languages, in pieces of a passage's size."""
    files = sorted(file for file in SAMPLES.iterdir() if file.suffix in (".md", ".txt"))
    read = [file.read_text(encoding="utf-8") for file in files]
    return [text[start : start + 1200] for text in read for start in range(0, len(text), 1200)]


# Against a real model


@with_a_model
@given(text=texts)
def test_a_vocabulary_of_gguf_or_ollama_counts_as_the_model_does(
    text: str, tokenizer: TextTokenizer, small_llm: GgufModel
) -> None:
    assert tokenizer.count(text) == tokens_of(small_llm, text)


def test_every_character_is_counted_as_the_model_does(tokenizer: TextTokenizer, small_llm: GgufModel) -> None:
    for start in range(0, 0x20000, 0x400):
        characters = [chr(code) for code in range(start, start + 0x400) if not 0xD800 <= code < 0xE000]
        text = " ".join(f"a{one}{one}1{one}" for one in characters)
        assert tokenizer.count(text) == tokens_of(small_llm, text), hex(start)


@with_a_model
@given(prompt=prompts)
def test_a_prompt_is_never_counted_too_low(
    prompt: list[ChatMessage], tokenizer: TextTokenizer, small_llm: GgufModel
) -> None:
    real = small_llm.count(prompt)
    assert TokenBound().count(prompt) >= real
    assert TokenBound(tokenizer.count).count(prompt) >= real
    for bound in (TokenBound(), TokenBound(tokenizer.count)):
        assert bound.least(prompt) <= real
        bound.learn(prompt, real)
        assert bound.count(prompt) >= real  # nor after it was learned from


def test_what_is_learned_from_one_text_holds_for_the_others(small_llm: GgufModel) -> None:
    counted = [([ChatMessage("user", text)], small_llm.count([ChatMessage("user", text)])) for text in prose()]
    assert len(counted) > 20
    shares = []
    for prompt, tokens in counted:
        bound = TokenBound()
        before = [bound.count(other) for other, _ in counted]
        bound.learn(prompt, tokens)
        after = [bound.count(other) for other, _ in counted]
        assert all(now >= real for now, (_, real) in zip(after, counted, strict=True))
        shares.append(sum(after) / sum(before))
    assert median(shares) < 0.95  # and it was worth it


def test_less_is_noticed_whatever_the_language(small_llm: GgufModel) -> None:
    for text in prose():
        prompt = [ChatMessage("user", text)]
        real = small_llm.count(prompt)
        assert real / 10 < TokenBound().least(prompt) <= real


# Against what a genuine server counted


def read_whole() -> list[tuple[str, list[ChatMessage], int]]:
    """Prompts of the transcripts that the server read, or refused, as a whole, and its count."""
    found = []
    for name in names():
        for number, exchange in enumerate(exchanges(name)):
            if exchange.path == "/api/chat" and isinstance(exchange.body, dict) and exchange.body.get("model") == MODEL:
                tokens = _counted(exchange)
                if tokens is not None and "num_ctx-" not in name:
                    found.append((f"{name}#{number}", _prompt(exchange), tokens))
    return found


CUT = {
    "31-long-single-message#0",
    "31-long-system-short-user#0",
    "32-long-history#0",
    "35-long-default-ctx#0",
    "53-native-long-history#0",
}


def _prompt(exchange: Exchange) -> list[ChatMessage]:
    given = exchange.body.get("messages") if isinstance(exchange.body.get("messages"), list) else []
    return [ChatMessage(message["role"], message["content"]) for message in given]


def _counted(exchange: Exchange) -> int | None:
    sent = exchange.reply
    assert isinstance(sent, Reply)
    if sent.status == 200:
        counts = [record.get("prompt_eval_count") for record in sent.records if record.get("done")]
        return cast("int | None", counts[0]) if counts else None
    error = refusal(sent.status, sent.body.decode(), "", MODEL)
    return error.tokens if isinstance(error, PromptTooLong) else None


WHOLE = [(prompt, tokens) for name, prompt, tokens in read_whole() if name not in CUT]


def test_what_a_server_read_whole_is_never_counted_too_low(tokenizer: TextTokenizer) -> None:
    assert len(WHOLE) > 30
    assert max(tokens for _, tokens in WHOLE) == 3978
    for prompt, tokens in WHOLE:
        assert TokenBound().count(prompt) >= tokens
        exact = TokenBound(tokenizer.count)
        assert exact.count(prompt) >= tokens
        assert sum(tokenizer.count(message.text) for message in prompt) <= tokens  # the rest is the template
        for bound in (TokenBound(), exact):
            assert bound.least(prompt) <= tokens
            bound.learn(prompt, tokens)
            assert all(bound.count(other) >= real for other, real in WHOLE)


def test_what_a_server_cut_is_noticed(tokenizer: TextTokenizer) -> None:
    cut = [(prompt, tokens) for name, prompt, tokens in read_whole() if name in CUT]
    assert len(cut) == len(CUT)
    for prompt, tokens in cut:
        assert TokenBound().least(prompt) > tokens
        assert TokenBound(tokenizer.count).least(prompt) > tokens


# Where the vocabulary comes from


def test_ollama_s_vocabulary_is_asked_for_once(metadata: dict[str, object], tmp_path: Path) -> None:
    verbose = shown_with(metadata)
    for opened in range(2):
        with Replay({"/api/show verbose": verbose}) as server, Chat(server.url, cache=tmp_path / "kept") as chat:
            assert chat.model.describe().counts_exactly
            one = [ChatMessage("user", "What is the capital of France? 法国的首都是哪里？")]
            two = [ChatMessage("user", "What is the capital of France? 法国的首都是哪里？ 12345")]
            assert chat.model.count(two) - chat.model.count(one) == 6  # a blank and each digit, as the model has it
            asked = [request for request in server.requests if request.key == "/api/show verbose"]
            assert len(asked) == 1 - opened


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe"])
def test_a_vocabulary_that_was_kept_and_damaged_is_asked_for_again(
    damage: bytes, metadata: dict[str, object], tmp_path: Path
) -> None:
    script: dict[str, Script] = {"/api/show verbose": shown_with(metadata)}
    for _ in range(2):
        with Replay(script) as server, Chat(server.url, cache=tmp_path) as chat:
            assert chat.model.describe().counts_exactly
            assert "/api/show verbose" in [request.key for request in server.requests]
        (kept,) = tmp_path.glob("*.json")
        kept.write_bytes(damage)


def test_a_vocabulary_that_cannot_be_kept_still_counts(metadata: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        Replay({"/api/show verbose": shown_with(metadata)}) as server,
        Chat(server.url, cache=tmp_path / "file") as chat,
    ):
        assert chat.model.describe().counts_exactly


def test_of_other_vocabularies_nothing_is_claimed(metadata: dict[str, object]) -> None:
    def without(name: str, value: object) -> dict[str, object]:
        return {**metadata, f"tokenizer.ggml.{name}": value}

    assert is_known(metadata)
    for changed in (
        without("pre", "tekken"),
        without("model", "llama"),
        without("merges", None),
        without("tokens", []),
    ):
        assert tokenizer_of(changed) is None
    with Replay({}) as server, Chat(server.url) as chat:  # it does not give its vocabulary
        assert not chat.model.describe().counts_exactly


@pytest.mark.parametrize("count", [None, lambda text: len(text.split())])
def test_half_a_character_counts(count: Callable[[str], int] | None) -> None:
    prompt: Sequence[ChatMessage] = [ChatMessage("user", "a \ud83d b")]
    assert TokenBound(count).count(prompt) > TokenBound(count).least(prompt) > 0


def test_images_are_counted_and_not_learned_from() -> None:
    text = [ChatMessage("user", "What is this?")]
    image = [ChatMessage("user", "What is this?", (b"png", b"png"))]
    bound = TokenBound()
    assert bound.count(image) - bound.count(text) >= 2 * 1024
    bound.learn(image, 100_000)
    assert bound.count(text) == TokenBound().count(text)


def test_the_largest_prompt_of_a_recording_is_what_the_server_said() -> None:
    told = refusal(400, reply("53-native-long-truncate-false").body.decode(), "", MODEL)
    assert isinstance(told, PromptTooLong)
    assert (told.tokens, told.context) == (3969, 512)
