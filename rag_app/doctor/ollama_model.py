"""The model in use: installed, able to chat, with room in memory, and where it will run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from ingest.messages import Message, message

from ..errors import ModelError
from ..llm.context_size import STEPS, memory_needed
from ..llm.hardware import Machine
from ..llm.llama_models import find as find_llama
from ..llm.ollama import OllamaModel, OllamaOptions
from ..llm.ollama_server import LoadedModel, OllamaServer, OllamaStatus, tagged
from ..llm.placing import GIB, most_memory, usable_gpu
from ..protocols import ModelDescription
from ..settings import Settings
from ..types import Check

_DISK_BYTES = 1 << 30  # stays free
_LEAST_SHARE = 0.1  # of a model on the card, for the card to be worth it


def examine_model(
    settings: Settings,
    server: OllamaServer,
    status: OllamaStatus,
    bad: Literal["warn", "fail"],
    machine: Callable[[], Machine],
) -> Iterator[Check]:
    """The model that answers.

    Args:
        bad: how grave it is if it can't.
    """
    found = status.find(settings.model)
    if found is None:
        yield Check("model", bad, message("doctor.model_missing", model=settings.model), _get(settings.model, status))
        if server.is_local:
            yield from _room(settings.model, machine())
        return
    if not found.can_chat:
        yield Check("model", bad, message("doctor.model_embeds", model=found.name), _get("", status))
        return
    options = OllamaOptions(
        settings.context_tokens, settings.keep_alive, settings.thinking, settings.model_dir / "vocabularies"
    )
    try:
        model = OllamaModel(server, found.name, options).describe()
        loaded = next((one for one in server.loaded() if tagged(one.name) == tagged(found.name)), None)
    except ModelError as error:
        yield Check("model", bad, error.message, message("doctor.model_again", model=found.name))
        return
    yield Check("model", "ok", _about(model))
    if server.is_local and model.kv_bytes is not None:
        yield _memory(model, loaded, machine())


def _get(model: str, status: OllamaStatus) -> Message:
    """One command: the model that is there already, else the one that was asked for, else the one that suits."""
    if status.models:
        return message("doctor.model_use", model=status.models[0])
    return message("doctor.model_pull", model=model)


def _room(name: str, machine: Machine) -> Iterator[Check]:
    llama = find_llama(name)
    if llama is not None and llama.download + _DISK_BYTES > machine.free_disk:
        size, free = f"{llama.download / 1e9:.1f}", f"{machine.free_disk / 1e9:.1f}"
        finding = message("doctor.pull_disk", model=name, size=size, free=free)
        yield Check("model disk", "warn", finding, message("doctor.recommend"))


def _about(model: ModelDescription) -> Message:
    trained = model.trained_context or model.context_tokens
    size = f"{(model.size or 0) / 1e9:.1f}"
    key = "doctor.model" if model.counts_exactly else "doctor.model_estimated"
    return message(key, model=model.name, size=size, context=model.context_tokens, trained=trained)


def _memory(model: ModelDescription, loaded: LoadedModel | None, machine: Machine) -> Check:
    """Whether it fits, by the arithmetic of :mod:`rag_app.llm.context_size`, and where it runs."""
    if loaded is not None:
        return Check("model memory", "ok", _loaded(model.name, loaded))
    weights, kv_bytes = model.size or 0, model.kv_bytes or 0.0
    least, available = memory_needed(STEPS[0], weights, kv_bytes), most_memory(machine)
    if least > available:
        finding = message("doctor.memory_small", model=model.name, need=_gb(least), available=_gb(available))
        return Check("model memory", "warn", finding, message("doctor.recommend"))
    need = memory_needed(model.context_tokens, weights, kv_bytes)
    finding = message(
        "doctor.memory",
        model=model.name,
        context=model.context_tokens,
        need=_gb(need),
        available=_gb(available),
        place=_place(need, machine),
    )
    return Check("model memory", "ok", finding)


def _loaded(name: str, loaded: LoadedModel) -> Message:
    share = round(100 * loaded.on_gpu / loaded.size) if loaded.size else 0
    context = loaded.context or "?"
    return message("doctor.memory_loaded", model=name, memory=_gb(loaded.size), share=share, context=context)


def _place(need: int, machine: Machine) -> Message:
    on_card = usable_gpu(machine)
    if need <= on_card:
        return message("models.place_unified" if machine.unified else "models.place_gpu")
    return message("models.place_split" if on_card > _LEAST_SHARE * need else "models.place_cpu")


def _gb(size: int) -> str:
    """As makers count memory: 16 GB are 16 × 2³⁰."""
    return f"{size / GIB:.1f}"
