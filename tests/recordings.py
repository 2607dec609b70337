"""What a genuine Ollama server sent, see tests/data/ollama/SOURCE.md, and replies made in the same wire format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

RECORDINGS = Path(__file__).parent / "data" / "ollama"

Ending = Literal[
    "content-length reached",
    "final 0-length chunk",
    "connection closed without final chunk",
    "client closed",  # the client left in the middle: the server waits for it to leave
    "HEAD",
    "no body",
]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sent.

    Attributes:
        chunks: when, in seconds after the request, and what; the headers come with the first.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: tuple[tuple[float, bytes], ...]
    ended_by: Ending

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def records(self) -> list[Any]:
        """Of a streamed reply."""
        return [json.loads(line) for line in self.body.split(b"\n") if line.strip()]

    def recut(self, size: int) -> Reply:
        """The same body in chunks of ``size`` bytes, which end anywhere: within a line, within a character."""
        body = self.body
        return replace(self, chunks=tuple((0.0, body[i : i + size]) for i in range(0, len(body), size)))

    def counting(self, tokens: int) -> Reply:
        """The same to another prompt, of so many tokens."""
        prompt = re.compile(rb'"prompt_eval_count":\d+')
        chunks = [(due, prompt.sub(b'"prompt_eval_count":%d' % tokens, data)) for due, data in self.chunks]
        return replace(self, chunks=tuple(chunks))

    def after(self, seconds: float) -> Reply:
        """The same, so much later."""
        return replace(self, chunks=tuple((due + seconds, data) for due, data in self.chunks))


@dataclass(frozen=True, slots=True)
class NoServer:
    """Nothing listened any more."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it; ``body`` is parsed where it is JSON."""

    method: str
    path: str
    body: Any
    reply: Reply | NoServer


def names() -> list[str]:
    """All transcripts, in order."""
    return sorted(path.stem for path in RECORDINGS.glob("*.json"))


def exchanges(name: str) -> tuple[Exchange, ...]:
    """Those of a transcript, in order; ``name#2`` is only the third of several. None where it holds measurements."""
    name, _, which = name.partition("#")
    found = _read(name)
    return (found[int(which)],) if which else found


def recorded(name: str) -> tuple[Reply | NoServer, ...]:
    """The replies of a transcript, in order."""
    return tuple(exchange.reply for exchange in exchanges(name))


def reply(name: str) -> Reply:
    """The one reply of a transcript."""
    (only,) = recorded(name)
    assert isinstance(only, Reply), f"{name}: no server"
    return only


def text_of(reply: Reply) -> str:
    """What the records of a streamed chat say, joined."""
    return "".join(record["message"]["content"] for record in reply.records if "message" in record)


def written(
    pieces: Iterable[str],
    *,
    thoughts: Iterable[str] = (),
    prompt_tokens: int = 321,
    done_reason: str | None = "stop",
    every: float = 0.0,
) -> Reply:
    """A chat reply that nobody recorded: one chunk, one record, one piece.

    Args:
        thoughts: what a thinking model says before.
        done_reason: None for a stream without a last record.
        every: seconds between two chunks, and before the first.
    """
    recording = reply("14-chat-cold-stream")
    first, *_, last = recording.records
    records = []
    for piece in thoughts:
        records.append(first | {"message": {"role": "assistant", "content": "", "thinking": piece}})
    for piece in pieces:
        records.append(first | {"message": {"role": "assistant", "content": piece}})
    if done_reason is not None:
        records.append(last | {"prompt_eval_count": prompt_tokens, "done_reason": done_reason})
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records]
    chunks = tuple((every * number, line.encode()) for number, line in enumerate(lines, 1))
    return replace(recording, chunks=chunks)


def said(body: object, status: int = 200) -> Reply:
    """A JSON reply that nobody recorded."""
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = (("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(data))))
    return Reply(status, headers, ((0.0, data),), "content-length reached")


def refused(tokens: int, context: int) -> Reply:
    """The recorded refusal of a prompt that is too long, with other numbers."""
    recording = reply("31-long-single-message-shift-truncate-false")
    body = recording.body.replace(b"3978", b"%d" % tokens).replace(b"512", b"%d" % context)
    return replace(recording, chunks=((0.0, body),))


@cache
def _read(name: str) -> tuple[Exchange, ...]:
    transcript = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    if "exchanges" not in transcript and "response" not in transcript:
        return ()
    return tuple(_exchange(exchange) for exchange in transcript.get("exchanges", [transcript]))


def _exchange(exchange: dict[str, Any]) -> Exchange:
    request = exchange["request"]
    raw = request.get("body_raw") or ""
    try:
        body: Any = json.loads(raw) if raw else None
    except ValueError:
        body = raw
    return Exchange(request["method"], request["path"], body, _reply(exchange["response"]))


def _reply(response: dict[str, Any]) -> Reply | NoServer:
    if "connect_error" in response:
        return NoServer()
    return Reply(
        status=response["status"],
        headers=tuple((name, value) for name, value in response["headers"]),
        chunks=tuple((chunk["t"], chunk["data"].encode()) for chunk in response["chunks"]),
        ended_by=response["ended_by"],
    )
