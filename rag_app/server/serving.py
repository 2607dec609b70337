"""The server at an address, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from ..addresses import is_own, listed
from ..app import RagApp
from ..errors import RagError
from ..settings import Settings
from .application import create_app

_STOP_SECONDS = 3  # for answers at work, once the server is told to end
_KEEP_ALIVE_SECONDS = 30


class ServeError(RagError):
    """The server can't be started."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def check_open(settings: Settings) -> None:
    """Others than this computer's own user come in with a key, or not at all.

    Raises:
        ServeError: the address or a name is not this computer's own, and nobody would be asked for a key.
    """
    others = [name for name in (settings.serve_host, *listed(settings.serve_names)) if not is_own(name)]
    if others and not settings.api_keys:
        raise ServeError("api.host_open", host=others[0])


def serve(rag: RagApp, ready: Callable[[], None]) -> None:
    """Serve until a signal ends it.

    Args:
        ready: called when the server listens.

    Raises:
        ServeError: it can't listen there.
    """
    settings = rag.settings
    check_open(settings)
    listening = _listening(settings)
    config = uvicorn.Config(
        create_app(rag),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    with listening:
        _Server(config, ready).run([listening])


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.serve_host, settings.serve_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=128)
    except OSError as error:
        raise ServeError("api.not_listening", host=host, port=port, cause=error.strerror or error) from error
