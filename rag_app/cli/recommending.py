"""What ``rag-app models recommend`` prints."""

from __future__ import annotations

from urllib.parse import urlsplit

from ingest.messages import Message, message

from ..llm.hardware import Machine
from ..llm.placing import GIB, Placed
from ..llm.recommend import Recommendation
from .output import Output

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def note_elsewhere(url: str, output: Output) -> None:
    """Say so where Ollama runs on another machine than the one that is looked at."""
    if urlsplit(url).hostname not in _LOOPBACK:
        output.note(message("hardware.elsewhere", url=url), style="yellow")


def show(found: Recommendation, output: Output) -> None:
    """The machine, the model for it, why, how to get it, and what else there is."""
    language = output.texts.language
    for line in _machine(found.machine):
        output.line(line.text(language), style="dim")
    output.line()
    if found.best is not None:
        output.line(output.texts("models.best", name=found.best.model.name), style="bold green")
        output.line(_facts(found.best).text(language))
        output.line()
        output.line(output.texts("models.why"), style="bold")
    for reason in found.reasons:
        output.line(f"• {reason.text(language)}")
    if found.commands:
        output.line()
        output.line(output.texts("models.get"), style="bold")
        for command in found.commands:
            output.line(f"  {command}")
    others = [(one.choice.model.name, one.why) for one in found.alternatives]
    for title, rows in (("models.also", others), ("models.not_here", [(one.name, one.why) for one in found.unfit])):
        if rows:
            output.line()
            output.line(output.texts(title), style="bold")
            for name, why in rows:
                output.line(f"• {output.texts('models.item', name=name, why=why)}")


def _machine(machine: Machine) -> list[Message]:
    ram = {"total": f"{machine.total_ram / GIB:.1f}", "free": f"{machine.free_ram / GIB:.1f}"}
    lines = [message("hardware.machine", **ram, cores=machine.cores, disk=f"{machine.free_disk / 1e9:.0f}")]
    for gpu in machine.gpus:
        key = "hardware.shared" if gpu.unified else "hardware.card"
        lines.append(message(key, name=gpu.name, memory=f"{gpu.memory / GIB:.1f}"))
    return lines if machine.gpus else [*lines, message("hardware.no_card")]


def _facts(best: Placed) -> Message:
    return message(
        "models.facts",
        parameters=f"{best.model.parameters / 1e9:.1f}",
        size=f"{best.model.download / 1e9:.1f}",
        context=best.context,
        place=message(f"models.place_{best.place}"),
    )
