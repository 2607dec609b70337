"""Where sentences end, in Chinese and English."""

from __future__ import annotations

import re
from itertools import pairwise

_ABBREVIATIONS = (
    "mr mrs ms dr prof st sr jr vs etc fig figs no nos vol pp ed eds al approx dept est inc ltd co corp e.g i.e cf "
    "u.s u.k a.m p.m ph.d jan feb mar apr jun jul aug sep sept oct nov dec"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“‘])(?:"
    + "|".join(map(re.escape, _ABBREVIATIONS.split()))
    + r"|[A-Za-z])\.$|(?:^|\n)[ \t]*\d{1,3}\.$",
    re.IGNORECASE,
)
_CLOSERS = "”’」』）)\"'】》〉]"
_END = re.compile(
    rf"[。！？!?…]+[{re.escape(_CLOSERS)}]*"  # Chinese and strong English ends
    rf"|\.+[{re.escape(_CLOSERS)}]*(?=\s)"  # a full stop, if white space follows
    r"|\n+"
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The sentences of ``text`` as (start, end) offsets, without the white space around them.

    A newline ends a sentence: loaders leave newlines only where something ends. A full stop after an
    abbreviation, an initial or a list item's number ends none, nor does one inside a number.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match[0].startswith(".") and _ABBREVIATION.search(text[max(start, match.start() - 12) : match.end()]):
            continue
        if match[0][0] in "!?" and _inside_code(text, match.end()):
            continue
        _add(spans, text, start, match.end())
        start = match.end()
    _add(spans, text, start, len(text))
    return spans


def split_sentences(text: str) -> list[str]:
    """``text`` cut after each sentence; joined, the parts are ``text`` again."""
    starts = [start for start, _ in sentence_spans(text)]
    cuts = [0, *starts[1:], len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if a < b]


def _inside_code(text: str, end: int) -> bool:
    """True for "a!=b" and "?page=2": no sentence ends right before a letter, digit or sign."""
    return end < len(text) and text[end].isascii() and not text[end].isspace()


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))
