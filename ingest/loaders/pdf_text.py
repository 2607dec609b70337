"""The characters of a PDF made ordinary, and words cut by a hyphen made whole."""

from __future__ import annotations

import re
import unicodedata

from .pdf_lines import HYPHEN

_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF06C, 0xF0D8, 0xF0FC, 0xF076), "•")  # Symbol and Wingdings
_SPACES = dict.fromkeys((0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F), " ")
_PAIRS = (  # radicals that Unicode does not decompose, each before its character
    "⺁厂⺇几⺌小⺗心⺟母⺠民⺨犭⺩王⺪疋⺫目⺬示⺭礻⺮竹⺯糹⺰纟⺼月⻁虎⻄西⻅见⻆角⻉贝⻋车⻌辶⻍辶"
    "⻎辶⻑長⻓长⻔门⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻬齐⻮齿⻰龙⻱龟⻳龟"
)
_RADICALS = str.maketrans(_PAIRS[::2], _PAIRS[1::2])

_ODD = re.compile(
    "[\x00-\x08\t\x0b-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2e80-\u2fdf\ue000-\ufaff\ufb00-\ufb06"
    "\ufe00-\ufe0f\ufeff\ufff0-\uffff\U0002f800-\U0002fa1f\U000e0000-\U0010ffff\ud800-\udfff]"
)
_COMBINING = re.compile("[\u0300-\u036f\u3099\u309a]")
_WORD = re.compile(rf"([^\W\d_]+){HYPHEN} ?([^\W\d_]+)")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_REST = re.compile(rf"{HYPHEN} ?")


def normalize(text: str) -> str:
    """``text`` without control and private characters, ligatures and radicals as ordinary letters.

    Doing it twice changes nothing more. U+FFFD stays: it says that a character was lost.
    """
    if text.isascii() and text.isprintable():
        return text
    if _ODD.search(text):
        text = _ODD.sub(_ordinary, text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", " "))
    if _COMBINING.search(text):
        text = unicodedata.normalize("NFC", text)
    return text


def _ordinary(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    for table in (_LIGATURES, _BULLETS, _SPACES, _RADICALS):
        found = table.get(code)
        if found is not None:
            return chr(found) if isinstance(found, int) else found
    if 0x2E80 <= code <= 0x2FDF:
        return unicodedata.normalize("NFKC", char)
    if 0xF900 <= code <= 0xFAFF or 0x2F800 <= code <= 0x2FA1F:
        return unicodedata.normalize("NFC", char)
    return char if code == 0xFFFD else ""


def width(text: str) -> int:
    """Half-width columns: two for a Chinese or Japanese character."""
    if text.isascii():
        return len(text)
    return sum(2 if char > "\u2e7f" and unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def resolve_hyphens(texts: list[str]) -> list[str]:
    """Words made whole; a hyphen stays where the document writes the word with one elsewhere, and not without."""
    if not any(HYPHEN in text for text in texts):
        return texts
    vocabulary = {word for text in texts for word in _WORDS.findall(text.lower())}

    def whole(match: re.Match[str]) -> str:
        joined = match.group(1) + match.group(2)
        dashed = f"{match.group(1)}-{match.group(2)}"
        if dashed.lower() in vocabulary and joined.lower() not in vocabulary:
            return dashed
        return joined

    return [_REST.sub("-", _WORD.sub(whole, text)) if HYPHEN in text else text for text in texts]
