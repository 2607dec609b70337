"""What the answers to a conversation's questions have in common: they are opened once the question stands alone."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ..conversation_types import Condensed
from ..protocols import ChatMessage
from ..types import Retrieval
from .answering import AnswerStream, Event


class RelayedStream:
    """Base of the streams that are used as :class:`rag_app.chat.answering.AnswerStream` is.

    Attributes:
        condensed: how the question was made to stand alone; None until that is known.
    """

    _events: Generator[Event, None, None]

    def __init__(self, question: str, condensed: Condensed | None = None) -> None:
        self.condensed = condensed
        self._question = question
        self._inner: AnswerStream | None = None

    @property
    def rewritten(self) -> str:
        """The question that is searched for and answered: made to stand alone where it was not."""
        return self.condensed.rewritten if self.condensed else self._question

    @property
    def retrieval(self) -> Retrieval:
        """What was found; nothing before it was searched for."""
        return self._inner.retrieval if self._inner else Retrieval(self.rewritten, (), 0.0, 0.0)

    @property
    def prompt(self) -> tuple[ChatMessage, ...]:
        """The messages as they were sent last; empty before that, and where no model is asked."""
        return self._inner.prompt if self._inner else ()

    @property
    def verbatim(self) -> bool:
        """True when the text is quoted or ours, so that nothing in it is a model's formatting."""
        return self._inner is None or self._inner.verbatim

    def __iter__(self) -> Iterator[str]:
        return (event for event in self._events if isinstance(event, str))

    def events(self) -> Iterator[Event]:
        """Text as it is written, between it stages and thoughts."""
        return self._events
