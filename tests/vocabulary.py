"""The real vocabulary of a real model, as Ollama and GGUF files carry it, and the model's own count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag_app.llm import gguf_file
from rag_app.llm.gguf import GgufModel

from .recordings import Reply, reply, said


def metadata_of(file: Path) -> dict[str, object]:
    """All of a GGUF file's header, its vocabulary too, which the app leaves out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf_file, "_MOST_KEPT", 1 << 30)
        metadata, _, _ = gguf_file._header(file)
    return metadata


def shown_with(metadata: dict[str, object]) -> Reply:
    """What Ollama shows of the model when it is asked for all."""
    shown: dict[str, Any] = reply("12-show").json
    for name in ("tokens", "merges", "token_type"):
        shown["model_info"][f"tokenizer.ggml.{name}"] = metadata[f"tokenizer.ggml.{name}"]
    return said(shown)


def tokens_of(model: GgufModel, text: str) -> int:
    """Tokens of a text as llama.cpp counts them in it."""

    async def ask() -> int:
        running = await model._running()
        request = {"content": text, "add_special": False, "parse_special": False}
        return len((await running.endpoint.client.ask("POST", "/tokenize", request))["tokens"])

    return model._loop.run(ask())
