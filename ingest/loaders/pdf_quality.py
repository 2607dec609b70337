"""Whether a page's text is worth reading, or its picture had better be recognized."""

from __future__ import annotations

import re
import unicodedata

from ..types import Page

_LOST = re.compile(
    "[\ue000-\uf8ff\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x80-\x9f\ud800-\udfff\U000f0000-\U0010ffff]|\\(cid:\\d+\\)"
)
_MARKED = re.compile("[\xa1-\xbf\xc0-\xff\u0100-\u024f]")
_RARE = re.compile("[\u0250-\u036f\u0500-\u058f\u0700-\u0dff\u1200-\u1cff\u2200-\u2bff\ua000-\uabff]")
_COMMON = re.compile("[A-Za-z0-9\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
_SPACE = re.compile(r"\s+")
_SPARSE = 60  # characters


def needs_ocr(text: str, page: Page) -> bool:
    """True when the text says nothing a person could read: none at all, or codes that stand for no characters.

    Args:
        text: the page's text as the reader gave it, before it was normalized; "" where no reader could read it.
        page: the page made of it.
    """
    bare = _SPACE.sub("", text)
    if not bare or not page.text.strip():
        return True
    if _length(_COMMON, bare) > 0.7 * len(bare) and "(cid:" not in bare:
        return False
    if _length(_LOST, bare) > 0.3 * len(bare):
        return True
    if len(bare) < 20:
        return False
    letters = sum(1 for char in bare if unicodedata.category(char)[0] in "LN")
    if letters < 0.2 * len(bare) and len(set(bare)) > 8:
        return True  # signs only: a font whose codes are no characters
    if _length(_RARE, bare) > 0.4 * len(bare):
        return not _one_script(bare)
    return _length(_MARKED, bare) > 0.4 * len(bare)  # Latin letters, but most with marks: another encoding


def is_sparse(page: Page) -> bool:
    """True for a page with so little text that it may be a stamp or a page number on a scan."""
    return len(_SPACE.sub("", page.text)) < _SPARSE


def _length(pattern: re.Pattern[str], text: str) -> int:
    return sum(map(len, pattern.findall(text)))


def _one_script(text: str) -> bool:
    """True when nearly all letters are of one script, as in text that people write."""
    scripts: dict[str, int] = {}
    for char in text:
        if unicodedata.category(char)[0] == "L":
            name = unicodedata.name(char, "?").split()[0]
            scripts[name] = scripts.get(name, 0) + 1
    return bool(scripts) and max(scripts.values()) > 0.8 * sum(scripts.values())
