"""Whole documents summed up: every part is read (map), then what was noted of the parts (reduce).

The passages of a document are all of its text, numbered through, so that every sentence of a summary can name the
page it comes from. Without a model the most central sentences are quoted.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.messages import Language

from ..llm.quoting import Quoting
from ..protocols import ChatMessage, ChatModel, ModelPiece, Stage
from ..retrieval.language import language_of
from ..types import Passage, Turn
from .extracting import central_sentences
from .prompt import harmless
from .prompts import Prompt
from .stoppable import StoppableModel, Stopped

_SENTENCES, _PART_SENTENCES, _SHORT_SENTENCES = 7, 4, 2
_CHARACTERS, _SHORT_CHARACTERS = 900, 240
_NOTE_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Section:
    """A document among the passages: its are ``passages[first:last]``.

    Attributes:
        heading: what stands before its summary where there are several documents.
    """

    title: str
    first: int
    last: int
    heading: str = ""


class QuotedSummary(Quoting):
    """The most central sentences, verbatim; implements :class:`rag_app.protocols.AnswerWriter`."""

    def __init__(self, sections: Sequence[Section], lead: str = "") -> None:
        self._sections = sections
        self._lead = lead

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """One piece a quote, after the heading of its document."""
        if self._lead:
            yield ModelPiece(self._lead)
        one = len(self._sections) == 1
        most, characters = (_SENTENCES, _CHARACTERS) if one else (_SHORT_SENTENCES, _SHORT_CHARACTERS)
        for section in self._sections:
            if section.heading:
                yield ModelPiece(f"\n\n{section.heading}")
            for span in central_sentences(passages[section.first : section.last], most, characters):
                placed = replace(span, passage=span.passage + section.first)
                quote = passages[placed.passage - 1].text[placed.start : placed.end]
                yield ModelPiece(quote, quoted=placed)
        yield ModelPiece("", done=True)


class ModelSummary:
    """Map and reduce with a chat model; implements :class:`rag_app.protocols.AnswerWriter`.

    Args:
        lead: said first. answer_tokens: most tokens of the summary.
    """

    def __init__(
        self, model: ChatModel, prompt: Prompt, sections: Sequence[Section], answer_tokens: int, lead: str = ""
    ) -> None:
        self.name = model.name
        self.prompt = prompt
        self._model = StoppableModel(model)
        self._sections = sections
        self._answer_tokens = answer_tokens
        self.sent: tuple[ChatMessage, ...] = ()
        self._lead = lead
        self._done = 0

    @property
    def context_tokens(self) -> int | None:
        """The model's context; None before it was asked."""
        return self._model.context_tokens

    def cancel(self) -> None:
        """Stop, on the server too."""
        self._model.cancel()

    def stream(self, question: str, passages: Sequence[Passage], history: Sequence[Turn]) -> Iterator[ModelPiece]:
        """Stages while parts are read, then the summary; of several documents, each as soon as it is there.

        Raises:
            PromptTooLong, ModelError.
        """
        try:
            yield from self._model.prepare()
            if self._lead:
                yield ModelPiece(self._lead)
            language = language_of(question)
            groups = [self._groups(section, passages, language) for section in self._sections]
            parts = sum(map(len, groups))
            for section, own in zip(self._sections, groups, strict=True):
                yield from self._section(section, own, parts, question, language)
        except Stopped:
            return

    def _section(
        self, section: Section, groups: Sequence[str], parts: int, question: str, language: Language
    ) -> Iterator[ModelPiece]:
        """A document: notes of each part, then their sum; a short one needs one step only."""
        last = section is self._sections[-1]
        if section.heading:
            yield ModelPiece(f"\n\n{section.heading}\n\n")
        one = len(self._sections) == 1
        notes: list[str] = []
        for number, group in enumerate(groups, 1):
            self._done += 1
            yield ModelPiece("", stage=Stage("summing up", self.name, part=self._done, parts=parts))
            sentences = _PART_SENTENCES if one or len(groups) > 1 else _SHORT_SENTENCES
            prompt = self._messages(
                "part",
                language,
                title=harmless(section.title),
                number=number,
                parts=len(groups),
                passages=group,
                sentences=_SENTENCES if one and len(groups) == 1 else sentences,
            )
            if len(groups) == 1:
                yield from self._written(prompt, last)
                return
            notes.append((yield from self._noted(prompt)))
        sentences = _SENTENCES if one else _SHORT_SENTENCES
        while True:
            joined = self._joined(notes, section, question, sentences, language)
            if len(joined) == 1:
                yield from self._written(joined[0], last)
                return
            notes = []
            for prompt in joined:  # the notes are too long themselves
                notes.append((yield from self._noted(prompt)))

    def _joined(
        self, notes: Sequence[str], section: Section, question: str, sentences: int, language: Language
    ) -> list[list[ChatMessage]]:
        """As few prompts as hold all notes; at least two notes in each, so that there are fewer every time."""

        def prompt(some: Sequence[str]) -> list[ChatMessage]:
            values = {"title": harmless(section.title), "question": harmless(question), "sentences": sentences}
            return self._messages("whole", language, notes="\n".join(some), **values)

        prompts: list[list[ChatMessage]] = []
        held: list[str] = []
        for note in notes:
            if len(held) >= 2 and self._model.count(prompt([*held, note])) > self._budget(self._answer_tokens):
                prompts.append(prompt(held))
                held = []
            held.append(note)
        return [*prompts, prompt(held)]

    def _groups(self, section: Section, passages: Sequence[Passage], language: Language) -> list[str]:
        """The document's passages as texts, as many in each as fit into a prompt."""
        groups: list[str] = []
        held: list[str] = []
        for number in range(section.first, section.last):
            shown = self._shown(number + 1, passages[number], language)
            if held and self._model.count(self._part_of("\n\n".join([*held, shown]), section, language)) > self._budget(
                _NOTE_TOKENS
            ):
                groups.append("\n\n".join(held))
                held = []
            held.append(shown)
        return [*groups, "\n\n".join(held)] if held else groups

    def _part_of(self, group: str, section: Section, language: Language) -> list[ChatMessage]:
        values = {"title": harmless(section.title), "number": 999, "parts": 999, "sentences": _SENTENCES}
        return self._messages("part", language, passages=group, **values)

    def _budget(self, answer_tokens: int) -> int:
        context = self._model.context_tokens or 0
        return context - min(answer_tokens, context // 2)

    def _shown(self, number: int, passage: Passage, language: Language) -> str:
        place = harmless(passage.where(language))
        return self.prompt.text("passage", language, number=number, place=place, text=harmless(passage.text))

    def _messages(self, key: str, language: Language, **values: object) -> list[ChatMessage]:
        return [
            ChatMessage("system", self.prompt.raw("system", language)),
            ChatMessage("user", self.prompt.text(key, language, **values)),
        ]

    def _noted(self, prompt: Sequence[ChatMessage]) -> Generator[ModelPiece, None, str]:
        """What the model notes, not shown yet; the stages on the way are."""
        written = ""
        self.sent = tuple(prompt)
        for piece in self._model.stream(prompt, _NOTE_TOKENS):
            if piece.stage is not None and piece.stage.name in ("loading", "queued"):
                yield piece
            written += piece.text
        return written.strip()

    def _written(self, prompt: Sequence[ChatMessage], last: bool) -> Iterator[ModelPiece]:
        self.sent = tuple(prompt)
        for piece in self._model.stream(prompt, min(self._answer_tokens, (self._model.context_tokens or 0) // 2)):
            yield piece if last or not piece.done else replace(piece, done=False)
