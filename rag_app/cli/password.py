"""``rag-app password``: the hash of a password for the web UI, and the lines for ``rag.toml``."""

import sys
from getpass import getpass
from typing import Annotated

import typer

from ..errors import RagError
from ..passwords import hash_password
from ..settings import Role, Settings, language
from .output import Output
from .texts import Texts

_LEAST = 8  # characters


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the command."""

    @app.command(help=texts.help("cli.password_hash", "rag-app password --user ann --role editor"))
    def password(
        user: Annotated[
            str | None, typer.Option("--user", "-u", help=texts("cli.password_user"), show_default=False)
        ] = None,
        role: Annotated[Role, typer.Option("--role", "-r", help=texts("cli.password_role"))] = "reader",
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        output = Output(language(Settings.load()), json=json)
        stored = hash_password(_read(output))
        lines = _lines(stored, user, role)
        if json:
            output.print_json({"hash": stored, "lines": lines})
            return
        output.note(output.texts("cli.password_lines"))
        for line in lines:
            print(line)  # as it is, however long


def _read(output: Output) -> str:
    """Twice at a terminal, else the first line of the input.

    Raises:
        RagError: the two differ, or it is too short.
    """
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = getpass(output.texts("cli.password_ask"))
        if getpass(output.texts("cli.password_again")) != given:
            raise RagError("cli.password_differs")
    if len(given) < _LEAST:
        raise RagError("cli.password_short", least=_LEAST)
    return given


def _lines(stored: str, user: str | None, role: Role) -> list[str]:
    if user is None:
        return [f'ui_password = "{stored}"']
    name = user.replace("\\", "\\\\").replace('"', '\\"')
    return ["[ui_users]", f'"{name}" = "{role}:{stored}"']
