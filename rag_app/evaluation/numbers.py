"""Numbers of a text by value: "3,500", "3500", "三千五百" and "0.35 万" are one."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from ..retrieval.canonical import number

_SCALES = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_DIGITS = re.compile(
    rf"(?<![\d.])(?P<value>\d+(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?P<scale>{'|'.join(_SCALES)})?", re.IGNORECASE
)
_FIGURE = "〇零一二三四五六七八九两兩"
_FIGURES = re.compile(rf"[{_FIGURE}十百千]*[十百千][{_FIGURE}十百千]*|[{_FIGURE[:-2]}]{{4}}")


def numbers(text: str) -> frozenset[Decimal]:
    """The values; single Chinese figures are words more often than numbers and are left out."""
    folded = unicodedata.normalize("NFKC", text)
    found = {
        Decimal(match["value"].replace(",", "")) * _SCALES.get((match["scale"] or "").lower(), 1)
        for match in _DIGITS.finditer(folded)
    }
    return frozenset(found | {Decimal(number(match[0])) for match in _FIGURES.finditer(folded)})
