r"""Markers as small models write them: the grammar, for :mod:`.cleaning` to find them in a stream.

Understood are ``[1]``, ``[1][3]``, ``[1, 3]``, ``[1-3]``, ``[[1]]``, ``[^1]``, ``^1^``, ``【1†source】``,
``[Passage 1]``, ``[1, p. 3]``, ``\[1\]``, ``(source 2)``, ``(see [2])``, ``（段落 2、3）``, "text (1).",
"text.¹" and "as passage 2 says".
Not touched: years, intervals from 0, numbered lists and whatever counts something else ("equation (1)").

Every pattern is matched against at most :data:`MOST` characters, so none can take long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 80
"""Characters of the longest marker."""

_RANGE = 20  # numbers that a range may name
_WORDS = (
    "passages passage sources source documents document docs doc refs ref references reference citations citation "
    "参考资料 参考文献 段落 来源 來源 出处 出處 文档 文檔 文献 参考 引用 资料 資料 段"
).split()
_LEADS = (
    "see from per according to cf and page p pp 来源于 参见 根据 依据 出自 来自 见 見 和 与 與 及 至 到 "
    "第 号 页 于".split()
)
_WORD = f"(?:{'|'.join(_WORDS)})"
_LEAD = "(?:see|from|per|according to|cf|来源于|参见|根据|依据|出自|来自|见|見)"
NUMBER = r"\d{1,3}(?!\d)"
_AND = r"[ ]?(?:[,，、;；&/]|and\b|和|与|與|及)[ ]?(?:and\b|和)?[ ]?"
_SIGN = rf"(?:{_AND}|[ ]?[-–—~～至到][ ]?)"
_ITEM = rf"(?:{_WORD}[ ]?[.:：\#]?[ ]?)?(?:第[ ]?)?\^?{NUMBER}[ ]?(?:段落?|号)?"
_ITEMS = rf"{_ITEM}(?:{_SIGN}{_ITEM}){{0,29}}"
_INSIDE = rf"[\[【]?{_ITEM}[\]】]?"
_TAIL = r"(?:[ ]?†[^\]】\n]{0,40})?(?:[,，;；][ ]?(?:pp?\.|page|第)[ ]?\d{1,4}[ ]?页?)?"
_SQUARE = re.compile(
    rf"\[\[[ ]?({_ITEMS})[ ]?\]\]|[\[【［〔][ ]?({_ITEMS}){_TAIL}[ ]?[\]】］〕]|\\\[[ ]?({_ITEMS})[ ]?\\\]",
    re.IGNORECASE,
)
_ROUND = re.compile(
    rf"[(（][ ]?(?:{_LEAD}[ ]?[:：]?[ ]?)?(?=[^\d])({_INSIDE}(?:{_SIGN}?{_INSIDE}){{0,29}})[ ]?[)）]", re.IGNORECASE
)
_BARE = re.compile(rf"[(（]({NUMBER}(?:{_AND}{NUMBER}){{0,9}})[)）](?=[.。!！;；])")
_BARE_BEGINS = re.compile(r"[(（]\d[\d ,，、;；&/]*[)）]?")
_CARET = re.compile(rf"\^({NUMBER}(?:[,，][ ]?{NUMBER}){{0,9}})\^|\^\[({NUMBER})\]")
_PROSE = re.compile(
    rf"(passage[ ]?)\#?({NUMBER})|(passages[ ]?)\#?({NUMBER}(?:{_AND}{NUMBER}){{0,9}})"
    rf"|(段落[ ]?)第?({NUMBER}(?:[ ]?[、,，和与與及][ ]?{NUMBER}){{0,9}})",
    re.IGNORECASE,
)
_PROSE_BEGINS = re.compile(r"(?:passages?|段落)[ ]?(?:\#|第)?[\d ,，、;；&/and和与與及]*", re.IGNORECASE)
_BEGINS = re.compile(
    rf"(?:\\\[|\^|[\[【［〔]{{1,2}}|[(（])(?:(?>{'|'.join(_WORDS)}|{'|'.join(_LEADS)})(?![A-Za-z])"
    r"|[\d ,，、;；&/:：#.^\-–—~～\[\]【】\\])*+([ ]?†.{0,40}|[^\W\d_]*)",
    re.IGNORECASE,
)
_KNOWN = tuple(word.lower() for word in (*_WORDS, *_LEADS))
_CLOSING = re.compile(r"[\]】］〕]")
_PIECE = re.compile(r"(\d+)|([-–—~～至到])")
_COUNTS_ELSE = re.compile(
    r"(?:equations?|eq\.?|steps?|sections?|figures?|fig\.?|tables?|articles?|chapters?|items?|points?|options?"
    r"|no\.|公式|式|步骤|图|表|条|章|节|款|项|第)\s*$",
    re.IGNORECASE,
)
_ENDS = frozenset(".。:：;；!！?？")


@dataclass(frozen=True, slots=True)
class Marker:
    """A citation in the text.

    Attributes:
        passages: numbers as the model was given them, from 1; those that name no passage are left out.
    """

    passages: tuple[int, ...]


Part = str | Marker


@dataclass(frozen=True, slots=True)
class Found:
    """What a marker is made of: text that stays in front, numbers as they were written, and its length."""

    text: str
    numbers: tuple[int, ...]
    length: int


def bracketed(window: str) -> Found | None:
    """A marker in brackets of any kind, or between carets, at the beginning of ``window``."""
    sign = window[0]
    match = {"^": _CARET, "(": _ROUND, "（": _ROUND}.get(sign, _SQUARE).match(window)
    return _found("", match) if match else None


def bare(window: str, line: str) -> Found | None:
    """A number in round brackets at a sentence's end, unless it counts something else.

    Args:
        line: the end of what stands before it on its line.
    """
    match = _BARE.match(window)
    before = line.rstrip()
    if match is None or not before or before[-1] in _ENDS or _COUNTS_ELSE.search(before):
        return None
    if before == line and before[-1].isascii():  # f(1)
        return None
    return _found("", match)


def in_prose(window: str) -> Found | None:
    """The numbers after "passage" in a sentence, the word itself being text."""
    match = _PROSE.match(window)
    if match is None:
        return None
    head, inside = (group for group in match.groups() if group is not None)
    return Found(head, numbers(inside), match.end())


def may_become(window: str) -> bool:
    """Whether a marker may begin so."""
    if window[0] in "pP段":
        return bool(_PROSE_BEGINS.fullmatch(window)) or any(
            word.startswith(window.lower()) for word in ("passages", "段落")
        )
    if _BARE_BEGINS.fullmatch(window):
        return True
    match = _BEGINS.match(window)
    if match is None or match.end() < len(window) or _is_closed(window):
        return False
    last = match[1].lower()
    return not last or "†" in last or any(word.startswith(last) for word in _KNOWN)


def _is_closed(window: str) -> bool:
    if window[0] in "(（":
        return ")" in window or "）" in window
    if window[0] == "^":
        return window[-1] in "^]" and len(window) > 1
    if window[0] == "\\":
        return "\\]" in window
    closing = _CLOSING.search(window)
    if closing is None:
        return False
    return window[1:2] not in tuple("[【［〔") or closing.end() < len(window)


def numbers(inside: str) -> tuple[int, ...]:
    """The numbers of a list, ranges written out, each once."""
    found: list[int] = []
    is_range = False
    for number, dash in _PIECE.findall(inside):
        if number:
            value = int(number)
            if is_range and found and found[-1] < value <= found[-1] + _RANGE:
                found.extend(range(found[-1] + 1, value))
            found.append(value)
        is_range = bool(dash)
    return tuple(dict.fromkeys(found))


def _found(text: str, match: re.Match[str]) -> Found | None:
    """None for an interval that begins at 0."""
    inside = next(group for group in match.groups() if group is not None)
    named = numbers(inside)
    return None if 0 in named else Found(text, named, match.end())
