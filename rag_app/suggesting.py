"""First questions that a knowledge base can answer, from the headings of its documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ingest.messages import Language, text

from .catalog.passages import Passages

_DOCUMENTS = 12
_CHUNKS = 30  # of each
_SHORTEST = {"zh": 3, "en": 6}  # characters of a heading that says what it is about
_LONGEST = {"zh": 30, "en": 60}
_NUMBERED = re.compile(r"^(?:\d+(?:\.\d+)*[.)、]?|[一二三四五六七八九十]+、|第[\d一二三四五六七八九十]+[章节部分])\s*")
_ASKS = ("?", "？", "吗", "呢")


def suggestions(passages: Passages, kb: str, count: int, language: Language) -> list[str]:
    """At most that many, each from another document as long as there are any: in ``language`` first, questions first.

    Args:
        kb: id of the knowledge base.
    """
    by_document: dict[str, list[tuple[int, str]]] = {}
    for path, title, spoken, headings in passages.some_headings(kb, _DOCUMENTS, _CHUNKS):
        for place, heading in enumerate(reversed(headings)):
            question = _question(heading, title or Path(path).stem, spoken)
            if question:
                other = 4 * (spoken != language) + 2 * (not heading.rstrip().endswith(_ASKS)) + (place > 0)
                found = by_document.setdefault(path, [])
                if question not in (one for _, one in found):
                    found.append((other, question))
                break
    ranked = [sorted(found, key=lambda one: one[0]) for found in by_document.values()]
    ranked.sort(key=lambda found: found[0][0])
    return list(dict.fromkeys(_in_turn(ranked)))[:count]


def _question(heading: str, title: str, language: Language) -> str:
    """What a heading answers; "" where it says too little."""
    about = _NUMBERED.sub("", " ".join(heading.split()))
    if not _SHORTEST[language] <= len(about) <= _LONGEST[language] or about.casefold() == title.casefold():
        return ""
    if about.endswith(_ASKS):
        return about if about.endswith(_ASKS[:2]) else f"{about}？"
    return text("suggest.about", language, title=title, heading=about)


def _in_turn(ranked: list[list[tuple[int, str]]]) -> Iterator[str]:
    """The best of each document, then the second of each, …"""
    for place in range(max(map(len, ranked), default=0)):
        for found in ranked:
            if place < len(found):
                yield found[place][1]
