"""What of a claim can be checked word for word: its values, compared by what they mean, and its names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..retrieval.tokens import tokens
from .amounts import MONTHS, values, values_and_rest

_NAME = re.compile(
    r"(?<![\w-])[A-Z][\w'’&-]*(?:\.\w+)*(?:[ ](?:(?:of|the|and|de|van|von|for)[ ])?[A-Z0-9][\w'’&-]*(?:\.\w+)*)*"
)
_TITLE = re.compile(r"《([^《》]{1,60})》")
_HAN = re.compile("[\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W_]+")
_NO_NAMES = frozenset(
    "i a an the it its this that these those he she they we you in on at of for from with by to as is are was were "
    "and or but if when where while who what which how why there here yes no not based according answer question "
    "source sources passage passages document documents note monday tuesday wednesday thursday friday "
    "saturday sunday".split()
)


def missing_values(claim: str, sources: Sequence[str]) -> tuple[str, ...]:
    """Numbers and dates of a claim that no source has, as the claim writes them."""
    known = [value for source in sources for value in values(source)]
    return tuple(dict.fromkeys(value.text for value in values(claim) if not value.is_in(known)))


def missing_names(claim: str, sources: Sequence[str]) -> tuple[str, ...]:
    """Names of a claim that no source has.

    A name that another script spells otherwise can't be looked for: Latin ones of an English claim in Chinese text, or
    the other way round, are passed over.
    """
    whole = _squeezed(" ".join(sources))
    named = names(values_and_rest(claim)[1])
    return tuple(dict.fromkeys(name for name in named if not _is_said(name, whole, claim, sources)))


def names(text: str) -> list[str]:
    """Latin names and Chinese titles in 《》; an ordinary word at a sentence's beginning is none."""
    found = _TITLE.findall(text)
    for match in _NAME.finditer(text):
        words = match[0].rstrip(".'’-&").split()
        before = text[: match.start()].rstrip(" \"'“‘(（*_-•")
        initial = not before or before[-1] in ".!?。！？:：\n|#"
        while words and _is_ordinary(words[0]):
            words, initial = words[1:], False
        if words and initial and words[0][1:].islower():
            words = words[1:] if len(words) == 1 else words
        while words and (words[-1].lower() in _NO_NAMES or not any(map(str.isalpha, words[-1]))):
            words = words[:-1]
        if words:
            found.append(" ".join(words))
    return found


def _is_ordinary(word: str) -> bool:
    return word.lower() in _NO_NAMES or (word.isalpha() and word.lower()[:3] in MONTHS)


def _is_said(name: str, whole: str, claim: str, sources: Sequence[str]) -> bool:
    if set(tokens(name)) <= {token for source in sources for token in tokens(source)}:
        return True
    if all(_squeezed(word).removesuffix("s") in whole for word in _WORD.findall(name) if word.lower() not in _NO_NAMES):
        return True
    han = sum(len(_HAN.findall(source)) for source in sources)
    mostly_han = han > 0.2 * sum(map(len, sources))
    if _HAN.search(name):
        return not mostly_han
    return mostly_han and not _HAN.search(claim)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
