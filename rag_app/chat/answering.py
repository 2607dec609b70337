"""From passages to an answer: refuse, or let the model write and turn its markers into citations."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from ingest.messages import Message, text

from ..errors import ModelError
from ..llm.quotes import NAME as QUOTES
from ..llm.select import Answerer
from ..protocols import ModelPiece
from ..retrieval.language import language_of
from ..types import Answer, Retrieval, Turn
from .citations import MarkerCleaner, citations


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no model is asked: the message becomes the answer."""

    reason: Message


class AnswerStream:
    """An answer as it is written: iterate for pieces of text, then read :attr:`answer`.

    Leaving the loop early and calling :meth:`close` cancels the model; the answer then holds what had arrived.
    """

    def __init__(self, retrieval: Retrieval, answerer: Answerer | Refusal, history: Sequence[Turn]) -> None:
        self.retrieval = retrieval
        self._answerer = answerer
        self._language = language_of(retrieval.question)
        self._history = tuple(history)
        self._text = ""
        self._last: ModelPiece | None = None
        self._failure: Message | None = None
        self._ended = False
        self._pieces = self._run()

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    @property
    def verbatim(self) -> bool:
        """True when the text is quoted or ours, so that nothing in it is a model's formatting."""
        return isinstance(self._answerer, Refusal) or self._answerer.model.name == QUOTES

    def close(self) -> None:
        """Stop; the model is cancelled."""
        self._pieces.close()

    @property
    def answer(self) -> Answer:
        """The whole answer; reading it before the end waits for the end."""
        for _ in self._pieces:
            pass
        if isinstance(self._answerer, Refusal):
            return self._answer("none", refused=True, notice=None)
        notice = self._failure or self._answerer.notice
        nothing = self._ended and not self._text  # closed early, it had no time to write
        return self._answer(self._answerer.model.name, refused=nothing, notice=notice)

    def _run(self) -> Generator[str, None, None]:
        if isinstance(self._answerer, Refusal):
            self._text = self._answerer.reason.text(self._language)
            yield self._text
            return
        cleaner = MarkerCleaner(len(self.retrieval.passages))
        model_pieces = self._answerer.model.stream(self.retrieval.question, self.retrieval.passages, self._history)
        try:
            for piece in model_pieces:
                self._last = piece
                if piece.passages is not None:
                    cleaner.passages = piece.passages
                yield from self._show(cleaner.feed(piece.text))
        except ModelError as error:
            if not self._text:
                raise
            self._failure = error.message  # what had arrived is kept, and marked
            self._last = None
        yield from self._show(cleaner.finish())
        self._ended = True

    def _show(self, shown: str) -> Iterator[str]:
        if shown:
            self._text += shown
            yield shown

    def _answer(self, model: str, *, refused: bool, notice: Message | None) -> Answer:
        last = self._last
        passages = self.retrieval.passages
        context = self._answerer.context_tokens if isinstance(self._answerer, Answerer) else None
        return Answer(
            question=self.retrieval.question,
            text=self._text or (text("answer.nothing", self._language) if refused else ""),
            model=model,
            language=self._language,
            refused=refused,
            citations=() if refused else citations(self._text, passages),
            passages=passages,
            notice=notice,
            prompt_tokens=last.prompt_tokens if last else None,
            context_tokens=context,
            complete=refused or (last is not None and last.done and last.complete),
        )
