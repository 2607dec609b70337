"""An Ollama server that answers with recordings: chunk for chunk, ended as the real one ended."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from .recordings import NoServer, Reply, recorded, reply, said, written

__all__ = ["Replay", "Request", "Script", "written"]

_MOST_SECONDS = 10.0  # that the server waits for a client to leave
_STEP_SECONDS = 0.01
_BUSY = "51-max_queue-1-other-model#3"
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What the server received; ``body`` is the parsed JSON, None without a body."""

    method: str
    path: str
    body: Any

    @property
    def is_load(self) -> bool:
        """Whether it is a chat without messages, which loads the model."""
        return self.path == "/api/chat" and isinstance(self.body, dict) and not self.body.get("messages")

    @property
    def is_chat(self) -> bool:
        return self.path == "/api/chat" and not self.is_load

    @property
    def key(self) -> str:
        """Where a script has its reply."""
        if self.is_load:
            return "/api/chat load"
        return "/api/show verbose" if self.path == "/api/show" and self.body.get("verbose") else self.path


Entry = str | Reply | Callable[[Request], Reply]
Script = Entry | Sequence[Entry]


class Replay:
    """A server on 127.0.0.1 that plays recordings.

    ::

        with Replay({"/api/chat": ["20-chat-unknown-model", "14-chat-cold-stream"]}) as server:
            httpx.get(f"{server.url}/api/tags")
            assert server.requests[0].path == "/api/tags"

    A path with one reply always gives that one; with several, one after another, and then it has no more. A function
    makes its reply of the request. "/api/chat load" is a chat without messages, "/api/show verbose" asks for the
    vocabulary too. What the script does not name is answered as by the recorded server, which knows three models that
    chat and one that embeds; any other path gives Ollama's own 404. Where a transcript says that nothing listened any
    more, the server stops listening before the end of the reply before.

    Args:
        pace: seconds for each second of the recording; 0 waits nowhere.
        cold: no model is in memory at first.
        serial: chats are answered one at a time, in the order in which they came, as with OLLAMA_NUM_PARALLEL=1.
        most_waiting: how many of them may wait beside the one that is answered (OLLAMA_MAX_QUEUE); more get a 503.

    Attributes:
        requests: in the order in which they came in. left: those whose client left before the end.
        client_left: set when one did.
    """

    def __init__(
        self,
        script: Mapping[str, Script],
        *,
        pace: float = 0.0,
        cold: bool = False,
        serial: bool = False,
        most_waiting: int = 512,
    ) -> None:
        self.requests: list[Request] = []
        self.left: list[Request] = []
        self.client_left = threading.Event()
        self._pace = pace
        self._lock = threading.RLock()
        self._closed = threading.Condition(self._lock)
        self._replies: dict[str, list[Entry | NoServer]] = {}
        self._repeating: set[str] = set()
        self._line: list[Request] | None = [] if serial else None
        self._most_waiting = most_waiting
        self._loaded: dict[str, int] = (
            {} if cold else {entry["name"]: entry["context_length"] for entry in reply("15-ps-loaded").json["models"]}
        )
        self.play(script)
        self._connections: list[socket.socket] = []
        self._leaving = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._stop_listening()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client closed it
                    connection.shutdown(socket.SHUT_RDWR)

    def play(self, script: Mapping[str, Script]) -> None:
        """Start anew with another script."""
        with self._lock:
            self.requests.clear()
            self._replies = {path: _entries(script[path]) for path in script}
            self._repeating = {path for path, replies in self._replies.items() if len(replies) == 1}

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests, those that only load aside."""
        with self._lock:
            return [request.body for request in self.requests if request.is_chat]

    @property
    def loads(self) -> list[dict[str, Any]]:
        """The bodies of the requests that load a model."""
        with self._lock:
            return [request.body for request in self.requests if request.is_load]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Whether it comes true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(_STEP_SECONDS)
        return True

    def all_closed(self, seconds: float) -> bool:
        """Whether no connection is open any more; waits so long for it."""
        with self._closed:
            return self._closed.wait_for(lambda: not self._connections, seconds)

    def _take(self, request: Request) -> tuple[Reply, bool]:
        """The reply to a request, and whether the server is dead after it."""
        with self._lock:
            self.requests.append(request)
            if self._line is not None and request.is_chat:
                if len(self._line) > self._most_waiting:
                    return reply(_BUSY), False
                self._line.append(request)
            replies = self._replies.get(request.key)
            if replies is None and request.key == "/api/show verbose":
                replies = self._replies.get("/api/show")
            if replies is None:
                return self._usual(request), False
            if not replies:
                return said({"error": "the replay has no more for this path"}, 500), False
            taken = replies[0] if request.key in self._repeating else replies.pop(0)
            dies = bool(replies) and isinstance(replies[0], NoServer)
            if callable(taken):
                return taken(request), dies
            assert isinstance(taken, Reply), "a server that does not listen gets no request"
            return taken, dies

    def _usual(self, request: Request) -> Reply:
        """What the recorded server says to what no script names."""
        if request.path == "/api/ps":
            return self._ps()
        if request.path == "/api/show":
            name = str(request.body.get("model") or request.body.get("name")).lower()
            if name == "all-minilm:22m":
                return reply("12-show-embedding")
            known = {model["name"] for model in reply("11-tags").json["models"]}
            return reply("12-show" if name in known else "04-show-unknown-model")
        usual = {
            "/": "00-root-head" if request.method == "HEAD" else "00-root",
            "/api/tags": "11-tags",
            "/api/version": "01-version",
            "/api/chat load": "22-empty-messages-load",
            "/api/delete": "09-delete-unknown",
        }
        return reply(usual.get(request.key, "06-unknown-path"))

    def _ps(self) -> Reply:
        """What is loaded, with the context that was asked for last."""
        first, *_ = entries = reply("15-ps-loaded").json["models"]
        models = []
        for name, context in self._loaded.items():
            entry = next((one for one in entries if one["name"] == name), first)
            models.append({**entry, "name": name, "model": name, "context_length": context})
        return said({"models": models})

    def _note_loaded(self, request: Request, taken: Reply) -> None:
        if request.path == "/api/chat" and taken.status == 200:
            options = request.body.get("options") or {}
            with self._lock:
                self._loaded[str(request.body.get("model")).lower()] = options.get("num_ctx", 4096)

    def _stop_listening(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _play(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        taken, dies = self._take(request)
        try:
            self._wait_in_line(handler.connection, request)
            self._send(handler, taken)
            self._note_loaded(request, taken)
        except ConnectionError:
            handler.close_connection = True
            with self._lock:
                self.left.append(request)
            self.client_left.set()
        finally:
            with self._lock:
                if self._line is not None and request in self._line:
                    self._line.remove(request)
        if taken.ended_by in ("connection closed without final chunk", "client closed"):
            handler.close_connection = True
        if dies:
            self._stop_listening()

    def _send(self, handler: BaseHTTPRequestHandler, taken: Reply) -> None:
        began = time.monotonic()
        for number, (due, data) in enumerate(taken.chunks or ((0.0, b""),)):
            self._wait(handler.connection, began + due * self._pace)
            if not number:  # the headers do not come before the first of the body
                handler.send_response_only(taken.status)
                for name, value in taken.headers:
                    handler.send_header(name, value)
                handler.end_headers()
            if data:
                chunked = ("Transfer-Encoding", "chunked") in taken.headers
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        if taken.ended_by == "final 0-length chunk":
            handler.wfile.write(b"0\r\n\r\n")
        elif taken.ended_by == "client closed":
            self._wait(handler.connection, time.monotonic() + _MOST_SECONDS)

    def _wait_in_line(self, connection: socket.socket, request: Request) -> None:
        while self._line and request in self._line and request is not self._line[0]:
            self._wait(connection, time.monotonic() + _STEP_SECONDS)

    def _wait(self, connection: socket.socket, until: float) -> None:
        """Wait as long as the client does.

        Raises:
            ConnectionError: it left.
        """
        while (rest := until - time.monotonic()) > 0 and not self._leaving.is_set():
            readable, _, _ = select.select([connection], [], [], min(rest, _STEP_SECONDS))
            if readable and not connection.recv(1, socket.MSG_PEEK) and not self._leaving.is_set():
                raise ConnectionAbortedError


def _handler(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with replay._lock:
                replay._connections.append(self.connection)

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client closed a connection that was kept alive
                super().handle()

        def finish(self) -> None:
            super().finish()
            with replay._lock:
                replay._connections.remove(self.connection)
                replay._closed.notify_all()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            path = urlsplit(self.path).path
            replay._play(self, Request(self.command, path, json.loads(body) if body else None))

    for method in _METHODS:
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


def _entries(script: Script) -> list[Entry | NoServer]:
    given = [script] if isinstance(script, str | Reply) or callable(script) else script
    entries: list[Entry | NoServer] = []
    for entry in given:
        entries += recorded(entry) if isinstance(entry, str) else [entry]
    return entries
