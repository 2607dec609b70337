"""``rag-app serve``: the knowledge bases over HTTP; ``rag-app key``: who may use them."""

import importlib.util
import signal
import sys
from typing import Annotated

import typer

from ..addresses import url
from ..errors import RagError
from ..passwords import hash_password
from ..settings import Role, Settings, language
from .output import Output
from .session import session
from .texts import Texts

_EXTRA = "server"
_PACKAGES = ("fastapi", "fastapi_offline", "uvicorn", "multipart")


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""

    @app.command(help=texts.help("cli.serve", "rag-app serve --port 8600"))
    def serve(
        port: Annotated[
            int | None, typer.Option("--port", "-p", help=texts("cli.serve_port"), show_default=False)
        ] = None,
        host: Annotated[str | None, typer.Option("--host", help=texts("cli.serve_host"), show_default=False)] = None,
    ) -> None:
        require(_EXTRA, _PACKAGES)
        with session(serve_port=port, serve_host=host) as (rag, output):
            from ..server.house import model_name
            from ..server.serving import serve as run

            rag.prepare()
            address = url(rag.settings.serve_host, rag.settings.serve_port)

            def ready() -> None:
                models = ", ".join(model_name(kb) for kb in rag.knowledge_bases()) or "-"
                output.line(output.texts("cli.serve_ready", address=address, models=models), style="bold green")
                if not rag.settings.api_keys:
                    output.note(output.texts("cli.serve_open"))

            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server ends first, then raises it again
            try:
                run(rag, ready)
            except KeyboardInterrupt:
                output.note(output.texts("cli.up_stopped"))

    @app.command(help=texts.help("cli.key", "rag-app key laptop --role reader"))
    def key(
        name: Annotated[str, typer.Argument(metavar="NAME", help=texts("cli.key_name"), show_default=False)],
        role: Annotated[Role, typer.Option("--role", "-r", help=texts("cli.key_role"))] = "reader",
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        from ..server.keys import KEY_NAME, new_key

        output = Output(language(Settings.load()), json=json)
        if not KEY_NAME.fullmatch(name):
            raise RagError("cli.key_bad_name", name=name)
        made = new_key(name)
        entry = f"{role}:{hash_password(made)}"
        lines = ["[api_keys]", f'"{name}" = "{entry}"']
        if json:
            output.print_json({"key": made, "name": name, "role": role, "lines": lines})
            return
        output.note(output.texts("cli.key_once"))
        print(made)
        output.note(output.texts("cli.key_lines"))
        for line in lines:
            print(line)


def require(extra: str, packages: tuple[str, ...]) -> None:
    """Check that an extra is installed.

    Raises:
        RagError: names what is missing, and how to get it.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise RagError("api.missing", name=", ".join(missing), extra=extra)
