"""Numbers, dates and amounts of money in a text, by what they mean: "3.5M" is "350万", "二〇二四年" is 2024."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from .numerals import FIGURES, HAN, WORDS, in_digits, in_figures, in_words
from .units import LETTERS, SCALE, SCALES, SIGNS, UNIT, UNITS

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?P<year>1\d{3}|2\d{3})"
_DAY = r"(?P<day>[12]\d|3[01]|0?[1-9])(?!\d)"
_CJK_DAY = r"(?P<day>\d{1,2}|[一二三四五六七八九十]{1,3})[ ]?[日号號]"
_CJK_MONTH = r"(?P<month>\d{1,2}|[一二三四五六七八九十]{1,3})[ ]?月(?!份?[前后内])"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\d)(?P<year>[12]\d{{3}}|[〇零一二三四五六七八九]{{4}})[ ]?年[ ]?{_CJK_MONTH}(?:[ ]?{_CJK_DAY})?",
        rf"(?<![\d.]){_YEAR}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark){_DAY}(?![.\d])",
        rf"\b{_MONTH}[ ]{_DAY}(?:st|nd|rd|th)?,?[ ]{_YEAR}(?!\d)",
        rf"(?<![\d.,]){_DAY}(?:st|nd|rd|th)?(?:[ ]of)?[ ]{_MONTH},?[ ]{_YEAR}(?!\d)",
        rf"\b{_MONTH},?[ ]{_YEAR}(?!\d)",
        rf"{_CJK_MONTH}[ ]?{_CJK_DAY}",
        rf"\b{_MONTH}[ ]{_DAY}(?:st|nd|rd|th)?(?![.,]?\d)",
        rf"(?<![\d.,]){_DAY}(?:st|nd|rd|th)?(?:[ ]of)?[ ]{_MONTH}",
    )
)
_DIGITS = r"\d(?:[\d.,]*\d)?"
_BEHIND = rf"(?P<scale>[ ]?(?:{SCALE})(?![a-z]))?(?P<letter>[kKmMbBT](?![A-Za-z]))?(?:[ ‑-]?(?P<unit>{UNIT}))?"
_NUMBER = re.compile(
    rf"(?P<sign>US\$|[$€£¥]|RMB[ ]?|人民币)?(?P<digits>{_DIGITS})(?:st|nd|rd|th)?{_BEHIND}", re.IGNORECASE
)
_MIXED = re.compile(r"(\d+(?:\.\d+)?)亿(\d+(?:\.\d+)?)万")
_PERCENT = re.compile(rf"百分之[ ]?(?P<of>\d+(?:\.\d+)?|{HAN}+(?:点[{''.join(FIGURES)}]+)?)")
_PART = re.compile(rf"(?P<whole>{HAN}+)分之(?P<part>{HAN}+)")
_HAN_NUMBER = re.compile(
    rf"(?<!第)(?P<han>{HAN}+(?:点[{''.join(FIGURES)}]+[万亿]?)?)(?P<counted>年代|世纪|年|月|日|[个名位人次家座条种项岁层倍]|)(?:(?P<unit>{UNIT}))?",
    re.IGNORECASE,
)
_IDIOM = re.compile(
    "十分|万一|千万[别不要]|百般|万分|一[些样起般定直切旦带边种方共致]|万[能物]|千[方古秋]|百姓|三角|四[川周处]|五金|七夕|八卦|九州|十足"
    "|两[者边岸侧]"
)
_GROUPS = re.compile(r"(?<=\d)[\u00a0\u202f'’](?=\d{3}(?!\d))")
_DECADE = re.compile(r"(\d{1,2})世纪(\d0)年代")
_HALF_UNIT = re.compile(r"(?:\bhalf[ ]an?[ ]|半个?)(?P<unit>hour|day|小时|钟头|天)", re.IGNORECASE)
_HALF = re.compile(r"\bhalf\b|一半|半数", re.IGNORECASE)
_VERSION = re.compile(r"(?<!\d)\d+(?:\.\d+){2,}|\d{1,2}:\d{2}(?::\d{2})?")
_HEDGE = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|over|more than|some|~|≈|约|大约|近|将近|超过|逾|左右)[ ]?$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A number, an amount or a date.

    Attributes:
        text: as it was written. readings: what the number can be, in the unit's base.
        unit: of :data:`.units.UNITS`, "" for none.
        date: year, month, day, each None where it is not said; the value is then no number.
        about: it is said to be approximate.
    """

    text: str
    readings: frozenset[float] = frozenset()
    unit: str = ""
    date: tuple[int | None, int | None, int | None] | None = None
    about: bool = False

    def is_in(self, others: Sequence[Value]) -> bool:
        """Whether one of the others says the same."""
        if self.date is not None:
            return _date_in(self.date, others)
        return any(self._same(other) for other in others)

    def _same(self, other: Value) -> bool:
        if other.date is not None:
            parts = {float(part) for part in other.date if part is not None}
            return not self.unit and bool(parts & self.readings)
        if self.unit and other.unit and self.unit != other.unit:
            return False
        if not self.readings:
            return not other.readings and self.text == other.text
        return any(_near(one, two, self.about) for one in self.readings for two in other.readings)


def values(text: str) -> list[Value]:
    """All values of a text, in no particular order."""
    return values_and_rest(text)[0]


def values_and_rest(text: str) -> tuple[list[Value], str]:
    """All values of a text, and the text without them."""
    left = _GROUPS.sub("", text)
    left = unicodedata.normalize("NFKC", re.sub(r"(?<=\d)½", ".5", left).replace("½", "一半"))
    found: list[Value] = []

    def take(match: re.Match[str], read: _Reader) -> str:
        read_here = list(read(match))
        found.extend(read_here)
        return " \0 " if read_here else match[0]

    for pattern, read in _READERS:
        left = pattern.sub(partial(take, read=read), left)
    return found, left


