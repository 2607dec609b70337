"""Whole documents as passages, in reading order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..catalog import Catalog
from ..types import KnowledgeBase, Passage, StoredDocument
from .context import estimated_tokens


def whole(catalog: Catalog, kb: KnowledgeBase, document: StoredDocument, section: int) -> list[Passage]:
    """All of a document's text, each passage of one page.

    Args:
        section: tokens up to which chunks of a page are joined.
    """
    ids = catalog.passages.of_document(document.id)
    chunks = catalog.passages.of(ids)
    found = (replace(chunks[one], kb=kb.name) for one in ids if one in chunks)
    return list(_joined(found, section))


def _joined(chunks: Iterator[Passage], section: int) -> Iterator[Passage]:
    """Chunks tile their page and repeat whole sentences: what the next one repeats is left out."""
    current: Passage | None = None
    for chunk in chunks:
        if current is not None and _continues(current, chunk):
            text = current.text + chunk.text[current.end - chunk.start :]
            lines = tuple(sorted({*current.lines, *chunk.lines}))
            wider = replace(current, text=text, end=chunk.end, lines=lines)
            if estimated_tokens(text) <= section:
                current = wider
                continue
        if current is not None:
            yield current
        current = chunk
    if current is not None:
        yield current


def _continues(one: Passage, other: Passage) -> bool:
    same_page = (one.page, one.described, one.headings) == (other.page, other.described, other.headings)
    return same_page and one.start <= other.start <= one.end <= other.end


def opening(passages: Sequence[Passage], tokens: int) -> list[Passage]:
    """As many passages from the first as have so many tokens; at least one."""
    chosen: list[Passage] = []
    for passage in passages:
        tokens -= estimated_tokens(passage.text)
        if chosen and tokens < 0:
            break
        chosen.append(passage)
    return chosen
