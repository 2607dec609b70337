"""Where a model would run on a machine, with which context, and how fast: arithmetic, no measurement.

A token's weights and cache are read from memory once, so speed is bandwidth ÷ bytes read; real programs reach 50–85 %
of it (AlexsJones/llmfit#137 measured 50–70 %, ggml-org/llama.cpp#4167 up to 85 % on Apple silicon). Reading a prompt is
arithmetic instead: 25·10⁹ parameters × tokens a second were measured on two slow cores (3,478 tokens in 18.5 s with
135 million parameters), desktop cores do about twice that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .context_size import STEPS, compute_bytes, context_that_fits
from .hardware import Machine
from .llama_models import LlamaModel

Place = Literal["gpu", "unified", "split", "cpu"]

GIB = 1 << 30
APP_BYTES = GIB  # this app with its embedding model
_SYSTEM_BYTES = GIB * 5 // 4  # the operating system and a browser: this much
_SYSTEM_SHARE = 0.1  # and a tenth of the memory: who has more opens more
_CARD_BYTES = GIB // 2  # of each card: the driver's context and the screen (Ollama keeps 457 MiB)
_LEAST_CARD = 2 * GIB  # what a processor's built-in graphics calls its own memory is too small to help
_LEAST_SHARE = 0.1  # of a model on the card, for the card to be worth it
_TYPICAL_TOKENS = 3000  # six passages, a few turns and an answer
PROMPT_TOKENS = 2500
_EFFICIENCY = (0.5, 0.85)
_CARD_BANDWIDTH = (150e9, 350e9)  # of a card that bandwidth.toml does not list
_APPLE_BANDWIDTH = (68e9, 200e9)
_RAM_BANDWIDTH = 40e9  # two channels of DDR4 at 2400–3200
_SLOW_RAM_BANDWIDTH = 20e9  # one channel, as in small laptops
_SERVER_RAM_BANDWIDTH = 120e9  # six or eight channels
_SERVER_CORES = 16
_PROMPT_RATE = (12e9, 30e9)  # parameters × tokens a second and core
_MOST_READERS = 16  # threads beyond that wait for memory
_CONTEXTS = {"small": 8192, "middle": 16384, "large": 32768}
_MUCH = 23 * GIB  # Ollama's own default is 32k from 24 GB of graphics memory on (docs/context-length)
_BOTH = 24 * GIB


@dataclass(frozen=True, slots=True)
class Placed:
    """A model on a machine.

    Attributes:
        context: tokens, num_ctx.
        memory: bytes taken at that context.
        available: bytes there are for it.
        on_gpu: share of it that lies on graphics cards, 0–1.
        tokens_per_second: of an answer, from slowest to fastest likely.
        wait_seconds: until the first word, reading six passages; None on a graphics card, where it is short.
    """

    model: LlamaModel
    context: int
    place: Place
    memory: int
    available: int
    on_gpu: float
    tokens_per_second: tuple[float, float]
    wait_seconds: tuple[float, float] | None


def usable_ram(machine: Machine) -> int:
    """Bytes of RAM left for a model beside the operating system, a browser and this app."""
    system = _SYSTEM_BYTES + round(_SYSTEM_SHARE * machine.total_ram)
    if machine.limited:
        system = GIB // 4  # a container holds no desktop
    return max(0, machine.total_ram - system - APP_BYTES)


def usable_gpu(machine: Machine) -> int:
    """Bytes for a model on all graphics cards together, or of the memory that the graphics processor shares."""
    if machine.unified is not None:
        return min(machine.unified.memory, usable_ram(machine))
    return sum(gpu.memory - _CARD_BYTES for gpu in machine.cards if gpu.memory >= _LEAST_CARD)


def most_memory(machine: Machine) -> int:
    """Bytes there are for a model, wherever."""
    if machine.unified is not None:
        return usable_gpu(machine)
    return usable_gpu(machine) + usable_ram(machine)


def place(machine: Machine, model: LlamaModel) -> Placed | None:
    """The fastest way to run ``model``; None where it does not fit even with the smallest context."""
    on_card, ram, least = usable_gpu(machine), usable_ram(machine), model.memory(STEPS[0])
    if machine.unified is not None:
        return _placed(machine, model, "unified", on_card, 1.0) if least <= on_card else None
    if least <= on_card:
        return _placed(machine, model, "gpu", on_card, 1.0)
    share = _share(model, on_card)
    if share >= _LEAST_SHARE and least <= on_card + ram:
        return _placed(machine, model, "split", on_card + ram, share)
    return _placed(machine, model, "cpu", ram, 0.0) if least <= ram else None


def wanted_context(machine: Machine, where: Place) -> int:
    """Tokens worth their memory: long prompts take minutes without a graphics card."""
    if where in ("cpu", "split"):
        return _CONTEXTS["middle" if machine.total_ram >= _BOTH else "small"]
    return _CONTEXTS["large" if usable_gpu(machine) >= _MUCH else "middle"]


def _placed(machine: Machine, model: LlamaModel, where: Place, memory: int, share: float) -> Placed:
    context = context_that_fits(
        wanted=wanted_context(machine, where),
        trained=model.context,
        kv_bytes=model.kv_bytes_per_token,
        weights=model.download,
        memory=memory - model.image_bytes,
    )
    if where == "split":
        share = _share(model, usable_gpu(machine), context)
    speed = _speed(machine, model, share)
    wait = None if share else _wait(machine, model)
    return Placed(model, context, where, model.memory(context), memory, share, speed, wait)


def _share(model: LlamaModel, on_card: int, context: int = STEPS[0]) -> float:
    """The part of the layers that lies on the cards; buffers are needed there as well, whole."""
    buffers = compute_bytes(context, model.download) + model.image_bytes
    layers = model.download + model.kv_bytes(context)
    return max(0.0, min(1.0, (on_card - buffers) / layers))


def _speed(machine: Machine, model: LlamaModel, share: float) -> tuple[float, float]:
    read = model.download + model.kv_bytes(_TYPICAL_TOKENS)
    cards, ram = _gpu_bandwidth(machine), _ram_bandwidth(machine)
    low, high = (share * read / card + (1 - share) * read / ram for card in cards)
    return _EFFICIENCY[0] / low, _EFFICIENCY[1] / high


def _gpu_bandwidth(machine: Machine) -> tuple[float, float]:
    """Of the slowest card: each waits for the others, layer by layer."""
    if machine.unified is not None:
        known = machine.unified.bandwidth
        return (known, known) if known else _APPLE_BANDWIDTH
    cards = [gpu for gpu in machine.cards if gpu.memory >= _LEAST_CARD]
    known = min((gpu.bandwidth or 0.0 for gpu in cards), default=0.0)
    return (known, known) if known else _CARD_BANDWIDTH


def _ram_bandwidth(machine: Machine) -> float:
    if machine.cores >= _SERVER_CORES and machine.total_ram >= 4 * _BOTH:
        return _SERVER_RAM_BANDWIDTH
    return _SLOW_RAM_BANDWIDTH if machine.cores <= 2 else _RAM_BANDWIDTH


def _wait(machine: Machine, model: LlamaModel) -> tuple[float, float]:
    slow, fast = (rate * min(machine.cores, _MOST_READERS) for rate in _PROMPT_RATE)
    return PROMPT_TOKENS * model.parameters / fast, PROMPT_TOKENS * model.parameters / slow
