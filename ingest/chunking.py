"""Documents to chunks: by structure first, then by sentences, bounded in the embedding model's own tokens.

The only llama_index import of ``ingest``: its SentenceSplitter packs sentences up to the bound; the sentence ends
and the token counts are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from .given import Cutter
from .sentences import sentence_spans, split_sentences
from .types import Chunk, Document, Heading, Page

if TYPE_CHECKING:
    from llama_index.core.node_parser import SentenceSplitter

_PREFIX_TOKENS = 64
_SMALL_SECTION_TOKENS = 160
_OVERLAP_SHARE = 8  # of a chunk: one part in eight may be repeated
_JOIN_TOKENS = 8  # two texts may have a few tokens more together than apart


@dataclass(frozen=True, slots=True)
class _Section:
    start: int
    end: int
    headings: tuple[str, ...]


class Chunker:
    """Cuts documents into chunks.

    A chunk lies on one page, so that its citation names one page. Sections (what stands under one heading) are kept
    apart, except that small neighbours share a chunk.

    Args:
        count_tokens: tokens of a text in the embedding model, special tokens aside.
        max_tokens: bound for a chunk's embedded text, title and heading path included.
        cutter: cuts pages into pieces in place of sections; one that is above the bound is cut further.
    """

    def __init__(self, count_tokens: Callable[[str], int], max_tokens: int, cutter: Cutter | None = None) -> None:
        self._count = count_tokens
        self._cutter = cutter
        self._max_tokens = max_tokens
        self._overlap_tokens = max_tokens // _OVERLAP_SHARE

    def chunks(self, document: Document) -> list[Chunk]:
        """All chunks of a document in reading order; none for pages without text.

        Raises:
            FileRefused: the cutter can't cut it.
        """
        made: list[Chunk] = []
        path: list[Heading] = []
        for page in document.pages:
            if self._cutter is not None and not page.described:
                made.extend(self._cut_otherwise(document, page, path, self._cutter))
                continue
            # what a model wrote is apart for each picture, and has the whole path above it
            sections = _sections(page, []) if page.described else self._packed(page, list(_sections(page, path)))
            for section in sections:
                made.extend(self._cut(document, page, section))
        return made

    def _cut_otherwise(self, document: Document, page: Page, path: list[Heading], cutter: Cutter) -> Iterator[Chunk]:
        """The pieces of a cutter, each with the headings it begins under."""
        sections = list(_sections(page, path))
        end = 0
        for start, stop in cutter.cut(page.text):
            under = next((one.headings for one in reversed(sections) if one.start <= start), ())
            repeated = max(0, min(end, stop) - start)
            for number, chunk in enumerate(self._cut(document, page, _Section(start, stop, under))):
                yield chunk if number or not repeated else replace(chunk, overlap=min(repeated, len(chunk.text)))
            end = max(end, stop)

    @cached_property
    def _splitter(self) -> SentenceSplitter:
        from llama_index.core.node_parser import SentenceSplitter

        return SentenceSplitter(
            chunk_size=self._max_tokens - self._overlap_tokens,
            chunk_overlap=0,
            tokenizer=lambda text: range(self._count(text)),
            chunking_tokenizer_fn=split_sentences,
            paragraph_separator="\n\n",
            secondary_chunking_regex="[^,;，；、：]+[,;，；、：]?",
        )

    def _packed(self, page: Page, sections: list[_Section]) -> Iterator[_Section]:
        """Join a small section with the next one while both fit."""
        current: _Section | None = None
        for section in sections:
            if current is not None:
                size = self._count(page.text[current.start : current.end])
                both = size + self._count(page.text[section.start : section.end])
                if size < _SMALL_SECTION_TOKENS and both <= self._max_tokens - _PREFIX_TOKENS:
                    current = _Section(current.start, section.end, _common(current.headings, section.headings))
                    continue
                yield current
            current = section
        if current is not None:
            yield current

    def _cut(self, document: Document, page: Page, section: _Section) -> Iterator[Chunk]:
        """A section's chunks: they tile it, but for whole sentences that the next chunk repeats."""
        prefix = self._prefix(document.title, section.headings)
        text = page.text[section.start : section.end]
        whole = self._count(prefix + text) <= self._max_tokens
        parts = [text] if whole else self._splitter.split_text_metadata_aware(text, prefix)
        starts = [0]
        for part in parts[:-1]:
            at = text.index(part, starts[-1])
            end = at + len(part)
            starts.append(end + len(text[end:]) - len(text[end:].lstrip()))
        for place, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
            overlap = self._overlap(text, starts[place - 1], start, end, prefix) if place else 0
            shown = text[start - overlap : end]
            first = section.start + start - overlap
            yield Chunk(
                page.number,
                first,
                first + len(shown),
                section.headings,
                shown,
                prefix,
                overlap,
                page.described > 0,
            )

    def _overlap(self, text: str, earliest: int, start: int, end: int, prefix: str) -> int:
        """Characters before ``start`` to repeat: the last sentences before it, as far as they are short and fit."""
        best = start
        room = min(self._overlap_tokens, self._max_tokens - self._count(prefix + text[start:end]))
        for first, _ in reversed(sentence_spans(text[earliest:start])):
            at = earliest + first
            if at == earliest or self._count(text[at:start]) > room - _JOIN_TOKENS:
                break
            best = at
        return start - best

    def _prefix(self, title: str, headings: tuple[str, ...]) -> str:
        """Title and heading path, outer parts dropped while it is too long."""
        parts = [title, *headings]
        while parts:
            prefix = " > ".join(parts) + "\n"
            if self._count(prefix) <= _PREFIX_TOKENS:
                return prefix
            parts.pop(0)
        return ""


def _sections(page: Page, path: list[Heading]) -> Iterator[_Section]:
    """The page cut at its headings, none for a blank one; ``path`` is carried from page to page and updated."""
    cuts = [0]
    paths = [tuple(heading.text for heading in path)]
    for heading in page.headings:
        while path and path[-1].level >= heading.level:
            path.pop()
        path.append(heading)
        names = tuple(step.text for step in path)
        if not page.text[cuts[-1] : heading.start].strip():
            paths[-1] = names
        else:
            cuts.append(heading.start)
            paths.append(names)
    if page.text.strip():
        for start, end, names in zip(cuts, [*cuts[1:], len(page.text)], paths, strict=True):
            yield _Section(start, end, names)


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    shared: list[str] = []
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        shared.append(a)
    return tuple(shared)
