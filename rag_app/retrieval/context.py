"""Passages fit to read: repetitions dropped, neighbours joined, small ones widened to their section, within a budget.

A chunk is cut for searching. To read, one wants what stands around it: the rest of its section (small-to-big), the
rows of the table that it begins or ends in, and two neighbours as one passage.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ingest.messages import Message, message

from ..catalog import Passages, StoredChunk
from ..types import Passage

_SAME = 0.8  # Jaccard similarity of the shingles (Broder 1997) of what is a repetition
_SHINGLE = 3  # words, or characters of a script without spaces
_WORD = re.compile(r"[a-z0-9]+|[^\W\x00-\x7f]")
_BYTES_OF_TOKEN = 3.8
_SPARE = 2  # passages looked at for each that is wanted: some are joined, some do not fit
_DOCUMENT_DISCOUNT = 0.04  # of the score, for each passage that its document has before it
_CELLS = " | "
_READ_BY_OTHERS = ("explain.reranked", "explain.refined")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is wanted.

    Attributes:
        limit: most passages. budget: most tokens of all together. section: tokens up to which one is widened.
    """

    limit: int
    budget: int
    section: int


@dataclass(slots=True)
class _Part:
    """A passage in the making: chunks ``first``–``last`` of its page, whose text is ``text``."""

    passage: Passage
    page: Sequence[StoredChunk]
    text: str
    first: int
    last: int
    steps: list[Message]


def estimated_tokens(text: str) -> int:
    """Tokens of a text, about: LLaMA 3 and multilingual-e5 take 3.9 to 4.5 bytes a token in English and Chinese.

    An estimate on the high side, as counting takes a millisecond for each passage that is considered.
    """
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_OF_TOKEN)


def fit_to_read(ranked: Sequence[Passage], reading: Reading, stored: Passages) -> list[Passage]:
    """The passages to show, best first."""
    chosen = list(islice(_chosen(ranked), _SPARE * reading.limit))
    pages = stored.pages_of([passage.chunk_id for passage in chosen])
    parts: list[_Part] = []
    left = reading.budget
    for passage in chosen:
        if len(parts) == reading.limit:
            break
        if passage.chunk_id not in pages:
            continue  # removed a moment ago
        text, page = pages[passage.chunk_id]
        at = next(place for place, chunk in enumerate(page) if chunk.id == passage.chunk_id)
        part = _Part(passage, page, text, at, at, [])
        before = next((one for one in parts if _touch(one, part, reading)), None)
        cost = _size(part) if before is None else _size(_union(before, part)) - _size(before)
        if cost > left and parts:
            continue  # a shorter one may still fit
        left -= cost
        if before is None:
            parts.append(part)
        else:
            before.first, before.last = min(before.first, at), max(before.last, at)
            before.steps.append(message("explain.merged"))
    taken = {chunk.id for part in parts for chunk in part.page[part.first : part.last + 1]}
    for part in parts:
        narrow = _size(part)
        _widen(part, min(reading.section, narrow + left), taken)
        left -= _size(part) - narrow
    return [_passage(part) for part in parts]


def _chosen(ranked: Sequence[Passage]) -> Iterator[Passage]:
    """The best one by one, without repetitions; another document first where it is nearly as good."""
    seen: list[frozenset[tuple[str, ...]]] = []
    held: dict[Path, int] = {}
    waiting = list(ranked)
    while waiting:
        best = waiting[0]
        if not _reranked(best):  # who read them knows better
            best = max(waiting, key=lambda one: one.score * (1 - _DOCUMENT_DISCOUNT) ** held.get(one.path, 0))
        moved = [message("explain.diversity")] if best is not waiting[0] else []
        waiting.remove(best)
        own = _shingles(best.text)
        if any(_same(own, other) for other in seen):
            continue
        seen.append(own)
        held[best.path] = held.get(best.path, 0) + 1
        yield _noted(best, moved)


def _reranked(passage: Passage) -> bool:
    return passage.trace is not None and any(step.key in _READ_BY_OTHERS for step in passage.trace.steps)


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return frozenset(zip(*(words[i:] for i in range(_SHINGLE)), strict=False)) or frozenset([tuple(words)])


def _same(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    """Jaccard similarity at or above the bound; where sizes differ more, it can't be."""
    small, large = sorted((len(one), len(other)))
    if small < _SAME * large:
        return False
    shared = len(one & other)
    return shared >= _SAME * (small + large - shared)


def _touch(one: _Part, other: _Part, reading: Reading) -> bool:
    """Whether two are neighbours and not too long for one passage."""
    near = one.page is other.page and one.first - 1 <= other.first and other.last <= one.last + 1
    return near and _size(_union(one, other)) <= reading.section


def _size(part: _Part) -> int:
    return estimated_tokens(part.text[part.page[part.first].start : part.page[part.last].end])


def _union(one: _Part, other: _Part) -> _Part:
    return replace(one, first=min(one.first, other.first), last=max(one.last, other.last))


def _widen(part: _Part, most: int, taken: set[int]) -> None:
    """Take in neighbours that nobody has: first those that share a table with it, then those of the same section."""
    for joined, note in ((_same_table, "explain.table"), (_same_section, "explain.section")):
        while (new := next(_neighbours(part, joined, taken), None)) is not None:
            wider = replace(part, first=min(part.first, new), last=max(part.last, new))
            if _size(wider) > most:
                break
            part.first, part.last = wider.first, wider.last
            taken.add(part.page[new].id)
            if all(step.key != note for step in part.steps):
                part.steps.append(message(note))


def _neighbours(part: _Part, joined: Callable[[_Part, int], bool], taken: set[int]) -> Iterator[int]:
    """The chunk after it and the one before, where they belong to it."""
    for place in (part.last + 1, part.first - 1):
        if 0 <= place < len(part.page) and part.page[place].id not in taken and joined(part, place):
            yield place


def _same_section(part: _Part, place: int) -> bool:
    return part.page[place].headings == part.page[part.first].headings


def _same_table(part: _Part, place: int) -> bool:
    upper, lower = (place, part.first) if place < part.first else (part.last, place)
    before = part.text[part.page[upper].start : part.page[upper].end].rstrip().rpartition("\n")[2]
    after = part.text[part.page[lower].start : part.page[lower].end].lstrip().partition("\n")[0]
    return _CELLS in before and _CELLS in after


def _passage(part: _Part) -> Passage:
    chunks = part.page[part.first : part.last + 1]
    start, end = chunks[0].start, max(chunk.end for chunk in chunks)
    lines = tuple(sorted({(offset, line) for chunk in chunks for offset, line in json.loads(chunk.lines)}))
    return _noted(replace(part.passage, start=start, end=end, text=part.text[start:end], lines=lines), part.steps)


def _noted(passage: Passage, steps: Sequence[Message]) -> Passage:
    if not steps or passage.trace is None:
        return passage
    return replace(passage, trace=replace(passage.trace, steps=(*passage.trace.steps, *steps)))