def _near(one: float, two: float, about: bool) -> bool:
    if abs(one - two) <= 1e-9 * max(1.0, abs(one), abs(two)):
        return True
    if two and one / two in (1.024, 1.048576, 1.073741824, 1 / 1.024, 1 / 1.048576, 1 / 1.073741824):
        return True
    return about and abs(one - two) <= 0.05 * abs(two)


def _date_in(date: tuple[int | None, int | None, int | None], others: Sequence[Value]) -> bool:
    rest = (None, *date[1:])
    for other in others:
        if other.date is None:
            continue
        if all(mine is None or mine == theirs for mine, theirs in zip(date, other.date, strict=True)):
            return True
        if other.date[0] is None and date[0] is not None and rest[1:] == other.date[1:]:  # the year stands elsewhere
            return Value("", frozenset((float(date[0]),))).is_in([one for one in others if one is not other])
    return False


def _read_date(match: re.Match[str]) -> Iterator[Value]:
    groups = match.groupdict()
    named = groups.get("name")
    month = 1 + MONTHS.index(named[:3].lower()) if named else _integer(groups["month"])
    day = _integer(groups.get("day"))
    if month and 1 <= month <= 12 and (day is None or 1 <= day <= 31):
        yield Value(match[0].strip(), date=(_integer(groups.get("year")), month, day))


def _integer(written: str | None) -> int | None:
    if not written:
        return None
    value = float(written) if written.isdecimal() else in_figures(written)
    return None if value is None else int(value)


def _read_version(match: re.Match[str]) -> Iterator[Value]:
    if not in_digits(match[0].replace(":", "")) or ":" in match[0]:
        yield Value(match[0])


def _read_percent(match: re.Match[str]) -> Iterator[Value]:
    of = match["of"]
    value = float(of) if of[0].isascii() else in_figures(of)
    if value is not None:
        yield Value(match[0], frozenset((value,)), "%")


def _read_part(match: re.Match[str]) -> Iterator[Value]:
    whole, part = in_figures(match["whole"]), in_figures(match["part"])
    if whole and part:
        yield Value(match[0], frozenset((100 * part / whole,)), "%")


def _read_number(match: re.Match[str]) -> Iterator[Value]:
    readings = in_digits(match["digits"])
    if not readings:  # a list such as 1,2,3
        yield from (Value(part, frozenset((float(part),))) for part in re.findall(r"\d+", match["digits"]))
        return
    scale = SCALES[match["scale"].strip().lower()] if match["scale"] else 1.0
    factors = [scale]
    if match["letter"]:
        factors = [scale * LETTERS.get(match["letter"], 1.0)]
        factors += [1024.0] if match["letter"] in "kK" else [1.0] if match["letter"].islower() else []
    kind, factor = UNITS[match["unit"].lower()] if match["unit"] else ("", 1)
    if match["unit"] == "G":  # of memory, not grams
        kind, factor = UNITS["gb"]
    if match["sign"]:
        kind = SIGNS[match["sign"].strip().upper()]
    about = bool(_HEDGE.search(match.string[max(0, match.start() - 16) : match.start()]))
    about = about or match.string.startswith(("左右", "多", "余"), match.end())
    numbers = frozenset(reading * one * factor for reading in readings for one in factors)
    yield Value(match[0].strip(), numbers, kind, about=about)


def _read_figures(match: re.Match[str]) -> Iterator[Value]:
    han, counted = match["han"], match["counted"] or match["unit"]
    idiom = _IDIOM.match(match.string, match.start())
    if (idiom and idiom.end() >= match.end("han")) or (
        len(han) == 1 and (not counted or han == "一" or han in "十百千万亿萬億")
    ):
        return
    value = in_figures(han)
    if value is None or not any(sign in FIGURES for sign in han):
        return
    kind, factor = UNITS[match["unit"].lower()] if match["unit"] else ("", 1)
    yield Value(match[0], frozenset((value * factor,)), kind)


def _read_words(match: re.Match[str]) -> Iterator[Value]:
    if match[0].lower() not in ("one", "zero"):
        yield Value(match[0], frozenset((in_words(match[0]),)))


def _read_mixed(match: re.Match[str]) -> Iterator[Value]:
    yield Value(match[0], frozenset((float(match[1]) * 1e8 + float(match[2]) * 1e4,)))


def _read_decade(match: re.Match[str]) -> Iterator[Value]:
    yield Value(match[0], frozenset((100.0 * (int(match[1]) - 1) + int(match[2]),)))


def _read_half_unit(match: re.Match[str]) -> Iterator[Value]:
    kind, factor = UNITS.get(match["unit"].lower(), UNITS["hour"])
    yield Value(match[0], frozenset((factor / 2,)), kind)


def _read_half(match: re.Match[str]) -> Iterator[Value]:
    yield Value(match[0], frozenset((50.0,)), "%")


_Reader = Callable[[re.Match[str]], Iterator[Value]]
_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    *((pattern, _read_date) for pattern in _DATES),
    (_DECADE, _read_decade),
    (_VERSION, _read_version),
    (_MIXED, _read_mixed),
    (_PERCENT, _read_percent),
    (_PART, _read_part),
    (_NUMBER, _read_number),
    (_HALF_UNIT, _read_half_unit),
    (_HALF, _read_half),
    (_HAN_NUMBER, _read_figures),
    (WORDS, _read_words),
)
