"""Which LLaMA 3 for which machine: the largest one that fits and does not keep anybody waiting, and why.

Pure: a described machine in, a recommendation out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.messages import Message, message
from ingest.values import Value

from .context_size import STEPS
from .hardware import Machine
from .llama_models import LlamaModel, family
from .placing import GIB, Placed, most_memory, place, usable_gpu

_LEAST_SPEED = 5.0  # tokens a second: people read about as fast
_MOST_WAIT_SECONDS = 120.0  # for the first word
_DISK_BYTES = 1 << 30  # stays free
_SMALL = 2_000_000_000  # parameters; below, answers are wrong noticeably more often
_ROOMY = 4096  # tokens; below, six passages do not fit beside the rest


@dataclass(frozen=True, slots=True, repr=False)
class Alternative(Value):
    """Another model that runs here, and what speaks for or against it."""

    choice: Placed
    why: Message


@dataclass(frozen=True, slots=True, repr=False)
class Unfit(Value):
    """A model that does not run here, and why."""

    name: str
    why: Message


@dataclass(frozen=True, slots=True, repr=False)
class Recommendation(Value):
    """What to run on a machine.

    Attributes:
        machine: the one it is for.
        best: model, context, place and speed; None where no model fits: quotes work without one.
        reasons: why this one, and what to know about it.
        alternatives: others that run here, the most sensible first.
        unfit: what does not, and why.
        commands: any of them gets the model.
    """

    machine: Machine
    best: Placed | None
    reasons: tuple[Message, ...]
    alternatives: tuple[Alternative, ...]
    unfit: tuple[Unfit, ...]
    commands: tuple[str, ...]


def recommend(machine: Machine, models: Sequence[LlamaModel] | None = None, vision: bool = False) -> Recommendation:
    """The largest model that fits into memory and on the disk, writes as fast as people read and starts in minutes.

    Where none is that fast, the fastest.

    Args:
        models: to choose from, the smallest first; the whole LLaMA 3 family unless given. What a newer one replaces
            is left out.
        vision: only models that take images.
    """
    offered = [one for one in (family() if models is None else models) if not one.newer and one.vision == vision]
    placed, unfit = [], []
    for model in offered:
        found = place(machine, model)
        if found is None:
            unfit.append(Unfit(model.name, _too_large(machine, model)))
        elif model.download + _DISK_BYTES > machine.free_disk:
            unfit.append(Unfit(model.name, _no_room(machine, model)))
        else:
            placed.append(found)
    best = _best(placed)
    if best is None:
        return Recommendation(machine, None, tuple(_without_model(machine)), (), tuple(unfit), ())
    name = best.model.name
    return Recommendation(
        machine,
        best,
        tuple(_reasons(machine, best)),
        tuple(_alternatives(placed, best)),
        tuple(unfit),
        (f"ollama pull {name}", f"rag-app models pull {name}"),
    )


def is_comfortable(placed: Placed) -> bool:
    """True when it writes as fast as people read and does not take minutes for the first word."""
    waits = placed.wait_seconds is not None and placed.wait_seconds[0] > _MOST_WAIT_SECONDS
    return placed.tokens_per_second[1] >= _LEAST_SPEED and not waits


def _best(placed: Sequence[Placed]) -> Placed | None:
    comfortable = [one for one in placed if is_comfortable(one)]
    if comfortable:
        return comfortable[-1]
    return max(placed, key=lambda one: one.tokens_per_second[1], default=None)


def _alternatives(placed: Sequence[Placed], best: Placed) -> Iterator[Alternative]:
    at = placed.index(best)
    for larger in placed[at + 1 : at + 2]:
        yield Alternative(larger, _slower(larger))
    for smaller in placed[max(0, at - 1) : at]:
        key = "models.smaller_longer" if smaller.context > best.context else "models.smaller"
        yield Alternative(smaller, message(key, speed=_span(smaller.tokens_per_second), context=smaller.context))


def _slower(placed: Placed) -> Message:
    speed = _span(placed.tokens_per_second)
    if placed.wait_seconds is None:
        return message("models.larger", speed=speed)
    return message("models.larger_wait", speed=speed, wait=_wait(placed.wait_seconds))


def _reasons(machine: Machine, best: Placed) -> Iterator[Message]:
    need, available = _gb(best.memory), _gb(best.available)
    match best.place:
        case "gpu":
            yield message("models.why_gpu", need=need, available=available, cards=_names(machine))
        case "unified":
            yield message("models.why_unified", need=need, available=available)
        case "split":
            share = round(100 * best.on_gpu)
            yield message("models.why_split", need=need, share=share, cards=_names(machine), available=available)
        case "cpu":
            yield message("models.why_cpu", need=need, available=available)
    yield message(_context_key(best), context=best.context)
    yield message("models.speed", speed=_span(best.tokens_per_second))
    if best.wait_seconds is not None:
        yield message("models.wait", wait=_wait(best.wait_seconds))
    if not is_comfortable(best):
        yield message("models.slow")
    yield from _warnings(machine, best)
    if best.model.parameters < _SMALL:
        yield message("models.small")
    if "zh" not in best.model.languages:
        yield message("models.chinese", count=len(best.model.languages))
    yield message("models.licence", licence=best.model.licence)
    if best.model.vision:  # Llama 3.2's acceptable use policy
        yield message("models.europe")


def _context_key(best: Placed) -> str:
    if best.context < _ROOMY:
        return "models.context_tight"
    further = next((step for step in STEPS if step > best.context), best.model.context)
    full = further <= best.model.context and best.model.memory(further) > best.available
    return "models.context_full" if full else "models.context"


def _warnings(machine: Machine, best: Placed) -> Iterator[Message]:
    if machine.limited:
        yield message("models.limited", total=_gb(machine.total_ram))
    in_ram = best.memory if best.place in ("cpu", "unified") else round(best.memory * (1 - best.on_gpu))
    if machine.free_ram < in_ram:
        yield message("models.busy_ram", free=_gb(machine.free_ram), need=_gb(in_ram))
    told = [gpu.free for gpu in machine.cards if gpu.free is not None]
    on_card = round(best.memory * best.on_gpu)
    if best.place == "gpu" and len(told) == len(machine.cards) and sum(told) < on_card:
        yield message("models.busy_gpu", free=_gb(sum(told)), need=_gb(on_card))


def _without_model(machine: Machine) -> Iterator[Message]:
    yield message("models.none")
    yield message("models.none_quotes")
    if machine.limited:
        yield message("models.limited", total=_gb(machine.total_ram))


def _too_large(machine: Machine, model: LlamaModel) -> Message:
    key = "models.unfit_memory_gpu" if usable_gpu(machine) and machine.unified is None else "models.unfit_memory"
    return message(key, need=_gb(model.memory(STEPS[0])), available=_gb(most_memory(machine)))


def _no_room(machine: Machine, model: LlamaModel) -> Message:
    return message("models.unfit_disk", size=f"{model.download / 1e9:.1f}", free=f"{machine.free_disk / 1e9:.1f}")


def _names(machine: Machine) -> str:
    return " + ".join(gpu.name for gpu in machine.cards)


def _gb(size: int) -> str:
    """Bytes as makers count memory: 16 GB are 16 × 2³⁰."""
    return f"{size / GIB:.1f}"


def _span(values: tuple[float, float]) -> str:
    low, high = (f"{value:.0f}" if value >= 1 else f"{value:.1f}" for value in values)
    return low if low == high else f"{low}–{high}"


def _wait(seconds: tuple[float, float]) -> Message:
    if seconds[1] < 90:
        return message("models.seconds", span=_span(seconds))
    return message("models.minutes", span=_span((seconds[0] / 60, seconds[1] / 60)))
