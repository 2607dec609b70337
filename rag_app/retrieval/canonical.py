"""One spelling for what has many: dates, years in Chinese figures, numbered chapters."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_YEAR = r"(?P<year>1\d{3}|2\d{3})"
_DAY = r"(?P<day>\d{1,2})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\d){_YEAR}\s*年\s*(?P<month>\d{{1,2}})\s*月(?:\s*{_DAY}\s*[日号號])?",
        rf"(?<!\d){_YEAR}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark){_DAY}(?!\d)",
        rf"\b{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\d)",
        rf"(?<!\d){_DAY}(?:st|nd|rd|th)?\s+{_MONTH},?\s+{_YEAR}(?!\d)",
        rf"\b{_MONTH},?\s+{_YEAR}(?!\d)",
    )
)
_FIGURES = {figure: value for value, figure in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_FIGURE_YEAR = re.compile("[〇零一二三四五六七八九]{4}(?=年)")
_NUMBER = rf"(?P<number>\d+|[{''.join(_FIGURES)}{''.join(_UNITS)}]+)"
_ORDINAL = re.compile(rf"第\s*{_NUMBER}\s*(?P<part>[章节節条條款页頁部篇卷回届屆季期])")
_SIMPLE = str.maketrans("節條頁屆", "节条页届")


def canonical(folded: str) -> list[str]:
    """The spellings of what stands in ``folded`` (a text after NFKC), in order.

    A date gives its day and its month ("20240305", "202403"), a year in figures the year, a chapter "第3章".
    """
    years = _FIGURE_YEAR.sub(lambda match: "".join(str(_FIGURES[figure]) for figure in match[0]), folded)
    found = [years[match.start() : match.end()] for match in _FIGURE_YEAR.finditer(folded)]
    for pattern in _DATES:
        for match in pattern.finditer(_in_figures(years)):
            found.extend(_date(match))
    for match in _ORDINAL.finditer(folded):
        found.append(f"第{number(match['number'])}{match['part'].translate(_SIMPLE)}")
    return list(dict.fromkeys(found))


def number(text: str) -> int:
    """An integer in digits or Chinese figures: "12", "十二", "一百零三", "二〇二四"."""
    if text.isdecimal():
        return int(text)
    if not any(unit in text for unit in _UNITS):
        return int("".join(str(_FIGURES[figure]) for figure in text))
    total = figure = 0
    for sign in text:
        if sign in _UNITS:
            total += (figure or 1) * _UNITS[sign]
            figure = 0
        else:
            figure = _FIGURES[sign]
    return total + figure


_MONTH_OR_DAY = re.compile(r"[一二三四五六七八九十]{1,3}(?=[月日号號])")


def _in_figures(text: str) -> str:
    return _MONTH_OR_DAY.sub(lambda match: str(number(match[0])), text)


def _date(match: re.Match[str]) -> Iterator[str]:
    groups = match.groupdict()
    name = groups["month"]
    month = int(name) if name.isdecimal() else 1 + _MONTHS.index(name[:3].lower())
    day = int(groups.get("day") or 0)
    if 1 <= month <= 12 and day <= 31:
        if day:
            yield f"{groups['year']}{month:02}{day:02}"
        yield f"{groups['year']}{month:02}"
