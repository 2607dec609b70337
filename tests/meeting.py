"""How the app meets a recording, chunk for chunk: through the door that leads there, with what was asked then."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.messages import Language, Message, text
from rag_app.chat.answering import AnswerStream
from rag_app.errors import ModelError
from rag_app.llm.background import EventLoop
from rag_app.llm.ollama_errors import refusal
from rag_app.llm.openai_compatible import OpenAiModel
from rag_app.llm.select import Answerer
from rag_app.protocols import ChatMessage, ChatModel, ModelPiece
from rag_app.types import Passage, Retrieval, Turn

from .chatting import ANSWER_TOKENS, MODEL, PASSAGES, QUESTION, Chat, Listener
from .recordings import Exchange, NoServer, Reply, exchanges, reply, said
from .replay import Replay, Script

_SHOWN_CHARACTERS = 60
_LONGEST_SECONDS = 0.4  # that a recording is played for: its timing is scaled to it


@dataclass(frozen=True, slots=True)
class Seen:
    """What a user sees.

    Attributes:
        what: "answer", "fact" or the error, with the key of its message. message: of the error, or beside the answer.
        said: the answer, or the fact.
    """

    what: str
    message: Message | None = None
    said: str = ""

    @property
    def brief(self) -> str:
        """As the table has it."""
        return self.said if self.what == "fact" else self.what

    def text(self, language: Language) -> str:
        """All of it, in words."""
        said = " ".join(self.said.split())
        said = said if len(said) <= _SHOWN_CHARACTERS else f"{said[:_SHOWN_CHARACTERS]} …"
        parts = [f"“{said}”" if self.what.startswith("answer") and said else said]
        if "incomplete" in self.what:
            parts.append(text("ui.incomplete", language))
        parts.append(self.message.text(language) if self.message is not None else "")
        return " ".join(filter(None, parts))


Door = Callable[[str], list[Seen]]


def failed(error: ModelError) -> Seen:
    return Seen(f"{type(error).__name__} {error.message.key}", error.message)


def answered(stream: AnswerStream) -> Seen:
    """The answer, or the error that came instead of it."""
    try:
        answer = stream.answer
    except ModelError as error:
        return failed(error)
    what = "answer" if answer.complete else "answer, incomplete"
    if answer.notice is not None:
        what += f" {answer.notice.key}"
    if answer.refused:
        what += ", empty"
    return Seen(what, answer.notice, answer.text)


class Exactly:
    """Asks what was asked when the recording was made; implements :class:`rag_app.protocols.AnswerWriter`."""

    context_tokens = None

    def __init__(self, model: ChatModel, body: dict[str, Any]) -> None:
        self.name = model.name
        self.sent = tuple(map(_message, _messages(body)))
        self._running = model.stream(self.sent, answer_tokens=ANSWER_TOKENS, schema=_schema(body))

    def cancel(self) -> None:
        self._running.cancel()

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        try:
            yield from self._running
        finally:
            self._running.cancel()


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    given = body.get("messages") or [{"role": "user", "content": body.get("prompt")}]
    return given if isinstance(given, list) and given[0]["content"] is not None else [{"role": "user", "content": "?"}]


def _message(given: dict[str, Any]) -> ChatMessage:
    images = tuple(base64.b64decode(image) for image in given.get("images", ()) if image.endswith("="))
    return ChatMessage(given["role"], given["content"], images)


def _schema(body: dict[str, Any]) -> dict[str, object] | None:
    schema = body.get("format")
    return schema if isinstance(schema, dict) else None


def stream_of(model: ChatModel, exchange: Exchange) -> AnswerStream:
    body = exchange.body if isinstance(exchange.body, dict) else {}
    retrieval = Retrieval(QUESTION, PASSAGES, coverage=1.0, best_similarity=0.9)
    return AnswerStream(retrieval, Answerer(Exactly(model, body)), ())


def pace_of(found: Sequence[Exchange]) -> float:
    ends = [one.reply.chunks[-1][0] for one in found if isinstance(one.reply, Reply) and one.reply.chunks]
    return min(1.0, _LONGEST_SECONDS / max([*ends, _LONGEST_SECONDS]))


def model_of(exchange: Exchange) -> str:
    """The model that was asked for, where the played server knows it, else one that it knows."""
    body = exchange.body if isinstance(exchange.body, dict) else {}
    known = {model["name"] for model in reply("11-tags").json["models"] if "completion" in model["capabilities"]}
    name = str(body.get("model", ""))
    return name if name.lower() in known else MODEL


SEES = {**reply("12-show").json, "capabilities": ["completion", "vision", "thinking"]}


def asking(name: str, **script: Script) -> list[Seen]:
    """The chats one after another."""
    found = exchanges(name)
    with (
        Replay({"/api/chat": name, **script}, pace=pace_of(found)) as server,
        Chat(server.url, model_of(found[0])) as chat,
    ):
        return [answered(stream_of(chat.model, exchange)) for exchange in found]


def asking_of_all(name: str) -> list[Seen]:
    """The chats as the clients of then asked: at the same time, each when the one before had been received."""
    found = exchanges(name)
    with Replay({"/api/chat": name}, pace=pace_of(found)) as server:
        chats, streams, listeners = [], [], []
        for number, exchange in enumerate(found, 1):
            chats.append(Chat(server.url, model_of(exchange)))
            streams.append(stream_of(chats[-1].model, exchange))
            listeners.append(Listener(streams[-1].events))
            assert server.wait_for(lambda wanted=number: len(server.chats) == wanted)  # type: ignore[misc]
        assert all(listener.has_ended() for listener in listeners)
        seen = [
            failed(listener.error) if isinstance(listener.error, ModelError) else answered(stream)
            for listener, stream in zip(listeners, streams, strict=True)
        ]
        for chat in chats:
            chat.__exit__(None, None, None)
        return seen


def stopping(name: str) -> list[Seen]:
    """The first chat is stopped where the client of then left, the next is not."""
    first, second = exchanges(name)
    with Replay({"/api/chat": name}) as server, Chat(server.url) as chat:
        stream = stream_of(chat.model, first)
        pieces = iter(stream)
        assert isinstance(first.reply, Reply)
        for _ in first.reply.records:
            next(pieces)
        stream.close()
        assert server.client_left.wait(5)
        return [answered(stream), answered(stream_of(chat.model, second))]


def beside(name: str) -> list[Seen]:
    """Light requests while an answer is written."""
    first, *rest = exchanges(name)
    script: dict[str, Script] = {
        one.path if one.reply != rest[2].reply else "/api/chat load": one.reply
        for one in (first, *rest)
        if isinstance(one.reply, Reply)
    }
    with Replay(script, pace=pace_of([first])) as server, Chat(server.url) as chat:
        stream = stream_of(chat.model, first)
        listener = Listener(stream.events)
        assert listener.has_heard(lambda event: isinstance(event, str))
        seen = [_installed(chat), _loaded(chat), _preloaded(chat), _version(chat)]
        assert listener.has_ended()
        return [answered(stream), *seen]


def with_images(name: str) -> list[Seen]:
    """A server that says it can see, and can't when it is asked."""
    return asking(name, **{"/api/show": said(SEES)})


