"""A comparison in quotes: what the documents say of each side, under its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ingest.messages import text

from ..llm.quotes import NAME as QUOTES
from ..protocols import AnswerWriter, ModelPiece
from ..retrieval.language import language_of
from ..types import Passage, Turn


class QuotedComparison:
    """The best quotes for each side; implements :class:`rag_app.protocols.AnswerWriter`.

    Args:
        quotes: chooses them. sides: name → numbers (from 1) of the passages that were found for it.
    """

    name = QUOTES

    def __init__(self, quotes: AnswerWriter, sides: Mapping[str, Sequence[int]]) -> None:
        self._quotes = quotes
        self._sides = sides

    @property
    def context_tokens(self) -> None:
        """Nothing is counted: there is no prompt."""

    def cancel(self) -> None:
        """Nothing to stop: quotes are there at once."""

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """Each side's name, then its quotes, or that there is nothing of it."""
        language = language_of(question)
        for place, (name, numbers) in enumerate(self._sides.items()):
            gap = "\n\n" if place else ""
            yield ModelPiece(f"{gap}{text('answer.side', language, name=name)}")
            if not numbers:
                yield ModelPiece(f"\n\n{text('answer.not_found', language)}")
                continue
            own = [passages[number - 1] for number in numbers]
            for piece in self._quotes.stream(f"{name} {question}", own, history):
                if piece.quoted is not None:
                    placed = replace(piece.quoted, passage=numbers[piece.quoted.passage - 1])
                    yield replace(piece, quoted=placed)
        yield ModelPiece("", done=True)
