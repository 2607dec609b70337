"""What a model on an Ollama server is: its context on this machine, what it can do, how its tokens are counted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotSupported
from ..protocols import ModelDescription
from .context_size import context_that_fits, kv_bytes_per_token
from .counting import TokenBound
from .model_tokenizer import is_known, kept, tokenizer_of
from .ollama_server import InstalledModel, LoadedModel, installed, loaded, shown, tagged

if TYPE_CHECKING:
    from .ollama_client import Client

_HEADROOM = 3 << 29  # bytes of free memory that are left to everything else
_KV_CACHE_TYPE = "OLLAMA_KV_CACHE_TYPE"


@dataclass(frozen=True, slots=True)
class OllamaOptions:
    """How a model is used.

    Attributes:
        context_tokens: most of prompt and answer together; memory may allow fewer.
        keep_alive: how long the model stays in memory after an answer, as Ollama writes it: "30m", "-1", "0".
        thinking: let a model that can think do so before it answers.
        cache: folder for vocabularies of models.
    """

    context_tokens: int
    keep_alive: str = "30m"
    thinking: bool = False
    cache: Path | None = None

    @property
    def keep_alive_value(self) -> str | int:
        """As Ollama takes it: a bare number is seconds, but not as a string."""
        return int(self.keep_alive) if self.keep_alive.lstrip("-").isdigit() else self.keep_alive


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that was looked at."""

    description: ModelDescription
    bound: TokenBound


async def look_at(client: Client, name: str, options: OllamaOptions, *, is_local: bool) -> KnownModel:
    """Ask the server, and this machine for its memory.

    Args:
        is_local: whether the server runs on this machine.

    Raises:
        ModelNotInstalled, OllamaUnreachable, ModelError; NotSupported: it is an embedding model.
    """
    entry = (await installed(client)).find(name)
    told = await shown(client, name)
    capabilities = told.get("capabilities") or ["completion"]
    if "completion" not in capabilities:
        raise NotSupported("ollama.no_chat", model=name)
    info: dict[str, Any] = told.get("model_info") or {}
    details = told.get("details") or {}
    kv_bytes = kv_bytes_per_token(info, os.environ.get(_KV_CACHE_TYPE, "f16"))
    trained = info.get(f"{info.get('general.architecture')}.context_length")
    size = entry.size if entry else None
    running = await loaded_entry(client, name)
    memory = await asyncio.to_thread(_memory, running) if is_local and size else None
    bound = TokenBound(await _tokenizer(client, name, info, entry, options.cache))
    description = ModelDescription(
        name=name,
        provider="ollama",
        context_tokens=_context(options.context_tokens, trained, kv_bytes, size, running, memory),
        trained_context=trained,
        parameters=str(details.get("parameter_size") or ""),
        quantization=str(details.get("quantization_level") or ""),
        size=size,
        kv_bytes=kv_bytes,
        vision="vision" in capabilities,
        thinking="thinking" in capabilities,
        counts_exactly=bound.is_exact,
    )
    return KnownModel(description, bound)


async def loaded_entry(client: Client, name: str) -> LoadedModel | None:
    """What the server says of a model in memory; None if it is not there.

    Raises:
        OllamaUnreachable, ModelError.
    """
    return next((one for one in await loaded(client) if tagged(one.name) == tagged(name)), None)


def _context(
    wanted: int,
    trained: int | None,
    kv_bytes: float | None,
    size: int | None,
    running: LoadedModel | None,
    memory: int | None,
) -> int:
    """What fits; a model that is loaded with more, up to the setting, need not be loaded anew."""
    fits = context_that_fits(wanted=wanted, trained=trained, kv_bytes=kv_bytes, weights=size, memory=memory)
    return running.context if running and running.context and fits <= running.context <= wanted else fits


def _memory(running: LoadedModel | None) -> int:
    """Bytes that the model may take, on graphics cards too; what it takes already is its own."""
    from .hardware import look

    machine = look(Path.home())
    free = machine.free_ram + sum(gpu.free or 0 for gpu in machine.gpus if not gpu.unified)
    return max(0, free + (running.size if running else 0) - _HEADROOM)


async def _tokenizer(
    client: Client, name: str, info: dict[str, Any], entry: InstalledModel | None, folder: Path | None
) -> Callable[[str], int] | None:
    """The model's own count, where its vocabulary is of a kind we know; kept on the disk under its digest."""
    if not is_known(info):
        return None
    file = folder / f"{entry.digest[:16]}.json" if folder and entry and entry.digest else None
    made = await asyncio.to_thread(kept, file) if file is not None else None
    if made is None:
        verbose = (await shown(client, name, verbose=True)).get("model_info") or {}
        made = await asyncio.to_thread(tokenizer_of, verbose, file)
    return made.count if made is not None else None
