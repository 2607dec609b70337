"""Models without Ollama: a GGUF file, an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ingest.messages import Message, message

from ..errors import ModelError
from ..llm.background import EventLoop
from ..llm.context_size import STEPS, memory_needed
from ..llm.gguf_file import read_gguf
from ..llm.hardware import Machine
from ..llm.openai_client import OpenAiClient
from ..llm.openai_server import Served, served
from ..llm.placing import GIB, most_memory
from ..settings import Settings
from ..types import Check

_MOST_SECONDS = 15.0  # for an answer of a server on the other side of the world
_REMEDIES = {
    "openai.refused": "doctor.openai_key",
    "openai.which_model": "doctor.openai_model",
    "openai.no_model": "doctor.openai_model",
}


def examine_gguf(settings: Settings, machine: Callable[[], Machine]) -> Iterator[Check]:
    """The file is there, whole, and a model that can chat and fits; llama.cpp is installed."""
    bad: Literal["warn", "fail"] = "fail" if settings.answers == "gguf" else "warn"
    if find_spec("xllamacpp") is None:
        yield Check("gguf", bad, message("doctor.gguf_package"), message("doctor.gguf_install"))
    try:
        file = read_gguf(Path(settings.gguf_path).expanduser())
    except ModelError as error:
        yield Check("gguf", bad, error.message, message("doctor.gguf_remedy"))
        return
    about = " ".join(part for part in (file.architecture, file.parameters, file.quantization) if part)
    finding = message("doctor.gguf", path=file.path, about=about, size=f"{file.size / 1e9:.1f}")
    yield Check("gguf", "ok", finding)
    least, available = memory_needed(STEPS[0], file.size, file.kv_bytes or 0.0), most_memory(machine())
    if least > available:
        need, there = f"{least / GIB:.1f}", f"{available / GIB:.1f}"
        finding = message("doctor.memory_small", model=file.path.name, need=need, available=there)
        yield Check("model memory", "warn", finding, message("doctor.recommend"))


def examine_openai(settings: Settings) -> Iterator[Check]:
    """The server answers, lets us in, and has the model. The key is never part of a finding."""
    bad: Literal["warn", "fail"] = "fail" if settings.answers == "openai" else "warn"
    if not settings.openai_url:
        yield Check("openai", bad, message("doctor.openai_none"), message("doctor.openai_address"))
        return
    loop = EventLoop()
    try:
        found = loop.run(_served(settings))
    except ModelError as error:
        remedy = _REMEDIES.get(error.message.key, "doctor.openai_address")
        yield Check("openai", bad, error.message, message(remedy))
        return
    except TimeoutError:
        finding = message("doctor.openai_silent", url=settings.openai_url, seconds=f"{_MOST_SECONDS:.0f}")
        yield Check("openai", bad, finding, message("doctor.openai_address"))
        return
    finally:
        loop.close()
    yield Check("openai", "ok", _about(found, settings.openai_url))


async def _served(settings: Settings) -> Served:
    client = OpenAiClient(settings.openai_url, settings.openai_api_key.get_secret_value())
    try:
        return await asyncio.wait_for(served(client, settings.openai_model), _MOST_SECONDS)
    finally:
        await client.close()


def _about(found: Served, url: str) -> Message:
    context = f"{found.context:,}" if found.context else "?"
    return message("doctor.openai", url=url, model=found.model, context=context)
