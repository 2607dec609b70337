"""A command's app: settings loaded, opened, closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..app import RagApp
from ..settings import Settings, language
from .output import Output


@contextmanager
def session(*, json: bool = False, **arguments: Any) -> Iterator[tuple[RagApp, Output]]:
    """The app and where to print; ``arguments`` are settings given on the command line."""
    settings = Settings.load(**arguments)
    output = Output(language(settings), json=json)
    with RagApp.open(settings, notify=output.note) as app:
        yield app, output
