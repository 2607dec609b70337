"""Why our reading of a PDF page differs from a plain pypdf loop's: what accounts for the characters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

from ingest.loaders.pdf import _read
from ingest.loaders.pdf_running import without_running
from ingest.types import Limits

APART = 0.02
_DASHES = re.compile("[-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d\x02\ufffe]")
_MARKS = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2022": None, "\u00b7": None})
_NO_LETTERS = re.compile("[\ue000-\uf8ff\ufffd\x00-\x1f\x7f-\x9f\u25a0-\u25ff\u2022\u00b7\uf0b7]")


def characters(text: str) -> Counter[str]:
    """The characters of a text, compatibility forms, white space and our marks between cells aside."""
    return Counter("".join(unicodedata.normalize("NFKC", text).replace("\xad", "").replace("|", "").split()))


def distance(ours: Counter[str], theirs: Counter[str]) -> float:
    """Share of the characters of both that only one of them has."""
    return ((ours - theirs).total() + (theirs - ours).total()) / max(1, ours.total() + theirs.total())


def running_lines(path: Path) -> list[str]:
    """What we drop of each page as running headers, footers and page numbers."""
    raw, _, _ = _read(path.read_bytes(), (), Limits())
    dropped = []
    for before, after in zip(raw, without_running(raw), strict=True):
        gone = Counter(before.lines if before else ()) - Counter(after.lines if after else ())
        dropped.append("\n".join(line.text for line in gone.elements()))
    return dropped


def explain(ours: str, theirs: str, dropped: str) -> str:
    """The first of these that makes the two equal but for 2 %, each on top of those before; else what is left over."""
    mine, other = characters(ours), characters(theirs)
    if distance(mine, other) <= APART:
        return ""
    mine += characters(dropped)
    if distance(mine, other) <= APART:
        return "running lines dropped"
    mine, other = _folded(mine), _folded(other)
    if distance(mine, other) <= APART:
        return "dashes, quotes and bullets written otherwise"
    mine = Counter({char: count for char, count in mine.items() if not _NO_LETTERS.match(char)})
    other = Counter({char: count for char, count in other.items() if not _NO_LETTERS.match(char)})
    if distance(mine, other) <= APART:
        return "signs without letters"
    only_mine, only_theirs = mine - other, other - mine
    if not only_mine and set(only_theirs) <= set(mine):
        return "letters drawn twice to look bold, which pypdf reads twice"
    return f"rest: only ours {_shown(only_mine)}; only theirs {_shown(only_theirs)}"


def _folded(counts: Counter[str]) -> Counter[str]:
    made: Counter[str] = Counter()
    for char, count in counts.items():
        for one in _DASHES.sub("", char.translate(_MARKS)):
            made[one] += count
    return made


def _shown(counts: Counter[str]) -> str:
    return f"{counts.total()} ({' '.join(f'{char!r}×{count}' for char, count in counts.most_common(8))})"