def _tried(attempt: Callable[[], str]) -> Seen:
    try:
        return Seen("fact", None, attempt())
    except ModelError as error:
        return failed(error)


def _installed(chat: Chat) -> Seen:
    return _tried(lambda: f"models: {', '.join(chat.server.installed().models) or 'none'}")


def _version(chat: Chat) -> Seen:
    return _tried(lambda: f"Ollama {chat.server.status().version}")


def _loaded(chat: Chat) -> Seen:
    def attempt() -> str:
        loaded = (f"{one.name} ({one.context:,} tokens)" for one in chat.server.loaded())
        return f"in memory: {', '.join(loaded) or 'nothing'}"

    return _tried(attempt)


def _preloaded(chat: Chat) -> Seen:
    def attempt() -> str:
        chat.model.preload()
        return "the model is in memory"

    return _tried(attempt)


def looking(attempt: Callable[[Chat], Seen]) -> Door:
    """A door that each exchange goes through on its own."""

    def door(name: str) -> list[Seen]:
        seen = []
        for exchange in exchanges(name):
            assert isinstance(exchange.reply, Reply)
            with Replay({exchange.path: exchange.reply}) as server, Chat(server.url) as chat:
                seen.append(attempt(chat))
        return seen

    return door


def describing(name: str) -> list[Seen]:
    (exchange,) = exchanges(name)
    wanted = exchange.body.get("model") or exchange.body["name"]
    assert isinstance(exchange.reply, Reply)
    with Replay({"/api/show": exchange.reply}) as server, Chat(server.url, wanted) as chat:

        def attempt() -> str:
            found = chat.model.describe()
            return (
                f"{found.name}: {found.parameters}, {found.quantization}, trained for {found.trained_context:,} tokens"
            )

        return [_tried(attempt)]


