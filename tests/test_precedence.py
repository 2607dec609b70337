"""Questions go first: reading files gives way while one is answered, and never for long."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from rag_app import RagApp, precedence
from rag_app.precedence import GivingWay, Precedence

from .replay import Replay


class Counting:
    """An embedder that notes how many texts each call brought."""

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.calls: list[int] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.calls.append(len(texts))
        return np.array([[len(text)] for text in texts], np.float32).reshape(len(texts), 1)


def test_texts_wait_for_a_question_and_no_longer() -> None:
    first, embedder = Precedence(), Counting(2)
    vectors: list[npt.NDArray[np.float32]] = []
    stage = GivingWay(embedder, first)
    with first.asking():
        thread = threading.Thread(target=lambda: vectors.append(stage.embed_passages(["a", "bb", "ccc"])))
        thread.start()
        thread.join(0.2)
        assert embedder.calls == []
    thread.join(60)
    assert embedder.calls == [1, 1, 1]
    assert vectors[0].tolist() == [[1], [2], [3]]


def test_a_model_that_wants_all_at_once_gets_it() -> None:
    embedder = Counting(1)
    assert GivingWay(embedder, Precedence()).embed_passages(["a", "bb"]).shape == (2, 1)
    assert GivingWay(embedder, Precedence()).embed_passages([]).shape == (0, 1)
    assert embedder.calls == [2, 0]


def test_a_question_without_end_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "_MOST_SECONDS", 0.05)
    first = Precedence()
    with first.asking():
        for _ in range(3):
            first.give_way()  # returns
    first.give_way()


def test_a_question_is_asked_with_precedence_until_its_quotes_are_there(samples: RagApp) -> None:
    first = samples._store.precedence
    stream = samples.stream("What is an embedding?")
    assert not first._since
    events = stream.events()
    next(events)
    assert len(first._since) == 1
    assert stream.answer.citations
    assert not first._since
    left = samples.stream("What is an embedding?")
    next(left.events())
    left.close()
    assert not first._since


def test_a_model_that_writes_for_minutes_holds_nothing_up(samples: RagApp) -> None:
    with (
        Replay({"/api/chat": "14-chat-cold-stream"}) as server,
        RagApp.open(
            data_dir=samples.settings.data_dir,
            model_dir=samples.settings.model_dir,
            ollama_url=server.url,
            model="smollm2:135m",
        ) as app,
    ):
        stream = app.stream("What is an embedding?")
        for _ in stream:
            assert not app._store.precedence._since
        assert stream.answer.model == "smollm2:135m"
