"""Every recording of a genuine Ollama server, and what a user of this app sees when it meets exactly that.

``python -m tests.test_transcripts`` prints the list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from ingest.messages import Language

from .meeting import (
    Door,
    Seen,
    asking,
    asking_of_all,
    beside,
    describing,
    installed,
    loaded,
    loading,
    nobody,
    nothing,
    openai,
    pulling,
    removing,
    stopping,
    version,
    with_images,
    words,
)
from .recordings import Reply, exchanges, names

_NEXT_STEP = re.compile(
    r"ollama (?:pull|serve|rm)|RAG_[A-Z]+|https?://|rag-app|OLLAMA_[A-Z]+|[Aa]sk |Try again|Save it|Pull it"
)
_NEXT_STEP_ZH = re.compile(r"请|可用的模型|ollama pull|rag-app")
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Row:
    """A transcript.

    Attributes:
        door: of ours that it comes through. seen: what is seen of each exchange. why: why the app meets it only so.
    """

    door: Door
    seen: tuple[str, ...]
    why: str


def row(door: Door, *seen: str, why: str = "") -> Row:
    return Row(door, seen, why)


ROWS = {
    "00-root": row(words, "ModelError ollama.not_ollama", why="the page of the root, which the app never asks for"),
    "00-root-head": row(words, "ModelError ollama.not_ollama", why="the app never asks for the root"),
    "01-version": row(version, "Ollama 0.33.0-rc2"),
    "02-tags-empty": row(installed, "models: none"),
    "02-v1-models-empty": row(openai, "ModelNotInstalled openai.which_model"),
    "03-ps-empty": row(loaded, "in memory: nothing"),
    "04-chat-unknown-model-empty-server": row(asking, "ModelNotInstalled ollama.no_model"),
    "04-chat-unknown-model-nostream": row(asking, "ModelNotInstalled ollama.no_model"),
    "04-embed-unknown-model": row(words, "ModelNotInstalled ollama.no_model", why="the app embeds without Ollama"),
    "04-generate-unknown-model": row(words, "ModelNotInstalled ollama.no_model", why="the app asks /api/chat only"),
    "04-show-unknown-model": row(describing, "ModelNotInstalled ollama.no_model"),
    "04-v1-chat-unknown-model": row(openai, "ModelNotInstalled openai.no_model"),
    "05-bad-json": row(words, "ModelError ollama.not_understood", why="the app sends JSON only"),
    "05-bad-model-name": row(
        asking,
        "ModelError ollama.bad_name",
        why="the model that is set has a name that the server knows, or it is told of before",
    ),
    "05-missing-model": row(asking, "ModelError ollama.bad_name", why="the app always names a model"),
    "05-no-body": row(words, "ModelError ollama.not_understood", why="the app always sends a body"),
    "05-wrong-type": row(asking, "ModelError ollama.not_understood", why="the app sends a list"),
    "06-unknown-path": row(
        words, "ModelError ollama.too_old", why="as an older Ollama answers a path it does not have"
    ),
    "06-wrong-method": row(words, "ModelError ollama.too_old", why="as another server may answer"),
    "07-host-forbidden": row(installed, "ModelRefused ollama.forbidden"),
    "07-origin-allowed": row(installed, "models: none"),
    "07-origin-forbidden": row(installed, "ModelRefused ollama.forbidden"),
    "07-preflight": row(words, "ModelError ollama.not_ollama", why="browsers ask so, the app does not"),
    "08-pull-missing-model": row(pulling, "ModelNotInstalled ollama.pull_unknown"),
    "08-pull-missing-model-nostream": row(pulling, "ModelNotInstalled ollama.pull_unknown"),
    "08-pull-registry-unreachable": row(pulling, "ModelError ollama.pull_unreachable"),
    "08-pull-registry-unreachable-nostream": row(pulling, "ModelError ollama.pull_unreachable"),
    "09-delete-unknown": row(removing, "ModelNotInstalled ollama.no_model"),
    "10-connection-refused": row(nobody, "OllamaUnreachable ollama.unreachable"),
    "11-tags": row(installed, "models: gemma3:270m, smollm2:135m, smollm2-tpl:135m"),
    "11-v1-models": row(openai, "ModelNotInstalled openai.which_model"),
    "12-show": row(describing, "smollm2:135m: 134.52M, Q4_1, trained for 8,192 tokens"),
    "12-show-embedding": row(describing, "NotSupported ollama.no_chat"),
    "12-show-verbose-name-key": row(describing, "smollm2:135m: 134.52M, Q4_1, trained for 8,192 tokens"),
    "13-ps-none": row(loaded, "in memory: gemma3:270m (4,096 tokens)"),
    "14-chat-cold-stream": row(asking, "answer"),
    "14-chat-warm-stream-other-prompt": row(asking, "answer, incomplete answer.at_limit"),
    "14-chat-warm-stream-same-prompt": row(asking, "answer"),
    "15-ps-loaded": row(loaded, "in memory: smollm2:135m (4,096 tokens), gemma3:270m (4,096 tokens)"),
    "16-chat-nostream": row(asking, "answer"),
    "17-chat-history": row(asking, "answer, incomplete answer.at_limit"),
    "17-chat-system": row(asking, "answer, incomplete answer.at_limit"),
    "18-chat-num_ctx-back": row(asking, "answer"),
    "18-chat-options": row(asking, "answer"),
    "18-chat-options-again": row(asking, "answer"),
    "18-keepalive-bad": row(asking, "ModelError ollama.bad_keep_alive"),
    "18-keepalive-forever": row(loading, "the model is in memory"),
    "18-options-unknown": row(asking, "answer, incomplete answer.at_limit"),
    "18-options-wrong-type": row(asking, "ModelError ollama.not_understood", why="the app sends a number"),
    "18-ps-after-options": row(loaded, "in memory: smollm2:135m (2,048 tokens), gemma3:270m (4,096 tokens)"),
    "18-ps-keepalive-forever": row(loaded, "in memory: smollm2:135m (4,096 tokens), gemma3:270m (4,096 tokens)"),
    "18-ps-keepalive-reset": row(loaded, "in memory: smollm2:135m (4,096 tokens), gemma3:270m (4,096 tokens)"),
    "19-chat-format-bad": row(asking, "ModelError ollama.not_understood", why="the app sends a schema"),
    "19-chat-format-json": row(asking, "answer, incomplete answer.at_limit"),
    "19-chat-format-schema": row(asking, "answer"),
    "19-chat-format-schema-cut": row(asking, "answer, incomplete answer.at_limit"),
    "19-chat-format-schema-nostream": row(asking, "answer"),
    "20-chat-unknown-model": row(asking, "ModelNotInstalled ollama.no_model"),
    "20-chat-untagged-name": row(asking, "ModelNotInstalled ollama.no_model"),
    "20-chat-upper-case": row(asking, "answer, incomplete answer.at_limit"),
    "21-num_predict-hit": row(asking, "answer, incomplete answer.at_limit"),
    "21-num_predict-hit-nostream": row(asking, "answer, incomplete answer.at_limit"),
    "22-empty-content": row(asking, "answer, incomplete answer.at_limit"),
    "22-empty-messages-load": row(loading, "the model is in memory"),
    "22-no-messages-key": row(loading, "the model is in memory"),
    "23-chat-keepalive-0": row(asking, "answer, incomplete answer.at_limit"),
    "23-keepalive-0-unload": row(
        loading, "the model is in memory", why="the app unloads nothing; read as the answer to loading"
    ),
    "23-ps-after-chat-keepalive-0": row(loaded, "in memory: gemma3:270m (4,096 tokens)"),
    "23-ps-after-unload-1s": row(loaded, "in memory: gemma3:270m (4,096 tokens)"),
    "23-ps-right-after-unload": row(loaded, "in memory: gemma3:270m (4,096 tokens)"),
    "24-chat-with-embedding-model": row(asking, "NotSupported ollama.no_chat"),
    "24-embed": row(words, "ModelError ollama.not_ollama", why="the app embeds without Ollama"),
    "24-embed-completion-model": row(words, "NotSupported ollama.no_embeddings", why="the app embeds without Ollama"),
    "24-embed-empty": row(words, "ModelError ollama.not_ollama", why="the app embeds without Ollama"),
    "24-embed-too-long": row(words, "ModelError ollama.not_ollama", why="the app embeds without Ollama"),
    "24-embed-too-long-notrunc": row(words, "PromptTooLong ollama.too_long", why="the app embeds without Ollama"),
    "24-embeddings-completion-model": row(
        words, "NotSupported ollama.no_embeddings", why="the app embeds without Ollama"
    ),
    "25-image-bad-base64": row(asking, "ModelError ollama.bad_image", why="the app encodes images itself"),
    "25-image-to-text-model": row(with_images, "NotSupported ollama.no_images"),
    "26-think-unsupported": row(with_images, "NotSupported ollama.no_thinking"),
    "26-tools-unsupported": row(asking, "NotSupported ollama.no_tools", why="the app gives a model no tools"),
    "27-generate-nostream": row(words, "answer, empty", why="the app asks /api/chat only"),
    "27-generate-stream": row(words, "answer, empty", why="the app asks /api/chat only"),
    "28-v1-chat": row(openai, "ModelError openai.wrong_address", why="the app always has answers streamed"),
    "28-v1-chat-stream": row(openai, "answer"),
    "28-v1-embeddings": row(words, "ModelError ollama.not_ollama", why="the app embeds without Ollama"),
    "29-assistant-last": row(asking, "answer"),
    "29-gzip": row(installed, "models: gemma3:270m, smollm2:135m, smollm2-tpl:135m"),
    "29-role-unknown": row(asking, "answer, incomplete answer.at_limit"),
    "29-stop": row(asking, "answer"),
    "29-unicode-stream": row(asking, "answer, incomplete ollama.repetition"),
    "30-repeat-abort-generate": row(words, "ModelError ollama.not_ollama", why="the app asks /api/chat only"),
    "30-repeat-abort-nostream": row(asking, "answer, incomplete ollama.repetition"),
    "30-repeat-abort-stream": row(asking, "answer, incomplete ollama.repetition"),
    "31-long-single-message": row(asking, "answer, incomplete ollama.was_cut"),
    "31-long-single-message-shift-false": row(asking, "PromptTooLong ollama.too_long"),
    "31-long-single-message-shift-truncate-false": row(asking, "PromptTooLong ollama.too_long"),
    "31-long-single-message-truncate-false": row(asking, "PromptTooLong ollama.too_long"),
    "31-long-system-short-user": row(asking, "answer, incomplete ollama.was_cut"),
    "32-long-history": row(asking, "answer, incomplete ollama.was_cut"),
    "32-long-history-rendered": row(asking, "ModelError ollama.not_ollama", why="the app asks for no debugging"),
    "32-long-history-truncate-false": row(asking, "PromptTooLong ollama.too_long"),
    "33-generate-long": row(words, "answer answer.at_limit, empty", why="the app asks /api/chat only"),
    "33-generate-long-truncate-false": row(words, "PromptTooLong ollama.too_long", why="the app asks /api/chat only"),
    "34-gen-beyond-ctx": row(asking, "answer, incomplete answer.at_limit"),
    "34-gen-beyond-ctx-shift-false": row(asking, "answer, incomplete answer.at_limit"),
    "35-exact-fit": row(asking, "answer"),
    "35-long-default-ctx": row(asking, "answer, incomplete ollama.was_cut"),
    "35-v1-long-default-ctx": row(openai, "PromptTooLong openai.too_long"),
    "36-num_ctx-above-training": row(asking, "answer, incomplete answer.at_limit"),
    "36-num_ctx-negative": row(asking, "answer, incomplete answer.at_limit"),
    "36-num_ctx-tiny": row(asking, "answer, incomplete answer.at_limit"),
    "36-ps-num_ctx-above-training": row(
        loaded, "in memory: smollm2:135m (8,192 tokens), gemma3:270m (256 tokens), all-minilm:22m (512 tokens)"
    ),
    "40-concurrent-six-same-model": row(
        asking_of_all,
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
    ),
    "40-concurrent-two-models": row(
        asking_of_all, "answer, incomplete answer.at_limit", "answer, incomplete answer.at_limit"
    ),
    "40-concurrent-two-same-model": row(
        asking_of_all, "answer, incomplete answer.at_limit", "answer, incomplete answer.at_limit"
    ),
    "40-light-calls-while-busy": row(
        beside,
        "answer, incomplete answer.at_limit",
        "models: gemma3:270m, smollm2:135m, smollm2-tpl:135m",
        "in memory: smollm2:135m (4,096 tokens), gemma3:270m (4,096 tokens)",
        "the model is in memory",
        "Ollama 0.33.0-rc2",
    ),
    "41-disconnect-during-load": row(loaded, "in memory: nothing"),
    "41-disconnect-during-prompt-eval": row(asking, "answer, incomplete answer.at_limit"),
    "41-disconnect-midstream": row(stopping, "answer, incomplete", "answer, incomplete answer.at_limit"),
    "41-disconnect-while-queued": row(asking, "answer, incomplete answer.at_limit"),
    "42-runner-killed-midstream": row(
        asking, "answer, incomplete ollama.runner_died", "answer, incomplete answer.at_limit"
    ),
    "42-runner-killed-nostream": row(asking, "ModelError ollama.runner_died", "answer, incomplete answer.at_limit"),
    "43-unload-while-streaming": row(
        asking_of_all,
        "answer, incomplete answer.at_limit",
        "answer, empty",
        why="the second is another program that unloads the model",
    ),
    "44-ttft-cold-warm": row(nothing, why="figures, no exchange"),
    "45-tokens-per-second": row(nothing, why="figures, no exchange"),
    "46-contention": row(nothing, why="figures, no exchange"),
    "50-concurrent-two-num_parallel-2": row(
        asking_of_all, "answer, incomplete answer.at_limit", "answer, incomplete answer.at_limit"
    ),
    "51-max_queue-1-loaded": row(
        asking_of_all,
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
    ),
    "51-max_queue-1-other-model": row(
        asking_of_all,
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "answer, incomplete answer.at_limit",
        "ModelBusy ollama.busy",
        "ModelBusy ollama.busy",
    ),
    "52-model-swap-wait": row(
        asking_of_all, "answer, incomplete answer.at_limit", "answer, incomplete answer.at_limit"
    ),
    "53-native-chat": row(asking, "answer, incomplete answer.at_limit"),
    "53-native-format": row(asking, "answer, incomplete answer.at_limit"),
    "53-native-image": row(with_images, "NotSupported ollama.no_images"),
    "53-native-long": row(asking, "PromptTooLong ollama.too_long"),
    "53-native-long-history": row(asking, "answer, incomplete ollama.was_cut"),
    "53-native-long-truncate-false": row(asking, "PromptTooLong ollama.too_long"),
    "53-native-tools": row(asking, "NotSupported ollama.no_tools", why="the app gives a model no tools"),
    "54-server-sigkill-midstream": row(
        asking, "answer, incomplete ollama.broke_off", "OllamaUnreachable ollama.unreachable"
    ),
    "54-server-sigterm-midstream": row(
        asking, "answer, incomplete ollama.broke_off", "OllamaUnreachable ollama.unreachable"
    ),
    "55-model-file-missing": row(asking, "ModelNotInstalled ollama.no_model"),
    "55-model-file-truncated": row(asking, "ModelError ollama.damaged_model"),
    "55-tags-model-file-truncated": row(installed, "models: gemma3:270m, smollm2:135m, smollm2-tpl:135m"),
    "56-keepalive-2s-expiry": row(
        loaded,
        "in memory: smollm2:135m (4,096 tokens)",
        "in memory: smollm2:135m (4,096 tokens)",
        "in memory: smollm2:135m (4,096 tokens)",
        "in memory: smollm2:135m (4,096 tokens)",
        "in memory: nothing",
        "in memory: nothing",
        "in memory: nothing",
        "in memory: nothing",
    ),
    "57-num_ctx-huge-gemma": row(asking, "answer, incomplete answer.at_limit"),
    "57-ps-huge": row(loaded, "in memory: gemma3:270m (32,768 tokens)"),
}


def test_every_transcript_has_its_row() -> None:
    assert list(ROWS) == names()


@pytest.mark.parametrize("name", ROWS)
def test_what_a_user_sees(name: str) -> None:
    expected = ROWS[name]
    seen = expected.door(name)
    assert tuple(one.brief for one in seen) == expected.seen
    for one, exchange in zip(seen, exchanges(name), strict=True):
        assert isinstance(exchange.reply, Reply) or one.brief.startswith("OllamaUnreachable")
        if one.said and one.what.startswith("answer") and "empty" not in one.what:
            assert isinstance(exchange.reply, Reply)
            assert one.said == spoken(exchange.reply)  # nothing lost, nothing added
        if one.message is not None:
            check_words(one)


def spoken(reply: Reply) -> str:
    """What the model said in a recording, whichever way it was sent."""
    if not reply.body.startswith(b"data:"):
        return "".join(record["message"]["content"] for record in reply.records if "message" in record)
    events = [json.loads(line[6:]) for line in reply.body.split(b"\n") if line.startswith(b"data: {")]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


def check_words(seen: Seen) -> None:
    """Both languages name the cause and the next step."""
    assert seen.message is not None
    english, chinese = seen.message.text("en"), seen.message.text("zh")
    assert _NEXT_STEP.search(english), english
    assert _NEXT_STEP_ZH.search(chinese), chinese
    assert _CHINESE.search(chinese)
    assert not _CHINESE.search(english)
    for name, value in seen.message.values:
        if name in ("cause", "model", "url") and str(value) in english:
            assert str(value) in chinese


def table() -> str:
    """The list as Markdown."""
    lines = ["| transcript | message | what the user sees | 用户看到的 |", "|---|---|---|---|"]
    for name, expected in ROWS.items():
        for number, seen in enumerate(expected.door(name), 1):
            which = f"{name} ({number})" if len(expected.seen) > 1 else name
            english, chinese = (_ADDRESS.sub("127.0.0.1:11434", seen.text(language)) for language in _LANGUAGES)
            if expected.why:
                english = f"*{'not met' if expected.door is words else 'met only so'}: {expected.why}.* {english}"
            cells = [which, seen.message.key if seen.message else "–", english, chinese]
            lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
        if not expected.seen:
            lines.append(f"| {name} | – | *{expected.why}* | – |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