def loading(name: str) -> list[Seen]:
    (exchange,) = exchanges(name)
    assert isinstance(exchange.reply, Reply)
    with Replay({"/api/chat load": exchange.reply}, cold=True) as server, Chat(server.url) as chat:
        return [_preloaded(chat)]


def pulling(name: str) -> list[Seen]:
    (exchange,) = exchanges(name)
    with Replay({"/api/pull": name}) as server, Chat(server.url) as chat:
        return [_tried(lambda: [one.status for one in chat.server.pull(exchange.body["model"])][-1])]


def removing(name: str) -> list[Seen]:
    (exchange,) = exchanges(name)
    with Replay({"/api/delete": name}) as server, Chat(server.url) as chat:

        def attempt() -> str:
            chat.server.remove(exchange.body["model"])
            return "removed"

        return [_tried(attempt)]


def nobody(name: str) -> list[Seen]:
    assert exchanges(name)[-1].reply == NoServer()
    with Replay({}) as server:
        url = server.url
    with Chat(url) as chat:
        return [_installed(chat)]


def openai(name: str) -> list[Seen]:
    """Ollama's /v1, reached as any OpenAI-compatible server."""
    (exchange,) = exchanges(name)
    loop = EventLoop()
    try:
        with Replay({"/v1/models": "11-v1-models", exchange.path: name}, pace=pace_of([exchange])) as server:
            wanted = exchange.body["model"] if exchange.body else ""
            model = OpenAiModel(loop, server.url, wanted, "", 8192)
            seen = [answered(stream_of(model, exchange)) if exchange.body else _tried(lambda: model.describe().name)]
            model.close()
            return seen
    finally:
        loop.close()


def words(name: str) -> list[Seen]:
    """No door of ours leads there: what its words would become if one did."""
    seen = []
    for exchange in exchanges(name):
        assert isinstance(exchange.reply, Reply)
        if exchange.reply.status < 400:
            seen += asking_with(exchange.reply)
        else:
            body = exchange.body if isinstance(exchange.body, dict) else {}
            error = refusal(
                exchange.reply.status, exchange.reply.body.decode(), "http://127.0.0.1:11434", body.get("model", "")
            )
            seen.append(failed(error))
    return seen


def asking_with(sent: Reply) -> list[Seen]:
    if not sent.chunks:  # to a HEAD, or to OPTIONS
        sent = replace(sent, headers=(("Content-Length", "0"),), ended_by="content-length reached")
    with Replay({"/api/chat": sent}) as server, Chat(server.url) as chat:
        return [answered(stream_of(chat.model, Exchange("POST", "/api/chat", {}, sent)))]


def nothing(name: str) -> list[Seen]:
    assert exchanges(name) == ()
    return []


installed, loaded, version = looking(_installed), looking(_loaded), looking(_version)
