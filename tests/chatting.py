"""A chat model on a played Ollama server, and what it is asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ingest.errors import UserError
from rag_app.chat.answering import AnswerStream, Event
from rag_app.chat.prompts import load
from rag_app.chat.writing import ModelWriter
from rag_app.llm.background import EventLoop
from rag_app.llm.ollama import OllamaModel, OllamaOptions
from rag_app.llm.ollama_server import OllamaServer
from rag_app.llm.select import Answerer
from rag_app.protocols import ChatMessage, ModelPiece, Stage
from rag_app.types import Answer, Passage, Retrieval, Turn

MODEL = "smollm2:135m"
CONTEXT = 4096
ANSWER_TOKENS = 768
QUESTION = "On how large a GPU can QLoRA fine-tune a 65B model?"
PROMPT = (ChatMessage("user", "What is the capital of France?"),)


def passage(number: int, text: str = "") -> Passage:
    text = text or f"Fact {number}: box {number} holds {number * 7} apples."
    return Passage(
        chunk_id=number,
        document=f"boxes-{number}.txt",
        path=Path(f"/boxes/boxes-{number}.txt"),
        title=f"Boxes {number}",
        page=1,
        page_label=None,
        pages=1,
        headings=(),
        start=0,
        end=len(text),
        text=text,
        score=1 / number,
        similarity=0.8,
    )


PASSAGES = tuple(passage(number) for number in range(1, 7))
TURNS = (
    Turn("user", "first question"),
    Turn("assistant", "first answer"),
    Turn("user", "second question"),
    Turn("assistant", "second answer"),
)


class Chat(AbstractContextManager["Chat"]):
    """A model on a server, opened as the app opens it.

    ::

        with Replay({"/api/chat": "14-chat-cold-stream"}) as server, Chat(server.url) as chat:
            assert chat.answer().text == "The capital of France is Paris."
    """

    def __init__(self, url: str, name: str = MODEL, context: int = CONTEXT, **options: Any) -> None:
        self.loop = EventLoop()
        self.server = OllamaServer(url, self.loop)
        self.model = OllamaModel(self.server, name, OllamaOptions(context, **options))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.close()
        self.loop.close()

    def pieces(self, prompt: Sequence[ChatMessage] = PROMPT, **asked: Any) -> list[ModelPiece]:
        """What the model says to a prompt, stages aside."""
        return [
            piece for piece in self.model.stream(prompt, **{"answer_tokens": ANSWER_TOKENS, **asked}) if not piece.stage
        ]

    def written(
        self, passages: Sequence[Passage] = PASSAGES, history: Sequence[Turn] = (), images: Sequence[bytes] = ()
    ) -> list[ModelPiece]:
        """What is written to :data:`QUESTION`, stages aside."""
        writer = ModelWriter(self.model, load("answer"), ANSWER_TOKENS, images)
        return [piece for piece in writer.stream(QUESTION, passages, history) if not piece.stage]

    def stream(
        self, question: str = QUESTION, passages: tuple[Passage, ...] = PASSAGES, history: Sequence[Turn] = ()
    ) -> AnswerStream:
        """An answer as the app streams it."""
        retrieval = Retrieval(question, passages, coverage=1.0, best_similarity=0.9)
        return AnswerStream(retrieval, Answerer(ModelWriter(self.model, load("answer"), ANSWER_TOKENS)), history)

    def answer(self, passages: tuple[Passage, ...] = PASSAGES, history: Sequence[Turn] = ()) -> Answer:
        """The whole answer."""
        return self.stream(QUESTION, passages, history).answer


class Listener:
    """Iterates in a thread of its own, so that the test's may do something meanwhile.

    Attributes:
        heard: what has come so far. error: what the iteration ended with, None for nothing.
    """

    def __init__(self, items: Callable[[], Any]) -> None:
        self.heard: list[Any] = []
        self.error: BaseException | None = None
        self._items = items
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for item in self._items():
                with self._changed:
                    self.heard.append(item)
                    self._changed.notify_all()
        except (UserError, asyncio.CancelledError, CancelledError) as error:
            self.error = error
        with self._changed:
            self._changed.notify_all()

    def has_heard(self, wanted: Callable[[Any], bool], seconds: float = 10.0) -> bool:
        """Whether such an item comes."""
        with self._changed:
            return self._changed.wait_for(lambda: any(map(wanted, self.heard)), seconds)

    def waits_for(self, stage: str) -> bool:
        """Whether it comes to that stage."""
        return self.has_heard(lambda item: stage in stages([item]))

    def has_ended(self, seconds: float = 10.0) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def stages(items: Sequence[ModelPiece | Event]) -> list[str]:
    """Names of the stages among pieces or events."""
    found = (item.stage if isinstance(item, ModelPiece) else item for item in items)
    return [stage.name for stage in found if isinstance(stage, Stage)]
