"""``rag-app models …``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ..errors import RagError
from ..llm.background import EventLoop
from ..llm.hardware import look
from ..llm.library import ChosenModel, Library, ModelEntry
from ..llm.ollama_server import OllamaServer
from ..llm.recommend import recommend as recommend_for
from ..settings import Settings, language
from . import completing
from .figures import size
from .output import Output
from .pulling import as_json, follow, recommended
from .recommending import note_elsewhere, show
from .texts import Texts

_COLUMNS = ("size", "parameters", "context", "languages", "licence", "state")


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    group = typer.Typer(help=texts("models.group"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(group, name="models")

    @group.command("list", help=texts.help("models.list", "rag-app models list"))
    def list_(json: Annotated[bool, texts.json_option()] = False) -> None:
        with _library(json=json) as (library, output, _):
            models = library.models()
            if json:
                output.print_json({"models": models})
            elif models:
                _table(models, output)
            else:
                output.note(output.texts("models.list_none"))

    @group.command(help=texts.help("models.pull", "rag-app models pull llama3.1:8b --use"))
    def pull(
        name: Annotated[
            str | None,
            typer.Argument(
                metavar="NAME",
                help=texts("models.pull_name"),
                show_default=False,
                autocompletion=completing.known_models,
            ),
        ] = None,
        then_use: Annotated[bool, typer.Option("--use", help=texts("models.pull_use"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with _library(json=json) as (library, output, settings):
            if name is None:
                note_elsewhere(settings.ollama_url, output)
            model = name or recommended(output)
            done = follow(library, model, output)
            chosen = library.use(model) if then_use else None
            if json:
                pulled = as_json(done)
                if chosen is not None:
                    pulled["chosen"] = chosen
                output.print_json(pulled)
                return
            output.line(output.texts("models.pulled", model=model, size=size(done.total)), style="green")
            if chosen:
                _used(chosen, output)
            elif not library.get(model).chosen:
                output.note(output.texts("models.then_use", model=model))

    @group.command(help=texts.help("models.use", "rag-app models use llama3.1:8b"))
    def use(
        name: Annotated[
            str, typer.Argument(metavar="NAME", show_default=False, autocompletion=completing.installed_models)
        ],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with _library(json=json) as (library, output, _):
            chosen = library.use(name)
            if json:
                output.print_json(chosen)
            else:
                _used(chosen, output)

    @group.command(help=texts.help("models.remove", "rag-app models remove llama3.1:8b"))
    def remove(
        name: Annotated[
            str, typer.Argument(metavar="NAME", show_default=False, autocompletion=completing.installed_models)
        ],
        yes: Annotated[bool, typer.Option("--yes", "-y", help=texts("cli.yes"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with _library(json=json) as (library, output, _):
            if json and not yes:
                raise RagError("cli.yes_needed")
            if not yes:
                found = library.get(name)
                question = output.texts("models.remove_confirm", model=found.name, size=size(found.size))
                typer.confirm(question, abort=True, err=True)
            gone = library.remove(name)
            output.report(gone, "models.removed", model=gone.name, size=size(gone.size))
            if gone.chosen:
                output.note(output.texts("models.removed_chosen"), style="yellow")

    @group.command(help=texts.help("models.recommend", "rag-app models recommend"))
    def recommend(
        vision: Annotated[bool, typer.Option("--vision", help=texts("models.vision_option"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        settings = Settings.load()
        output = Output(language(settings), json=json)
        note_elsewhere(settings.ollama_url, output)
        found = recommend_for(look(), vision=vision)
        if json:
            output.print_json(found)
        else:
            show(found, output)


@contextmanager
def _library(*, json: bool) -> Iterator[tuple[Library, Output, Settings]]:
    """The models, without opening the data folder: they can be managed where that can't be."""
    settings = Settings.load()
    loop = EventLoop()
    server = OllamaServer(settings.ollama_url, loop)
    try:
        yield Library(server, settings), Output(language(settings), json=json), settings
    finally:
        server.close()
        loop.close()


def _table(models: list[ModelEntry], output: Output) -> None:
    columns = [output.texts("cli.column_name"), *(output.texts(f"models.column_{name}") for name in _COLUMNS)]
    output.table(columns, [_row(model, output) for model in models])


def _row(model: ModelEntry, output: Output) -> tuple[str, ...]:
    return (
        model.name,
        size(model.size),
        f"{model.parameters} {model.quantization}".strip(),
        f"{model.context:,}" if model.context else "",
        " ".join(model.languages),
        model.licence,
        "\n".join(_states(model, output)),
    )


def _states(model: ModelEntry, output: Output) -> Iterator[str]:
    if model.chosen:
        yield output.texts("models.state_chosen")
    if not model.chat:
        yield output.texts("models.state_embeds")
    if model.vision:
        yield output.texts("models.state_vision")
    if model.fits is False:
        yield output.texts("models.state_too_large")
    if model.loaded is not None:
        loaded = model.loaded
        share = round(100 * loaded.on_gpu / loaded.size) if loaded.size else 0
        context = f"{loaded.context:,}" if loaded.context else "?"
        yield output.texts("models.state_loaded", memory=f"{loaded.size / 1e9:.1f}", share=share, context=context)


def _used(chosen: ChosenModel, output: Output) -> None:
    output.line(output.texts("models.used", model=chosen.name, file=chosen.file))
    for notice in chosen.notices:
        output.note(notice, style="yellow")
