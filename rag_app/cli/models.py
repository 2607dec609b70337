"""``rag-app models …``."""

from typing import Annotated

import typer

from ..llm.hardware import look
from ..llm.recommend import recommend as recommend_for
from ..settings import Settings, language
from .output import Output
from .recommending import note_elsewhere, show
from .texts import Texts


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    group = typer.Typer(help=texts("models.group"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(group, name="models")

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
