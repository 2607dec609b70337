"""What a user is told while a model says nothing, and that stopping works in every state, on the server too."""

from __future__ import annotations

import _thread
import asyncio
import gc
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from typing import Any

import pytest

from rag_app import RagApp
from rag_app.chat.answering import AnswerStream, Thought
from rag_app.llm import ollama_client
from rag_app.llm.background import EventLoop
from rag_app.protocols import ModelPiece, Stage

from .chatting import ANSWER_TOKENS, MODEL, PROMPT, QUESTION, Chat, Listener, stages
from .recordings import Reply, reply, said, written
from .replay import Replay, Script

LONG = 60.0  # seconds; no test waits for it


def slow(name: str) -> Reply:
    """A recording that begins after a very long silence."""
    return reply(name).after(LONG)


def endless(*pieces: str, thoughts: tuple[str, ...] = ()) -> Reply:
    """An answer that begins at once and never ends."""
    begun = written(pieces, thoughts=thoughts, done_reason=None)
    return Reply(begun.status, begun.headers, (*begun.chunks, (LONG, b"\n")), begun.ended_by)


THINKS = said({**reply("12-show").json, "capabilities": ["completion", "thinking"]})
STATES: dict[str, tuple[str, Mapping[str, Script], str]] = {
    # the stage in which it is stopped, what the server does, and the request that it sees end
    "asking what is installed": ("connecting", {"/api/tags": slow("11-tags")}, "/api/tags"),
    "asking what the model is": ("connecting", {"/api/show": slow("12-show")}, "/api/show"),
    "asking for its vocabulary": ("connecting", {"/api/show verbose": slow("12-show")}, "/api/show verbose"),
    "asking what is loaded": ("connecting", {"/api/ps": slow("15-ps-loaded")}, "/api/ps"),
    "loading": (
        "loading",
        {"/api/ps": "03-ps-empty", "/api/chat load": slow("22-empty-messages-load")},
        "/api/chat load",
    ),
    "reading": ("reading", {"/api/chat": slow("14-chat-cold-stream")}, "/api/chat"),
    "thinking": ("thinking", {"/api/show": THINKS, "/api/chat": endless(thoughts=("Well",))}, "/api/chat"),
    "writing": ("writing", {"/api/chat": endless("The", " capital")}, "/api/chat"),
}


# What is waited for


def test_the_stages_of_a_model_that_is_loaded_first() -> None:
    script: dict[str, Script] = {
        "/api/show": THINKS,
        "/api/chat": written(["Paris", "."], thoughts=["France", " …"], prompt_tokens=300),
    }
    with Replay(script, cold=True) as server, Chat(server.url, thinking=True) as chat:
        stream = chat.stream()
        events = list(stream.events())
        assert stages(events) == ["connecting", "loading", "reading", "thinking", "writing"]
        _, loading, reading, *_ = (event for event in events if isinstance(event, Stage))
        assert (loading.size, loading.message.key) == (98362745, "stage.loading_size")
        assert (reading.tokens or 0) > 300
        assert reading.message.key == "stage.reading_tokens"
        since = [event.seconds for event in events if isinstance(event, Stage)][1:]  # connecting came earlier
        assert since == sorted(since)
        assert "".join(event.text for event in events if isinstance(event, Thought)) == "France …"
        assert "".join(event for event in events if isinstance(event, str)) == "Paris."
        assert stream.answer.thinking == "France …"
        assert stages(list(chat.stream().events())) == ["connecting", "reading", "thinking", "writing"]
    for event in events:
        if isinstance(event, Stage):
            assert MODEL in event.message.text("en") != event.message.text("zh")


def test_another_context_loads_the_model_anew() -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server:  # it is loaded with 4,096
        for context, loads in [(4096, 0), (2048, 1), (2048, 1), (4096, 2)]:
            with Chat(server.url, context=context) as chat:
                assert chat.pieces()[-1].done
            assert len(server.loads) == loads
            assert server.chats[-1]["options"]["num_ctx"] == context
    assert [asked["options"]["num_ctx"] for asked in server.loads] == [2048, 4096]


