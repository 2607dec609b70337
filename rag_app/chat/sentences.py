"""A model's text cut into sentences while it streams, each with the markers that belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.sentences import sentence_spans

from .markers import Marker, Part

_MOST = 2000  # characters; what goes on without end is cut there
_FENCES = ("```", "~~~")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is complete; it comes behind the last of its characters and markers.

    Attributes:
        text: without markers. code: it is a line of a block of code.
        cites: each run of markers: what stands before it in the sentence, the whole sentence where nothing does, and
            the passages.
    """

    text: str
    cites: tuple[tuple[str, tuple[int, ...]], ...]
    code: bool = False

    @property
    def passages(self) -> tuple[int, ...]:
        """All passages that its markers name, in order."""
        return tuple(dict.fromkeys(passage for _, passages in self.cites for passage in passages))


class SentenceCutter:
    """Passes parts on in their order, with a :class:`Sentence` behind each sentence.

    Markers right behind a sentence belong to it, those at the beginning of a line to what follows them there.
    """

    def __init__(self) -> None:
        self._text = ""  # from the beginning of the sentence at work, without markers
        self._markers: list[tuple[int, Marker]] = []  # with their places in it
        self._shown = 0
        self._shown_markers = 0
        self._fence = ""

    def feed(self, parts: Sequence[Part]) -> Iterator[Part | Sentence]:
        """What can be shown, and the sentences that are complete."""
        for part in parts:
            if isinstance(part, Marker):
                self._markers.append((len(self._text), part))
            else:
                self._text += part
        if not parts:
            return
        while len(spans := sentence_spans(self._text)) > 1:
            yield from self._end(spans[0], spans[1][0])
        if spans and len(self._text) > _MOST:
            yield from self._end(spans[0], len(self._text))
        elif spans:
            yield from self._show(self._settled(spans[0][1]))

    def finish(self) -> Iterator[Part | Sentence]:
        """The rest; white space at the end is dropped."""
        while len(spans := sentence_spans(self._text)) > 1:
            yield from self._end(spans[0], spans[1][0])
        if spans:
            yield from self._end(spans[0], len(self._text))
        else:
            yield from self._show(self._markers[-1][0] if self._markers else 0)

    def _settled(self, end: int) -> int:
        """Up to where all belongs to the sentence that ends at ``end``, whatever follows."""
        for place, _ in self._markers:
            if place > end and "\n" not in self._text[end:place]:
                end = place
        return end

    def _end(self, span: tuple[int, int], following: int) -> Iterator[Part | Sentence]:
        """The sentence at ``span``, with what belongs to it before the next one begins at ``following``."""
        start, end = span
        last = end
        for place, _ in self._markers:
            line_ended = "\n" in self._text[end:place]
            alone = "\n" in self._text[place:following] or following == len(self._text)
            if end < place <= following and (not line_ended or alone):
                last = place
        yield from self._show(last)
        text = self._text[start:end]
        own = [(place, marker) for place, marker in self._markers if place <= last]
        yield Sentence(text, _cites(self._text, start, end, own), self._is_code(text))
        self._text = self._text[last:]
        self._markers = [(place - last, marker) for place, marker in self._markers[len(own) :]]
        self._shown = self._shown_markers = 0

    def _show(self, end: int) -> Iterator[Part]:
        """Text and markers up to ``end``, as far as they were not shown."""
        for place, marker in self._markers[self._shown_markers :]:
            if place > end:
                break
            if place > self._shown:
                yield self._text[self._shown : place]
                self._shown = place
            yield marker
            self._shown_markers += 1
        if end > self._shown:
            yield self._text[self._shown : end]
            self._shown = end

    def _is_code(self, text: str) -> bool:
        if self._fence:
            if text.startswith(self._fence) and not text.strip("`~"):
                self._fence = ""
            return True
        self._fence = next((fence for fence in _FENCES if text.startswith(fence)), "")
        return bool(self._fence)


def _cites(
    text: str, start: int, end: int, markers: Sequence[tuple[int, Marker]]
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    cites: list[tuple[str, tuple[int, ...]]] = []
    begin = start
    for place, marker in markers:
        before = text[begin : min(place, end)].strip() if place > begin else ""
        if not before and cites:
            cites[-1] = (cites[-1][0], (*cites[-1][1], *marker.passages))
            continue
        cites.append((before or text[start:end], marker.passages))
        begin = place
    return tuple(cites)
