"""Which language a text is in."""

from __future__ import annotations

import re

from .messages import Language

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-z]+")


def language_of(text: str) -> Language:
    """Chinese when a quarter of what is said is: Chinese questions are full of English names, not the other way."""
    han, words = len(_HAN.findall(text)), len(_WORD.findall(text))
    return "zh" if han and han >= 0.25 * (han + 2 * words) else "en"