def test_who_waits_is_told_how_many_are_before() -> None:
    script: dict[str, Script] = {"/api/chat": written(["one", " two"], every=1.0, prompt_tokens=22)}
    with Replay(script, serial=True, pace=0.3) as server, Chat(server.url) as chat:
        listeners = []
        for number in range(3):
            running = chat.model.stream(PROMPT, answer_tokens=ANSWER_TOKENS)
            listeners.append(Listener(lambda running=running: running))  # type: ignore[misc]
            assert server.wait_for(lambda wanted=number + 1: len(server.chats) == wanted)  # type: ignore[misc]
        assert all(listener.has_ended(30) for listener in listeners)
    for number, listener in enumerate(listeners):
        waited = [piece.stage for piece in listener.heard if piece.stage and piece.stage.name == "queued"]
        assert [stage.ahead for stage in waited] == list(range(number, 0, -1))
        assert all(str(stage.ahead) in stage.message.text("zh") for stage in waited)
        assert stages(listener.heard)[-2:] in (["reading", "writing"], ["queued", "writing"])
        assert "".join(piece.text for piece in listener.heard) == "one two"


def test_a_model_that_loads_or_reads_long_never_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_client, "_LIGHT_SECONDS", 1.0)  # for what is answered at once
    script: dict[str, Script] = {
        "/api/chat load": reply("22-empty-messages-load").after(LONG),
        "/api/chat": reply("14-chat-cold-stream").after(LONG).counting(300),
    }
    with Replay(script, pace=2.5 / LONG, cold=True) as server, Chat(server.url) as chat:
        stream = chat.stream()
        assert stages(list(stream.events())) == ["connecting", "loading", "reading", "writing"]
        assert (stream.answer.text, stream.answer.complete) == ("The capital of France is Paris.", True)


def test_those_who_wait_for_a_model_load_it_once() -> None:
    script: dict[str, Script] = {
        "/api/chat load": reply("22-empty-messages-load").after(1),
        "/api/chat": "14-chat-cold-stream",
    }
    with Replay(script, pace=0.5, cold=True) as server, Chat(server.url) as chat:
        listeners = [Listener(lambda: chat.model.stream(PROMPT, answer_tokens=1)) for _ in range(5)]
        assert all(listener.has_ended() for listener in listeners)
        assert [listener.heard[-1].done for listener in listeners] == [True] * 5
        assert (len(server.loads), len(server.chats)) == (1, 5)
        assert [request.path for request in server.requests].count("/api/show") == 2  # and asked what it is once


def test_when_the_first_of_them_leaves_the_next_loads_it() -> None:
    loads = [reply("22-empty-messages-load").after(LONG), reply("22-empty-messages-load")]
    script: dict[str, Script] = {"/api/chat load": loads, "/api/chat": "14-chat-cold-stream"}
    with Replay(script, pace=1, cold=True) as server, Chat(server.url) as chat:
        first = chat.model.stream(PROMPT, answer_tokens=1)
        one = Listener(lambda: first)
        assert one.waits_for("loading")
        assert server.wait_for(lambda: bool(server.loads))
        two = Listener(lambda: chat.model.stream(PROMPT, answer_tokens=1))
        assert two.waits_for("loading")
        first.cancel()
        assert one.has_ended()
        assert two.has_ended()
        assert two.heard[-1].done
        assert len(server.loads) == 2


# Stopping


@pytest.fixture(params=list(STATES))
def state(request: pytest.FixtureRequest) -> Iterator[tuple[Replay, Chat, str, str]]:
    """A server that keeps one waiting in one state: the server, a model on it, the stage, the request under way."""
    stage, script, key = STATES[request.param]
    with Replay(script, pace=1) as server, Chat(server.url) as chat:
        yield server, chat, stage, key


