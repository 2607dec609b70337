"""An Ollama server that answers with recordings: chunk for chunk, ended as the real one ended."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

RECORDINGS = Path(__file__).parent / "data" / "ollama"
_MOST_SECONDS = 10.0  # that the server waits for a client to leave

Ending = Literal[
    "content-length reached",
    "final 0-length chunk",
    "connection closed without final chunk",
    "client closed",  # the client left in the middle: the server waits for it to leave
]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sent.

    Attributes:
        chunks: when, in seconds after the request, and what.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: tuple[tuple[float, bytes], ...]
    ended_by: Ending

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    def recut(self, size: int) -> Reply:
        """The same body in chunks of ``size`` bytes, which end anywhere: within a line, within a character."""
        body = self.body
        return replace(self, chunks=tuple((0.0, body[i : i + size]) for i in range(0, len(body), size)))


@dataclass(frozen=True, slots=True)
class NoServer:
    """Nothing listened any more."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the server received; ``body`` is the parsed JSON, None without a body."""

    method: str
    path: str
    body: Any


def recorded(name: str) -> tuple[Reply | NoServer, ...]:
    """The replies of a transcript, in order; ``name#2`` is only the third of several."""
    name, _, which = name.partition("#")
    replies = _read(name)
    return (replies[int(which)],) if which else replies


def reply(name: str) -> Reply:
    """The one reply of a transcript."""
    (only,) = recorded(name)
    assert isinstance(only, Reply), f"{name}: no server"
    return only


def text_of(reply: Reply) -> str:
    """What the records of a streamed chat say, joined."""
    records = [json.loads(line) for line in reply.body.decode().split("\n") if line]
    return "".join(record["message"]["content"] for record in records if "message" in record)


def written(pieces: Iterable[str], *, prompt_tokens: int = 321, done_reason: str | None = "stop") -> Reply:
    """A chat reply that nobody recorded, in the same wire format: one chunk, one record, one piece.

    Args:
        done_reason: None for a stream without a last record.
    """
    recording = reply("14-chat-cold-stream")
    first, last = recording.chunks[0][1], recording.chunks[-1][1]
    records = []
    for piece in pieces:
        record = json.loads(first)
        record["message"]["content"] = piece
        records.append(record)
    if done_reason is not None:
        records.append(json.loads(last) | {"prompt_eval_count": prompt_tokens, "done_reason": done_reason})
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records]
    return replace(recording, chunks=tuple((0.0, line.encode()) for line in lines))


Script = str | Reply | Sequence[str | Reply]


class Replay:
    """A server on 127.0.0.1 that plays recordings.

    ::

        with Replay({"/api/tags": "11-tags", "/api/chat": ["20-chat-unknown-model", "14-chat-cold-stream"]}) as server:
            httpx.get(f"{server.url}/api/tags")
            assert server.requests[0].path == "/api/tags"

    A path with one reply always gives that one; with several, one after another, and then it has no more. A path
    that is not listed gives Ollama's own 404. Where a transcript says that nothing listened any more, the server stops
    listening before the end of the reply before.

    Args:
        pace: seconds for each second of the recording; 0 waits nowhere.

    Attributes:
        requests: in the order in which they came in.
        client_left: set when a client left in the middle of a reply that waits for that.
    """

    def __init__(self, script: Mapping[str, Script], *, pace: float = 0.0) -> None:
        self.requests: list[Request] = []
        self.client_left = threading.Event()
        self._pace = pace
        self._lock = threading.RLock()
        self._closed = threading.Condition(self._lock)
        self._replies: dict[str, list[Reply | NoServer]] = {}
        self._repeating: set[str] = set()
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
            self._replies = {path: _replies(entry) for path, entry in script.items()}
            self._repeating = {path for path, replies in self._replies.items() if len(replies) == 1}

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of the chat requests."""
        with self._lock:
            return [request.body for request in self.requests if request.path == "/api/chat"]

    def all_closed(self, seconds: float) -> bool:
        """Whether no connection is open any more; waits so long for it."""
        with self._closed:
            return self._closed.wait_for(lambda: not self._connections, seconds)

    def _take(self, request: Request) -> tuple[Reply, bool]:
        """The reply to a request, and whether the server is dead after it."""
        with self._lock:
            self.requests.append(request)
            replies = self._replies.get(request.path)
            if replies is None:
                return reply("06-unknown-path"), False
            if not replies:
                return _NO_MORE, False
            taken = replies[0] if request.path in self._repeating else replies.pop(0)
            assert isinstance(taken, Reply), "a server that does not listen gets no request"
            return taken, bool(replies) and isinstance(replies[0], NoServer)

    def _stop_listening(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _play(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        began = time.monotonic()
        taken, dies = self._take(request)
        chunked = ("Transfer-Encoding", "chunked") in taken.headers
        try:
            handler.send_response_only(taken.status)
            for name, value in taken.headers:
                handler.send_header(name, value)
            handler.end_headers()
            for due, data in taken.chunks:
                self._leaving.wait(max(0.0, began + due * self._pace - time.monotonic()))
                if data:
                    handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
            if taken.ended_by == "final 0-length chunk":
                handler.wfile.write(b"0\r\n\r\n")
            elif taken.ended_by == "client closed":
                self._wait_for_end(handler.connection)
        except ConnectionError:
            self.client_left.set()
        if taken.ended_by in ("connection closed without final chunk", "client closed"):
            handler.close_connection = True
        if dies:
            self._stop_listening()

    def _wait_for_end(self, connection: socket.socket) -> None:
        readable, _, _ = select.select([connection], [], [], _MOST_SECONDS)
        if readable and not self._leaving.is_set() and not connection.recv(1):
            self.client_left.set()


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

        def do_GET(self) -> None:
            replay._play(self, Request("GET", urlsplit(self.path).path, None))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            replay._play(self, Request("POST", urlsplit(self.path).path, body))

    return Handler


_NO_MORE_BODY = b'{"error":"the replay has no more for this path"}'
_NO_MORE = Reply(
    status=500,
    headers=(("Content-Type", "application/json"), ("Content-Length", str(len(_NO_MORE_BODY)))),
    chunks=((0.0, _NO_MORE_BODY),),
    ended_by="content-length reached",
)


def _replies(script: Script) -> list[Reply | NoServer]:
    entries = [script] if isinstance(script, str | Reply) else script
    replies: list[Reply | NoServer] = []
    for entry in entries:
        replies += recorded(entry) if isinstance(entry, str) else [entry]
    return replies


@cache
def _read(name: str) -> tuple[Reply | NoServer, ...]:
    transcript = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return tuple(_reply(exchange["response"]) for exchange in transcript.get("exchanges", [transcript]))


def _reply(response: dict[str, Any]) -> Reply | NoServer:
    if "connect_error" in response:
        return NoServer()
    return Reply(
        status=response["status"],
        headers=tuple((name, value) for name, value in response["headers"]),
        chunks=tuple((chunk["t"], chunk["data"].encode()) for chunk in response["chunks"]),
        ended_by=response["ended_by"],
    )
