"""``rag-app models pull``: a download followed to its end, or to Ctrl-C."""

from __future__ import annotations

import typer

from ingest.messages import message

from ..errors import ModelError
from ..llm.hardware import look
from ..llm.library import Library
from ..llm.pulling import PullStep
from ..llm.recommend import recommend
from .exits import Exit
from .figures import clock, size
from .output import Output
from .shapes import PulledJson


def recommended(output: Output) -> str:
    """The model for this computer, after saying so.

    Raises:
        ModelError: none fits.
    """
    best = recommend(look()).best
    if best is None:
        raise ModelError("models.no_fit")
    name = best.model.name
    gigabytes = f"{best.model.download / 1e9:.1f}"
    output.note(message("models.pulling_recommended", model=name, size=gigabytes), style="bold")
    return name


def follow(library: Library, name: str, output: Output) -> PullStep:
    """Fetch a model and show how far it is; returns the last step.

    Raises:
        typer.Exit: after Ctrl-C. ModelNotInstalled, OllamaUnreachable, ModelError.
    """
    for doubt in library.before_pull(name):
        output.note(doubt, style="yellow")
    output.note(message("models.pulling", model=name))
    pull = library.pull(name)
    last = PullStep(name, "looking")
    try:
        with output.following() as show:
            for step in pull:
                last = step
                share = step.fraction if step.total else None
                show(output.texts(f"models.stage_{step.stage}", model=name), share, _figures(step, output))
    except KeyboardInterrupt:
        pull.cancel()
        stopped = message("models.pull_stopped", model=name, done=size(last.done), total=size(last.total))
        output.note(stopped, style="yellow")
        if output.json:
            output.print_json(as_json(last))
        raise typer.Exit(Exit.INTERRUPTED) from None
    if last.stage != "done":  # the server closed the connection as if all were well
        raise ModelError("models.pull_ended", model=name, done=size(last.done), total=size(last.total))
    return last


def as_json(step: PullStep) -> PulledJson:
    """What a program is told of a download that is over."""
    return {"model": step.model, "finished": step.stage == "done", "done": step.done, "total": step.total}


def _figures(step: PullStep, output: Output) -> str:
    if not step.total:
        return ""
    values: dict[str, str] = {"done": size(step.done), "total": size(step.total)}
    if step.rate is None:
        return output.texts("models.pulled_bytes", **values)
    values["rate"] = size(step.rate)
    if step.seconds_left is None:
        return output.texts("models.pulled_rate", **values)
    return output.texts("models.pulled_left", **values, left=clock(step.seconds_left))
