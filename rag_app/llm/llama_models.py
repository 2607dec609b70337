"""The LLaMA 3 family as data: ``llama_models.toml`` beside this file, and the arithmetic of memory."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .context_size import CACHE_TYPES, memory_needed

_PREFIXES = ("registry.ollama.ai/", "library/")
_SAME_SIZE = ("latest", "instruct", "text")  # tags that name no size mean the default one


@dataclass(frozen=True, slots=True)
class LlamaModel:
    """A model of the family, in the quantization that its tag is pulled with.

    Attributes:
        name: Ollama's name and tag.
        head_size: values per key (and per value) of one head.
        download: bytes, about the same on the disk and in memory.
        context: tokens it was trained for.
        languages: ISO 639-1 codes of those its maker supports; it knows others, less well.
        vision: it takes images.
        image_bytes: of memory for reading images.
        latest: what its name without a tag means.
        newer: name of the model that took its place; "" for none.
        sources: addresses where these figures are from.
    """

    name: str
    parameters: int
    layers: int
    kv_heads: int
    head_size: int
    quantization: str
    download: int
    context: int
    languages: tuple[str, ...]
    licence: str
    released: str
    sources: tuple[str, ...]
    vision: bool = False
    image_bytes: int = 0
    latest: bool = False
    newer: str = ""

    @property
    def kv_bytes_per_token(self) -> float:
        """Bytes of KV cache for a token, f16: layers × KV heads × (key + value) × 2."""
        return self.layers * self.kv_heads * 2 * self.head_size * CACHE_TYPES["f16"]

    def kv_bytes(self, context: int) -> int:
        """Bytes of KV cache (f16) at a context."""
        return round(self.kv_bytes_per_token * context)

    def memory(self, context: int) -> int:
        """Bytes when loaded: weights + KV cache + buffers, see :func:`.context_size.memory_needed` for the sources."""
        return memory_needed(context, self.download, self.kv_bytes_per_token) + self.image_bytes


@cache
def family() -> tuple[LlamaModel, ...]:
    """All models, the smallest first."""
    with (Path(__file__).parent / "llama_models.toml").open("rb") as file:
        return tuple(_model(entry) for entry in tomllib.load(file)["model"])


def find(name: str) -> LlamaModel | None:
    """The model that an Ollama name means: ``llama3``, ``llama3:latest``, ``LLaMA3:8b-instruct-q4_K_M``.

    Of a quantization that is not listed, it is the model in its default one: as many layers, another size.
    """
    wanted = name.strip().lower()
    for prefix in _PREFIXES:
        wanted = wanted.removeprefix(prefix)
    base, _, tag = wanted.partition(":")
    size = (tag or "latest").split("-")[0]
    for model in family():
        if model.name.lower() == wanted:
            return model
    for model in family():
        if model.name == f"{base}:{size}" or (
            model.latest and size in _SAME_SIZE and model.name.startswith(f"{base}:")
        ):
            return model
    return None


def _model(entry: dict[str, Any]) -> LlamaModel:
    lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
    return LlamaModel(**{**entry, **lists})
