"""``rag-app ask``."""

from pathlib import Path
from typing import Annotated

import typer

from .answers import as_json, show, show_prompt
from .filtering import filters
from .session import session
from .texts import Texts


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @app.command(help=texts.help("cli.ask", 'rag-app ask "How much memory does the 8B model need?"'))
    def ask(
        question: Annotated[
            str, typer.Argument(metavar="QUESTION", help=texts("cli.ask_question"), show_default=False)
        ],
        kb: Annotated[list[str] | None, texts.kbs_option()] = None,
        document: Annotated[list[str] | None, texts.filter_option("doc")] = None,
        folder: Annotated[list[str] | None, texts.filter_option("folder")] = None,
        type_: Annotated[list[str] | None, texts.filter_option("type")] = None,
        tag: Annotated[list[str] | None, texts.filter_option("tag")] = None,
        since: Annotated[str | None, texts.filter_option("since")] = None,
        until: Annotated[str | None, texts.filter_option("until")] = None,
        image: Annotated[list[Path] | None, typer.Option("--image", help=texts("cli.ask_image"))] = None,
        prompt: Annotated[bool, typer.Option("--show-prompt", help=texts("cli.show_prompt"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            chosen = filters(document, folder, type_, tag, since, until)
            stream = rag.stream(question, kb or None, (), chosen, image or ())
            if json:
                answer = stream.answer
                output.print_json(as_json(answer, output.texts.language, stream.prompt if prompt else None))
            else:
                show(stream, output)
                if prompt:
                    show_prompt(stream, output)
