"""``rag-app mcp``: the knowledge bases for assistants, over standard input and output."""

import typer

from .serve import require
from .session import session
from .texts import Texts

_EXTRA = "mcp"
_PACKAGES = ("mcp",)


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the command."""

    @app.command(help=texts.help("cli.mcp", "rag-app mcp"))
    def mcp() -> None:
        require(_EXTRA, _PACKAGES)
        with session() as (rag, _):
            from ..mcp_server.tools import create_server

            create_server(rag).run("stdio")
