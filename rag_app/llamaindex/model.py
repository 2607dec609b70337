"""A language model of LlamaIndex as the app's."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue

from llama_index.core.base.llms.types import ChatMessage as TheirMessage
from llama_index.core.base.llms.types import ImageBlock, MessageRole, TextBlock
from llama_index.core.llms import LLM

from ..errors import PromptTooLong
from ..llm.counting import TokenBound
from ..protocols import ChatMessage, ModelDescription, ModelPiece, Stage

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_PIECES = Queue[ModelPiece | None]


class LlamaIndexModel:
    """Implements :class:`rag_app.protocols.ChatModel` by any :class:`LLM`.

    Its context window bounds the prompt: LlamaIndex itself would let a server cut it in silence. Where an answer has to
    fit a JSON schema, the prompt says so, as not every model can be held to one.

    Args:
        llm: its own settings (temperature, longest answer) hold.
    """

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._counted = TokenBound()
        self._threads = ThreadPoolExecutor(thread_name_prefix="llamaindex model")

    @property
    def name(self) -> str:
        """As its metadata has it; its class where that is not known."""
        said = self._llm.metadata.model_name
        return said if said and said != "unknown" else type(self._llm).__name__

    def describe(self) -> ModelDescription:
        """What its metadata says."""
        return ModelDescription(self.name, "llamaindex", self._llm.metadata.context_window)

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt, never too few."""
        return self._counted.count(messages)

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ModelStream:
        """The answer as it is written; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            PromptTooLong; what the model raises; both while iterating.
        """
        return ModelStream(self._pieces(tuple(messages), answer_tokens, schema), self._threads)

    def prepare(self) -> ModelStream:
        """There is nothing to prepare."""
        return ModelStream(iter(()), self._threads)

    def preload(self) -> None:
        """Whoever runs the model sees to that."""

    def close(self) -> None:
        """Whoever made the model closes it."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _pieces(
        self, messages: tuple[ChatMessage, ...], answer_tokens: int, schema: dict[str, object] | None
    ) -> Iterator[ModelPiece]:
        began = time.monotonic()
        tokens, context = self.count(messages), self._llm.metadata.context_window
        if tokens + answer_tokens > context:
            raise PromptTooLong("llamaindex.too_long", tokens=tokens, context=context, model=self.name)
        yield ModelPiece("", stage=Stage("reading", self.name, time.monotonic() - began, tokens=tokens))
        theirs = [_theirs(one) for one in messages]
        if schema is not None:
            theirs.append(TheirMessage(role=MessageRole.USER, content=f"JSON schema: {json.dumps(schema)}"))
            said = self._llm.chat(theirs).message.content or ""
            found = _OBJECT.search(said)
            yield ModelPiece(found[0] if found else said)
        else:
            yield from self._written(theirs)
        yield ModelPiece("", done=True)

    def _written(self, messages: list[TheirMessage]) -> Iterator[ModelPiece]:
        before = ""
        for response in self._llm.stream_chat(messages):
            whole = response.message.content or ""
            text = response.delta if response.delta is not None else whole[len(before) :]
            before = whole
            if text:
                yield ModelPiece(text)


class ModelStream(Iterator[ModelPiece]):
    """An answer on its way, drawn by a thread: whoever listens can stop while the model says nothing."""

    def __init__(self, pieces: Iterator[ModelPiece], threads: ThreadPoolExecutor) -> None:
        self._queue: _PIECES = Queue()
        self._pieces = pieces
        self._threads = threads
        self._lock = threading.Lock()
        self._drawing: Future[None] | None = None
        self._stopped = False

    def __next__(self) -> ModelPiece:
        """The next piece.

        Raises:
            PromptTooLong; what the model raises.
        """
        with self._lock:
            if self._drawing is None and not self._stopped:
                self._drawing = self._threads.submit(self._draw)
        piece = self._queue.get() if not self._stopped else None
        if piece is None or self._stopped:
            self._queue.put(None)
            if self._drawing is not None and not self._stopped:
                self._drawing.result()
            raise StopIteration
        return piece

    def cancel(self) -> None:
        """Stop, from any thread; the model's own stream is closed at its next piece."""
        with self._lock:
            self._stopped = True
        self._queue.put(None)

    def _draw(self) -> None:
        try:
            for piece in self._pieces:
                if self._stopped:
                    break
                self._queue.put(piece)
        finally:
            self._queue.put(None)
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()


def _theirs(message: ChatMessage) -> TheirMessage:
    images = [ImageBlock(image=image) for image in message.images]
    return TheirMessage(role=MessageRole(message.role), blocks=[TextBlock(text=message.text), *images])
