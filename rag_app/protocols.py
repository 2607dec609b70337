"""What the engine asks of its replaceable parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ingest.messages import Message, message
from ingest.values import Value

from .types import Passage, Turn

StageName = Literal["connecting", "queued", "loading", "reading", "summing up", "thinking", "writing"]


@dataclass(frozen=True, slots=True, repr=False)
class EmbedderInfo(Value):
    """What an index must remember of its embedding model: vectors of different ones never mix.

    Attributes:
        name: as the user knows it. revision: changes whenever the vectors do (weights, quantization, prefixes).
        dimension: of the vectors. window: tokens it reads at once, special tokens included.
    """

    name: str
    revision: str
    dimension: int
    window: int


@runtime_checkable
class Embedder(Protocol):
    """Texts to unit vectors."""

    @property
    def info(self) -> EmbedderInfo:
        """Which model this is."""

    @property
    def concurrency(self) -> int:
        """How many calls of :meth:`embed_passages` at a time pay; each is safe beside the others."""

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of passages, shape (len(texts), dimension)."""

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        """Unit vector of a question, shape (dimension,)."""

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text``, special tokens aside."""


class Completion(Protocol):
    """A language model asked for one thing at a time."""

    @property
    def name(self) -> str:
        """The model's name."""

    def complete(self, prompt: str, schema: dict[str, object]) -> str:
        """JSON that fits a schema.

        Raises:
            ModelError.
        """


class Reranker(Protocol):
    """Reads question and passage together."""

    @property
    def name(self) -> str:
        """The model's name, as explanations show it."""

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the question, higher is better; comparable within one call.

        Raises:
            EmbedderError, ModelError.
        """


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a passage: ``passages[passage - 1].text[start:end]``."""

    passage: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, repr=False)
class Stage(Value):
    """What an answer is waiting for, so that silence is never a riddle.

    Attributes:
        name: "connecting", "queued" (others are before it), "loading" (the model comes into memory), "reading" (the
            prompt is evaluated), "summing up" (part ``part`` of ``parts``), "thinking" or "writing".
        model: its name. seconds: since the request was made.
        size: bytes of the model, while it is loading. ahead: requests of this program before it, while queued.
        tokens: of the prompt, while it is read; counted, see :meth:`ChatModel.count`.
    """

    name: StageName
    model: str
    seconds: float = 0.0
    size: int | None = None
    ahead: int | None = None
    tokens: int | None = None
    part: int | None = None
    parts: int | None = None

    @property
    def message(self) -> Message:
        """The stage in words."""
        if self.name == "loading" and self.size:
            return message("stage.loading_size", model=self.model, size=f"{self.size / 1e9:.1f}")
        if self.name == "queued":
            return message("stage.queued", model=self.model, ahead=self.ahead or 0)
        if self.name == "reading" and self.tokens:
            return message("stage.reading_tokens", model=self.model, tokens=f"{self.tokens:,}")
        if self.name == "summing up":
            return message("stage.summing_up", part=self.part or 1, parts=self.parts or 1)
        return message(f"stage.{self.name}", model=self.model)


@dataclass(frozen=True, slots=True, repr=False)
class ModelPiece(Value):
    """A piece of an answer as it arrives.

    Attributes:
        text: to be shown. done: the last piece.
        thinking: what a thinking model says to itself; never part of the answer.
        stage: set when what is waited for has changed; the piece then says nothing else.
        prompt_tokens: on the last piece, tokens of the prompt as the model counted them. answer_tokens: likewise.
        complete: on the last piece, False when the model was cut off.
        passages: how many of the passages, from the first, the model was given; None for all.
        quoted: set when the text is exactly this part of a passage; what looks like a marker in it is none.
        notice: something worth knowing about how the answer came about.
    """

    text: str
    done: bool = False
    thinking: str = ""
    stage: Stage | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    complete: bool = True
    passages: int | None = None
    quoted: Span | None = None
    notice: Message | None = None


@dataclass(frozen=True, slots=True, repr=False)
class ChatMessage(Value):
    """One message of a prompt.

    Attributes:
        images: files (PNG, JPEG or WebP) that go with it, for models that see.
    """

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[bytes, ...] = ()


class AnswerWriter(Protocol):
    """Writes an answer from numbered passages, citing them as [n]."""

    @property
    def name(self) -> str:
        """The model's name, as answers report it."""

    @property
    def context_tokens(self) -> int | None:
        """Tokens that prompt and answer may have together; None where nothing is counted, or not yet."""

    @property
    def sent(self) -> tuple[ChatMessage, ...]:
        """The messages as they were sent last; empty where no model is asked."""

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends."""

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """The answer, piece by piece; closing the iterator cancels it.

        Raises:
            ModelError: before the first piece, or between two.
        """


@dataclass(frozen=True, slots=True, repr=False)
class ModelDescription(Value):
    """What is known of a model before it is asked.

    Attributes:
        provider: "ollama", "gguf", "openai", or "llamaindex" for a model that a program brought along.
        context_tokens: prompt and answer together never have more: the same for all requests of a session.
        trained_context: what it was trained for. parameters: as its maker writes it ("8.0B"). size: bytes of weights.
        kv_bytes: memory of one token of context, in bytes. None where it is not known, as elsewhere here.
        vision, thinking: whether it takes images, and whether it thinks before it answers.
        counts_exactly: whether :meth:`ChatModel.count` is the model's own count rather than a bound.
    """

    name: str
    provider: Literal["ollama", "gguf", "openai", "llamaindex"]
    context_tokens: int
    trained_context: int | None = None
    parameters: str = ""
    quantization: str = ""
    size: int | None = None
    kv_bytes: float | None = None
    vision: bool = False
    thinking: bool = False
    counts_exactly: bool = False


class ChatStream(Iterator["ModelPiece"], Protocol):
    """An answer on its way."""

    def cancel(self) -> None:
        """Stop, on the server too; from any thread, in every stage, more than once. Iteration then ends."""


class ChatModel(Protocol):
    """A language model behind one contract: no prompt is ever cut in silence.

    All of it is safe to share between threads.
    """

    @property
    def name(self) -> str:
        """The model's name, as answers report it."""

    def describe(self) -> ModelDescription:
        """What the model is and how much context it has here; asked of the server once.

        Raises:
            ModelError.
        """

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt, template included: the model's own count where it can be had, else never too few.

        Raises:
            ModelError.
        """

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ChatStream:
        """The answer, piece by piece; the last has ``done`` set.

        Args:
            answer_tokens: most tokens of the answer. schema: JSON schema that the answer must fit.

        Raises:
            PromptTooLong: the prompt does not fit; nothing was cut and nothing answered. ModelError: before the first
            piece, or between two. Both while iterating.
        """

    def prepare(self) -> ChatStream:
        """Whatever :meth:`describe` and :meth:`count` need, so that they answer at once; pieces are stages only.

        Raises:
            ModelError; while iterating.
        """

    def preload(self) -> None:
        """Have the model in memory before it is asked; returns when it is there.

        Raises:
            ModelError.
        """

    def close(self) -> None:
        """Give up what it holds: a process, connections."""