def is_under_way(server: Replay, key: str) -> bool:
    return server.wait_for(lambda: any(request.key == key for request in server.requests))


def has_left(server: Replay, key: str) -> bool:
    return server.wait_for(lambda: [request.key for request in server.left] == [key])


def test_an_answer_is_stopped_from_another_thread(state: tuple[Replay, Chat, str, str]) -> None:
    server, chat, stage, key = state
    stream = chat.stream()
    listener = Listener(stream.events)
    assert listener.waits_for(stage)
    assert is_under_way(server, key)
    shown = "".join(event for event in listener.heard if isinstance(event, str))
    stream.cancel()
    assert listener.has_ended(5)
    assert listener.error is None
    assert has_left(server, key)
    answer = stream.answer
    assert (answer.complete, answer.refused, answer.notice) == (False, False, None)
    assert answer.text.startswith(shown)
    if stage == "writing":
        assert answer.text == "The capital"
    stream.cancel()  # once more does no harm
    assert len(server.chats) <= 1  # and nothing is asked afterwards


def test_a_model_s_stream_is_stopped_from_another_thread(state: tuple[Replay, Chat, str, str]) -> None:
    server, chat, stage, key = state
    running = chat.model.stream(PROMPT, answer_tokens=ANSWER_TOKENS)
    listener = Listener(lambda: running)
    assert listener.waits_for(stage)
    assert is_under_way(server, key)
    running.cancel()
    assert listener.has_ended(5)
    assert listener.error is None
    assert has_left(server, key)
    assert list(running) == []
    running.cancel()


def test_ctrl_c_stops_an_answer(state: tuple[Replay, Chat, str, str]) -> None:
    server, chat, _, key = state
    stream = chat.stream()

    def interrupt() -> None:
        is_under_way(server, key)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        list(stream)
    thread.join()
    assert has_left(server, key)
    assert not stream.answer.complete


def test_an_answer_that_is_dropped_is_stopped(state: tuple[Replay, Chat, str, str]) -> None:
    server, chat, stage, key = state
    running = chat.model.stream(PROMPT, answer_tokens=ANSWER_TOKENS)
    assert stage in stages([next_until(running, stage)])
    assert is_under_way(server, key)
    del running
    gc.collect()
    assert has_left(server, key)


def next_until(pieces: Iterator[ModelPiece], stage: str) -> ModelPiece:
    return next(piece for piece in pieces if stage in stages([piece]))


def test_an_answer_that_is_closed_keeps_what_arrived() -> None:
    with Replay({"/api/chat": "41-disconnect-midstream"}) as server, Chat(server.url) as chat:
        stream = chat.stream()
        pieces = iter(stream)
        shown = [next(pieces) for _ in range(6)]  # the server holds the rest back: they came one by one
        assert not server.client_left.is_set()
        stream.close()
        assert server.client_left.wait(5)
        assert (stream.answer.text, stream.answer.complete) == ("Once upon a time, in", False)
        assert "".join(shown) == stream.answer.text
        assert chat.answer().text == "Hello there! I'm"


@pytest.mark.parametrize("stop", [AnswerStream.cancel, AnswerStream.close])
def test_an_answer_stopped_before_it_began_asks_nobody(stop: Callable[[AnswerStream], None]) -> None:
    with Replay({"/api/chat": "14-chat-cold-stream"}) as server, Chat(server.url) as chat:
        stream = chat.stream()
        stop(stream)
        assert list(stream) == []
        assert (stream.answer.complete, stream.answer.refused, stream.answer.text) == (False, False, "")
        running = chat.model.stream(PROMPT, answer_tokens=1)
        running.cancel()
        assert list(running) == []
    assert server.requests == []


def test_an_answer_stopped_after_its_end_stays_whole() -> None:
    with Replay({"/api/chat": reply("14-chat-cold-stream").counting(300)}) as server, Chat(server.url) as chat:
        stream = chat.stream()
        list(stream)
        stream.cancel()
        assert (stream.answer.complete, stream.answer.text) == (True, "The capital of France is Paris.")


