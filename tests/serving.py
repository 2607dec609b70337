"""The HTTP server in a thread of the test's process, on a port of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import uvicorn

from rag_app import RagApp
from rag_app.server.application import create_app


@contextlib.contextmanager
def served(rag: RagApp) -> Iterator[str]:
    """The address of a server over an open app; it ends with the block, its answers stopped."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(rag), log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
        assert not thread.is_alive()


def events(response: httpx.Response) -> Iterator[Any]:
    """The data of server-sent events, as they come; "[DONE]" as it is."""
    for line in response.iter_lines():
        if line.startswith("data: "):
            said = line.removeprefix("data: ")
            yield said if said == "[DONE]" else json.loads(said)
