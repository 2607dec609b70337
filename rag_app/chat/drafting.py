"""A model's text on its way to the reader: markers renumbered, sentences checked as they end, citations added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.messages import Message
from ingest.values import Value

from ..errors import EmbedderError
from ..types import AnswerSentence, Citation, Passage
from .citations import Numbering, best_sentence, citation
from .claims import says_unknown
from .cleaning import MarkerCleaner
from .grounding import Grounder, Verdict
from .markers import Marker, Part
from .sentences import Sentence, SentenceCutter

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FOUND = {"supported", "partly"}  # by the passages
_FULL_WIDTH = "\u2e80"  # no blank stands between Chinese and a marker


@dataclass(frozen=True, slots=True, repr=False)
class Checked(Value):
    """A sentence that has just been written is complete and checked."""

    sentence: AnswerSentence


@dataclass(frozen=True, slots=True)
class _Cite:
    claim: str
    passage: int


class Draft:
    """What a model has written so far.

    Args:
        passages: as they were retrieved; the model may be given fewer, see :attr:`given`.
        grounder: checks sentences; without one, markers are taken as they are.

    Attributes:
        text: with markers [n]. sentences: those that are complete, checked.
        trouble: why sentences could no longer be checked.
    """

    def __init__(self, passages: Sequence[Passage], numbering: Numbering, grounder: Grounder | None) -> None:
        self.text = ""
        self.sentences: list[AnswerSentence] = []
        self.trouble: Message | None = None
        self._passages = passages
        self._numbering = numbering
        self._grounder = grounder
        self._cleaner = MarkerCleaner(len(passages))
        self._cutter = SentenceCutter()
        self._cites: list[_Cite] = []
        self._start: int | None = None  # of the sentence at work
        self._loose: list[int] = []  # passages cited since the last sentence ended
        self._unknown = False
        self._written = False  # by a model, not quoted

    @property
    def dropped(self) -> int:
        """Numbers that name no passage."""
        return self._cleaner.dropped

    @property
    def given(self) -> int:
        """How many of the passages, from the first, the model was given."""
        return self._cleaner.passages

    @given.setter
    def given(self, passages: int) -> None:
        self._cleaner.passages = passages

    def feed(self, piece: str) -> Iterator[str | Checked]:
        """What can be shown after ``piece`` arrived."""
        self._written = self._written or bool(piece)
        return self._taken(self._cutter.feed(self._cleaner.feed(_whole(piece))))

    def add(self, said: str) -> str:
        """Text that is shown as it is: a quote, or words of ours."""
        self.text += said
        return said

    def finish(self) -> Iterator[str | Checked]:
        """The rest."""
        yield from self._taken(self._cutter.feed(self._cleaner.finish()))
        yield from self._taken(self._cutter.finish())
        self._cites += [_Cite("", passage) for passage in self._loose]
        self._loose.clear()

    @property
    def holds_nothing(self) -> bool:
        """True when it was checked and the passages support none of it, or it says itself that they do not tell."""
        grounder = self._grounder
        if grounder is None or not grounder.strict or self.trouble is not None or not self._written:
            return False
        support = {sentence.support for sentence in self.sentences}
        if support & _FOUND:
            return False
        return "unsupported" in support or self._unknown or not self.sentences

    @property
    def may_hold_nothing(self) -> bool:
        """False as soon as nothing that follows can make :attr:`holds_nothing` true."""
        if self._grounder is None or not self._grounder.strict or self.trouble is not None:
            return False
        return not any(sentence.support in _FOUND for sentence in self.sentences)

    def citations(self, passages: Sequence[Passage]) -> tuple[Citation, ...]:
        """One for each passage that is cited, in order of their numbers.

        Args:
            passages: [n] names ``passages[n - 1]``.
        """
        spans: dict[int, list[tuple[int, int]]] = {}
        for cite in self._cites:
            spans.setdefault(self._numbering.number(cite.passage), []).append(self._quoted(cite))
        return tuple(citation(number, passages[number - 1], parts) for number, parts in sorted(spans.items()))

    def _quoted(self, cite: _Cite) -> tuple[int, int]:
        """Where the passage says it: the claim itself if it is there, else the sentence nearest to it."""
        text = self._passages[cite.passage - 1].text
        at = text.find(cite.claim)
        if cite.claim and at >= 0:
            return at, at + len(cite.claim)
        if self._grounder is not None and self.trouble is None:
            near = self._grounder.quote(cite.claim, cite.passage)
            if near is not None:
                return near
        return best_sentence(cite.claim, text)

    def _taken(self, items: Iterable[Part | Sentence]) -> Iterator[str | Checked]:
        for item in items:
            if isinstance(item, Sentence):
                self._loose.clear()
                yield from self._ended(item)
                continue
            if isinstance(item, Marker):
                self._loose += item.passages
            shown = item if isinstance(item, str) else self._marker(item)
            if self._start is None and shown.strip():
                self._start = len(self.text) + len(shown) - len(shown.lstrip())
            self.text += shown
            yield shown

    def _marker(self, marker: Marker) -> str:
        return "".join(f"[{self._numbering.number(passage)}]" for passage in marker.passages)

    def _ended(self, sentence: Sentence) -> Iterator[str | Checked]:
        self._cites += [_Cite(claim, passage) for claim, passages in sentence.cites for passage in passages]
        if self._grounder is None or self.trouble is not None:
            self._start = None
            return
        try:
            verdict = self._verdict(self._grounder, sentence)
        except EmbedderError as error:  # the answer is worth more than its check
            self.trouble = error.message
            self._start = None
            return
        self._unknown = self._unknown or says_unknown(sentence.text)
        cited = list(sentence.passages)
        if verdict.passage is not None and verdict.passage not in cited and _takes_marker(sentence, verdict):
            cited.append(verdict.passage)
            self._cites.append(_Cite(sentence.text, verdict.passage))
            blank = "" if self.text[-1:] >= _FULL_WIDTH or self.text.endswith("]") else " "
            added = blank + self._marker(Marker((verdict.passage,)))
            self.text += added
            yield added
        checked = AnswerSentence(
            start=self._start or 0,
            end=len(self.text),
            support=verdict.support,
            score=round(verdict.score, 3),
            cited=tuple(self._numbering.number(passage) for passage in cited),
            missing=verdict.missing if verdict.support in ("partly", "unsupported") else (),
        )
        self.sentences.append(checked)
        self._start = None
        yield Checked(checked)

    def _verdict(self, grounder: Grounder, sentence: Sentence) -> Verdict:
        given = [passage for passage in sentence.passages if passage <= self.given]
        return grounder.check_code(sentence.text) if sentence.code else grounder.check(sentence.text, given)


def _whole(piece: str) -> str:
    """Without control characters and half characters, which nothing can show or store."""
    return _CONTROL.sub("", piece.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _takes_marker(sentence: Sentence, verdict: Verdict) -> bool:
    """A marker behind a table's last cell would not be shown, one inside code would change it."""
    return verdict.support in ("supported", "partly") and not sentence.code and not sentence.text.endswith("|")
