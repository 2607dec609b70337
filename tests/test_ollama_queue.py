"""Twenty people ask one slow Ollama that answers one at a time: each gets their own answer, or is told it is full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rag_app import RagApp
from rag_app.chat.answering import AnswerStream
from rag_app.errors import ModelBusy
from rag_app.protocols import Stage

from .chatting import MODEL, Listener
from .recordings import Reply, written
from .replay import Replay, Request

ASKERS = 20
_NUMBER = re.compile(r"Question: (?:Number )?(\d+)")


def question(number: int) -> str:
    return f"Number {number} asks: on how large a GPU can QLoRA fine-tune a 65B model?"


def said(number: int) -> str:
    return f"To number {number}: one of 48 GB [1]."


def number_of(request: Request) -> int:
    found = _NUMBER.search(request.body["messages"][-1]["content"])
    assert found is not None
    return int(found[1])


def own_answer(request: Request) -> Reply:
    """An answer in many pieces that names who asked."""
    return written(re.findall(r"\S+\s*", said(number_of(request))), prompt_tokens=1900, every=1.0)


@contextmanager
def app_on(samples: RagApp, server: Replay) -> Iterator[RagApp]:
    with RagApp.open(
        data_dir=samples.settings.data_dir,
        model_dir=samples.settings.model_dir,
        answers="ollama",
        model=MODEL,
        ollama_url=server.url,
        passages=2,
        language="en",
    ) as app:
        yield app


class Asker(Listener):
    """Asks in a thread of its own, retrieval included."""

    def __init__(self, app: RagApp, number: int) -> None:
        self.number = number
        self.stream: AnswerStream | None = None
        super().__init__(lambda: self._events(app))

    def _events(self, app: RagApp) -> Iterator[object]:
        self.stream = app.stream(question(self.number))
        yield from self.stream.events()

    @property
    def text(self) -> str:
        return "".join(event for event in self.heard if isinstance(event, str))

    @property
    def ahead(self) -> list[int | None]:
        """How many it was told to be before it."""
        return [event.ahead for event in self.heard if isinstance(event, Stage) and event.name == "queued"]

    def has_own_answer(self) -> bool:
        return self.stream is not None and self.stream.answer.complete and self.text == said(self.number)


def ask_in_order(app: RagApp, server: Replay, count: int) -> list[Asker]:
    """Each asks when the request of the one before has come to the server."""
    askers = []
    for number in range(count):
        askers.append(Asker(app, number))
        assert server.wait_for(lambda wanted=number + 1: len(server.chats) == wanted, 60)  # type: ignore[misc]
    return askers


def test_all_are_answered_in_order_and_none_is_mixed_up(samples: RagApp) -> None:
    with Replay({"/api/chat": own_answer}, serial=True, pace=0.06) as server, app_on(samples, server) as app:
        askers = ask_in_order(app, server, ASKERS)
        finished = []
        for asker in askers:
            assert asker.has_ended(60)
            finished.append([other.number for other in askers if other.has_ended(0)])
    assert [asker.error for asker in askers] == [None] * ASKERS
    assert all(asker.has_own_answer() for asker in askers)
    assert [number_of(Request("POST", "/api/chat", body)) for body in server.chats] == list(range(ASKERS))
    for number, done in enumerate(finished):  # when one has ended, those before it have
        assert set(range(number + 1)) <= set(done)
    for asker in askers:  # who waited was told that others were before, ever fewer
        assert asker.ahead == sorted(asker.ahead, key=lambda ahead: -(ahead or 0))
    assert askers[-1].ahead
    assert server.left == []


def test_all_at_once_on_a_model_that_is_loaded_first(samples: RagApp) -> None:
    with Replay({"/api/chat": own_answer}, serial=True, cold=True) as server, app_on(samples, server) as app:
        askers = [Asker(app, number) for number in range(ASKERS)]
        assert all(asker.has_ended(60) for asker in askers)
    assert [asker.error for asker in askers] == [None] * ASKERS
    assert all(asker.has_own_answer() for asker in askers)
    assert sorted(number_of(Request("POST", "/api/chat", body)) for body in server.chats) == list(range(ASKERS))
    assert len(server.loads) == 1


def test_who_finds_the_queue_full_is_told_so(samples: RagApp) -> None:
    waiting = 5
    with (
        Replay({"/api/chat": own_answer}, serial=True, most_waiting=waiting, pace=0.2) as server,
        app_on(samples, server) as app,
    ):
        askers = ask_in_order(app, server, ASKERS)
        assert all(asker.has_ended(120) for asker in askers)
        answered = [asker for asker in askers if asker.error is None]
        refused = [asker for asker in askers if asker.error is not None]
        assert len(answered) > waiting
        assert refused
        assert all(asker.has_own_answer() for asker in answered)
        for asker in refused:
            assert isinstance(asker.error, ModelBusy)
            assert "Try again in a moment" in asker.error.text("en")
            assert "请稍后再试" in asker.error.text("zh")
            assert asker.text == ""
        again = Asker(app, 99)  # and a moment later it works
        assert again.has_ended(60)
        assert again.has_own_answer()


def test_stopping_one_frees_its_place(samples: RagApp) -> None:
    with (
        Replay({"/api/chat": own_answer}, serial=True, most_waiting=2, pace=0.25) as server,
        app_on(samples, server) as app,
    ):
        first, second, third = askers = ask_in_order(app, server, 3)
        assert second.waits_for("queued")
        assert third.waits_for("queued")
        assert second.stream is not None
        second.stream.cancel()
        assert second.has_ended(5)
        assert server.wait_for(lambda: [number_of(request) for request in server.left] == [1])
        late = Asker(app, 7)  # there is room for it now
        assert all(asker.has_ended(60) for asker in (*askers, late))
        assert [asker.error for asker in (*askers, late)] == [None] * 4
        assert first.has_own_answer()
        assert third.has_own_answer()
        assert late.has_own_answer()
        assert second.text == ""
        assert not second.stream.answer.complete


@pytest.mark.parametrize("stopped", [0, 1])
def test_the_next_one_is_served_at_once_when_one_is_stopped(samples: RagApp, stopped: int) -> None:
    def endless_for_one(request: Request) -> Reply:
        made = own_answer(request)
        return made.after(600) if number_of(request) == stopped else made

    with (
        Replay({"/api/chat": endless_for_one}, serial=True, pace=0.1) as server,
        app_on(samples, server) as app,
    ):
        askers = ask_in_order(app, server, 3)
        stream = askers[stopped].stream
        assert stream is not None
        stream.cancel()
        assert all(asker.has_ended(30) for asker in askers)
        assert [asker.number for asker in askers if asker.has_own_answer()] == [n for n in range(3) if n != stopped]