def test_who_leaves_does_not_stop_the_others() -> None:
    script: dict[str, Script] = {"/api/show": reply("12-show").after(1), "/api/chat": "14-chat-cold-stream"}
    with Replay(script, pace=0.5) as server, Chat(server.url) as chat:
        first = chat.model.stream(PROMPT, answer_tokens=1)
        one, two = Listener(lambda: first), Listener(lambda: chat.model.stream(PROMPT, answer_tokens=1))
        assert one.waits_for("connecting")
        assert two.waits_for("connecting")
        assert is_under_way(server, "/api/show")
        first.cancel()
        assert one.has_ended()
        assert two.has_ended()
        assert two.heard[-1].done


# The app


def opened(samples: RagApp, server: Replay) -> RagApp:
    return RagApp.open(
        data_dir=samples.settings.data_dir,
        model_dir=samples.settings.model_dir,
        answers="ollama",
        model=MODEL,
        ollama_url=server.url,
        language="en",
    )


def test_preloading_brings_the_model_into_memory(samples: RagApp) -> None:
    with Replay({}, cold=True) as server, opened(samples, server) as app:
        app.preload()
        assert server.wait_for(lambda: bool(server.loads))
        assert server.chats == []
    (load,) = server.loads
    assert (load["model"], load["messages"], load["keep_alive"]) == (MODEL, [], "30m")


def test_closing_the_app_stops_a_preload(samples: RagApp) -> None:
    script: dict[str, Script] = {"/api/ps": "03-ps-empty", "/api/chat load": slow("22-empty-messages-load")}
    with Replay(script, pace=1) as server:
        app = opened(samples, server)
        app.preload()
        assert is_under_way(server, "/api/chat load")
        app.close()
        assert has_left(server, "/api/chat load")
        assert not any(thread.name.startswith("rag-app") and thread.is_alive() for thread in gone(2))


def gone(seconds: float) -> list[threading.Thread]:
    """The threads that are left when those of the app have had time to end."""
    for thread in threading.enumerate():
        if thread.name == "rag-app preload":
            thread.join(seconds)
    return [thread for thread in threading.enumerate() if thread.name == "rag-app preload"]


def test_closing_the_app_ends_an_answer(samples: RagApp) -> None:
    with Replay({"/api/chat": endless("The")}, pace=1) as server:
        app = opened(samples, server)
        stream = app.stream(QUESTION)
        listener = Listener(stream.events)
        assert listener.has_heard(lambda event: event == "The")
        app.close()
        assert listener.has_ended(5)
        assert listener.error is None
        assert has_left(server, "/api/chat")
        assert stream.answer.text.startswith("The")
        assert not stream.answer.complete


# A server that takes connections and never says anything


def test_a_server_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, Chat(f"127.0.0.1:{silent.getsockname()[1]}") as chat:
        stream = chat.stream()
        listener = Listener(stream.events)
        assert listener.waits_for("connecting")
        stream.cancel()
        assert listener.has_ended(5)
        assert listener.error is None


# The event loop


def test_what_waits_when_the_loop_is_closed_ends() -> None:
    loop = EventLoop()

    async def forever() -> None:
        await asyncio.Event().wait()

    def run() -> Iterator[None]:
        loop.run(forever())
        yield

    listener = Listener(run)
    other = Listener(lambda: loop.iterate(endlessly))
    assert other.has_heard(lambda item: item == 1)
    loop.close()
    assert listener.has_ended(5)
    assert isinstance(listener.error, CancelledError)
    assert other.has_ended(5)
    assert other.error is None
    with pytest.raises(CancelledError):
        loop.run(forever())
    assert list(loop.iterate(endlessly)) == []
    loop.close()


async def endlessly() -> Any:
    yield 1
    await asyncio.Event().wait()
