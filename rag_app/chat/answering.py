"""From passages to an answer: refuse, or let the model write and turn its markers into citations."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice

from ingest.messages import Message, message, text
from ingest.values import Value

from ..errors import ModelError
from ..llm.quoting import NAME as QUOTES
from ..llm.select import Answerer
from ..protocols import ChatMessage, ModelPiece, Span, Stage
from ..retrieval.language import language_of
from ..types import Answer, Citation, Passage, Retrieval, Turn
from .citations import Numbering, citation
from .drafting import Checked, Draft
from .grounding import Grounder

_MOST_UNCITED = 50  # of a whole document's passages


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no model is asked: the message becomes the answer."""

    reason: Message


@dataclass(frozen=True, slots=True, repr=False)
class Thought(Value):
    """What a thinking model says to itself before it answers; no part of the answer."""

    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Withdrawn(Value):
    """What was written is taken back, as the documents support none of it; the text takes its place."""

    text: str


Event = str | Stage | Thought | Checked | Withdrawn


class AnswerStream:
    """An answer as it is written: iterate for pieces of text, then read :attr:`answer`.

    :meth:`events` gives what is waited for, what the model thinks and what each sentence is worth too. Leaving the
    loop early and calling :meth:`close`, or calling :meth:`cancel` from another thread, stops the model; the answer
    then holds what had arrived.

    Args:
        grounder: checks each sentence of a model against the passages; without one, nothing is checked.
    """

    def __init__(
        self,
        retrieval: Retrieval,
        answerer: Answerer | Refusal,
        history: Sequence[Turn],
        grounder: Grounder | None = None,
    ) -> None:
        self.retrieval = retrieval
        self._answerer = answerer
        self._language = language_of(retrieval.question)
        self._history = tuple(history)
        self._thinking = ""
        self._last: ModelPiece | None = None
        self._failure: Message | None = None
        self._ended = False
        self._cancelled = False
        self._numbering = Numbering()
        self._draft = Draft(retrieval.passages, self._numbering, grounder)
        self._withdrawn = ""
        self._quoted: list[Span] = []
        self._events = self._run()

    def __iter__(self) -> Iterator[str]:
        return (event for event in self._events if isinstance(event, str))

    def events(self) -> Iterator[Event]:
        """Text as it is written, between it stages and thoughts."""
        return self._events

    def inside(self, held: Callable[[], AbstractContextManager[None]]) -> None:
        """Let what comes be made inside ``held()``; before the first event."""
        events = self._events

        def run() -> Generator[Event, None, None]:
            with held():
                yield from events

        self._events = run()

    @property
    def verbatim(self) -> bool:
        """True when the text is quoted or ours, so that nothing in it is a model's formatting."""
        return isinstance(self._answerer, Refusal) or self._answerer.writer.name == QUOTES or bool(self._withdrawn)

    @property
    def may_be_withdrawn(self) -> bool:
        """False once :class:`Withdrawn` can't come any more: something of the text stands in the documents.

        Who can't take back what was shown waits for that.
        """
        if isinstance(self._answerer, Refusal) or self._answerer.writer.name == QUOTES:
            return False
        return self._draft.may_hold_nothing

    @property
    def prompt(self) -> tuple[ChatMessage, ...]:
        """The messages as they were sent last; empty before that, and where no model is asked."""
        return self._answerer.writer.sent if isinstance(self._answerer, Answerer) else ()

    def cancel(self) -> None:
        """Stop, from any thread; the iteration then ends after what has already arrived."""
        self._cancelled = True
        if isinstance(self._answerer, Answerer):
            self._answerer.writer.cancel()

    def close(self) -> None:
        """Stop, from the thread that iterates; the model is cancelled."""
        self._cancelled = self._cancelled or not self._ended
        self._events.close()

    @property
    def answer(self) -> Answer:
        """The whole answer; reading it before the end waits for the end."""
        for _ in self._events:
            pass
        if isinstance(self._answerer, Refusal):
            return self._answer("none", refused=True, notice=self._nearest())
        notice = self._failure or (self._last.notice if self._last else None) or self._answerer.notice
        written = self._draft.text.strip()
        nothing = self._ended and not written and not self._cancelled  # stopped early, it had no time to write
        refused = nothing or bool(self._withdrawn)
        return self._answer(self._answerer.writer.name, refused=refused, notice=notice or self._draft.trouble)

    def _run(self) -> Generator[Event, None, None]:
        if isinstance(self._answerer, Refusal):
            yield self._draft.add(self._answerer.reason.text(self._language))
            return
        try:
            yield from self._pieces(self._answerer)
        except ModelError as error:
            if not self._draft.text:
                raise
            self._failure = error.message  # what had arrived is kept, and marked
            self._last = None
        yield from self._draft.finish()
        self._ended = True
        if self._draft.holds_nothing and self._draft.text and not self._cancelled and self._failure is None:
            self._withdrawn = self._refusal()
            yield Withdrawn(self._withdrawn)

    def _pieces(self, answerer: Answerer) -> Iterator[Event]:
        for piece in answerer.writer.stream(self.retrieval.question, self.retrieval.passages, self._history):
            if piece.stage is not None:
                yield piece.stage
                continue
            if piece.thinking:
                self._thinking += piece.thinking
                yield Thought(piece.thinking)
            self._last = piece
            if piece.passages is not None:
                self._draft.given = piece.passages
            if piece.quoted:
                yield self._draft.add(self._quote(piece.text, piece.quoted))
            else:
                yield from self._draft.feed(piece.text)

    def _nearest(self) -> Message | None:
        """What came nearest to a question that the documents do not answer."""
        if not self.retrieval.passages:
            return None
        nearest = self.retrieval.passages[0]
        return message("answer.nearest", document=nearest.document, where=nearest.where(self._language))

    def _refusal(self) -> str:
        """What stands in the place of an answer that no document supports, and what came nearest to the question."""
        if not self.retrieval.passages:
            return text("answer.not_found", self._language)
        nearest = self.retrieval.passages[0]
        where = nearest.where(self._language)
        return text("answer.unsupported", self._language, document=nearest.document, where=where)

    def _quote(self, quote: str, span: Span) -> str:
        """A verbatim quote with its marker, in a paragraph of its own; the words of a model are said to be such."""
        self._quoted.append(span)
        gap = "\n\n" if self._draft.text else ""
        if self.retrieval.passages[span.passage - 1].described:
            quote = text("answer.described", self._language, description=quote)
        return f"{gap}{quote} [{self._numbering.number(span.passage)}]"

    def _answer(self, model: str, *, refused: bool, notice: Message | None) -> Answer:
        last = self._last
        passages = self._passages()
        context = self._answerer.writer.context_tokens if isinstance(self._answerer, Answerer) else None
        return Answer(
            question=self.retrieval.question,
            text=self._withdrawn or self._draft.text or (text("answer.nothing", self._language) if refused else ""),
            model=model,
            language=self._language,
            refused=refused,
            citations=() if refused else self._citations(passages),
            passages=passages,
            notice=notice,
            prompt_tokens=last.prompt_tokens if last else None,
            answer_tokens=last.answer_tokens if last else None,
            context_tokens=context,
            thinking=self._thinking,
            complete=refused or (last is not None and last.done and last.complete),
            sentences=() if self._withdrawn else tuple(self._draft.sentences),
            dropped_markers=self._draft.dropped,
        )

    def _passages(self) -> tuple[Passage, ...]:
        """Those cited first, in the order of their numbers, then the others."""
        found = self.retrieval.passages
        cited = [found[passage - 1] for passage in self._numbering.cited]
        others = (passage for passage in found if passage not in cited)
        return (*cited, *islice(others, _MOST_UNCITED))

    def _citations(self, passages: tuple[Passage, ...]) -> tuple[Citation, ...]:
        if not self._quoted:
            return self._draft.citations(passages)
        spans: dict[int, list[tuple[int, int]]] = {}
        for span in self._quoted:
            spans.setdefault(self._numbering.number(span.passage), []).append((span.start, span.end))
        return tuple(citation(number, passages[number - 1], parts) for number, parts in sorted(spans.items()))
