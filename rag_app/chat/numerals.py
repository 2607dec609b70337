"""Numbers as people write them, in digits, in English words and in Chinese figures."""

from __future__ import annotations

import re

FIGURES = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
HAN = f"[{''.join(FIGURES)}{''.join(_SMALL)}{''.join(_LARGE)}]"
"""A sign of a number in Chinese figures."""

_UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ONE_WORD = f"(?:{'|'.join(sorted((*_UNITS, *_SCALES), key=len, reverse=True))})"
WORDS = re.compile(
    rf"\b(?:a[ ](?=hundred|thousand|million))?{_ONE_WORD}(?:(?:[ ]and[ ]|[ -]){_ONE_WORD})*\b", re.IGNORECASE
)
"""A number in English words."""


def in_digits(written: str) -> frozenset[float]:
    """What digits with points and commas can mean; nothing for a version ("0.33.0").

    "3,500" is 3500, "3,5" is 3.5, "3.500.000" is 3500000; "3.500" can be 3.5 and 3500.
    """
    points, commas = written.count("."), written.count(",")
    if points and commas:
        decimal = "." if written.rfind(".") > written.rfind(",") else ","
        whole, _, rest = written.rpartition(decimal)
        other = "," if decimal == "." else "."
        return frozenset((float(f"{whole.replace(other, '')}.{rest}"),)) if decimal not in whole else frozenset()
    sign = "." if points else ","
    parts = written.split(sign)
    grouped = len(parts) > 1 and 1 <= len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:])
    if len(parts) == 1:
        return frozenset((float(written),))
    if len(parts) > 2:
        return frozenset((float("".join(parts)),)) if grouped else frozenset()
    decimal_reading, joined = float(".".join(parts)), float("".join(parts))
    if grouped and parts[0] != "0":
        return frozenset((joined,)) if sign == "," else frozenset((decimal_reading, joined))
    return frozenset((decimal_reading,))


def in_words(written: str) -> float:
    """An English number: "four", "twenty-five", "three hundred and five thousand"."""
    total = part = 0
    for word in re.findall(r"[a-z]+", written.lower()):
        if word in _UNITS:
            part += _UNITS[word]
        elif word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
    return float(total + part)


def in_figures(written: str) -> float | None:
    """A number in Chinese figures: "二〇二四", "三百五十万", "一点二亿"; None where it is none."""
    whole, point, decimals = written.partition("点")
    if point:
        scale = 1
        while decimals and decimals[-1] in _LARGE:
            scale, decimals = scale * _LARGE[decimals[-1]], decimals[:-1]
        value = in_figures(whole)
        if value is None or not decimals or any(sign not in FIGURES for sign in decimals):
            return None
        return float(f"{int(value)}.{''.join(str(FIGURES[sign]) for sign in decimals)}") * scale
    if not whole:
        return None
    if all(sign in FIGURES for sign in whole):
        return float("".join(str(FIGURES[sign]) for sign in whole))
    total = section = figure = 0
    for sign in whole:
        if sign in FIGURES:
            figure = FIGURES[sign]
        elif sign in _SMALL:
            section, figure = section + (figure or 1) * _SMALL[sign], 0
        else:
            part = section + figure
            total = (
                (total + part) * _LARGE[sign] if total and _LARGE[sign] > total else total + (part or 1) * _LARGE[sign]
            )
            section = figure = 0
    return float(total + section + figure)
