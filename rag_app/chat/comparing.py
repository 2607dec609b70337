"""A comparison in quotes: what the documents say of each side, under its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.messages import text

from ..llm.quoting import Quoting
from ..protocols import AnswerWriter, ModelPiece
from ..retrieval.language import language_of
from ..types import Passage, Turn


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things that are compared.

    Attributes:
        question: what was looked up for it. passages: numbers (from 1) of those that were found.
    """

    name: str
    question: str
    passages: tuple[int, ...]


class QuotedComparison(Quoting):
    """The best quotes for each side; implements :class:`rag_app.protocols.AnswerWriter`.

    Args:
        quotes: chooses them.
    """

    def __init__(self, quotes: AnswerWriter, sides: Sequence[Side]) -> None:
        self._quotes = quotes
        self._sides = sides

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """Each side's name, then its quotes, or that there is nothing of it."""
        language = language_of(question)
        for place, side in enumerate(self._sides):
            gap = "\n\n" if place else ""
            yield ModelPiece(f"{gap}{text('answer.side', language, name=side.name)}")
            if not side.passages:
                yield ModelPiece(f"\n\n{text('answer.not_found', language)}")
                continue
            own = [passages[number - 1] for number in side.passages]
            for piece in self._quotes.stream(side.question, own, history):
                if piece.quoted is not None:
                    placed = replace(piece.quoted, passage=side.passages[piece.quoted.passage - 1])
                    yield replace(piece, quoted=placed)
        yield ModelPiece("", done=True)
