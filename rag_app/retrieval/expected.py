"""What kind of answer a question expects, and whether a text has one that the question does not name itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NUMBERS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|million"
    "|billion|half|third|quarter|once|twice|several|dozen"
)
_NAME = r"(?<=[a-z,;:(] )[A-Z][\w’'-]+"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of answer: how questions ask for it, in both languages, and what it looks like."""

    asks: re.Pattern[str]
    looks: re.Pattern[str]


def _kind(asks: str, looks: str) -> Kind:
    return Kind(re.compile(asks, re.IGNORECASE), re.compile(looks))


KINDS = (
    _kind(
        r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)|什么时候|什麼時候|[何几幾][时時年]"
        r"|哪一?[年天日月]"
        r"|[时時][间間]|年份|哪个?世纪|哪個?世紀|日期",
        rf"\d{{1,4}}\s*[年月日世]|\b[12]\d{{3}}s?\b|[〇一二三四五六七八九十]+[年月日]|\b(?:{_MONTHS})\b"
        rf"|centur|世[纪紀]|年代|[时時]期|朝",
    ),
    _kind(
        r"\bhow (?:many|much|long|old|far|large|big|tall|high|often|deep|wide|fast)"
        r"|\bwhat (?:percent|number|amount|size|age|share|proportion)|percentage"
        r"|多少|[几幾]|多[大长長高久远遠宽寬深重]|百分",
        rf"\d|[一二三四五六七八九十百千万萬亿億两兩]+[个個名人次位岁歲种種条條年月天元美米公%成倍]|\b(?i:{_NUMBERS})\b",
    ),
    _kind(
        r"\bwho(?:m|se)?\b|[谁誰]|哪位|何人|什[么麼]人|哪[个個些]人|名字|叫什[么麼]|姓名",
        rf"{_NAME}|[《「“·‧]|[\u4e00-\u9fff]{{2,4}}(?:先生|博士|教授|爵士|国王|皇帝|總統|总统|将军|將軍|主席)|由[\u4e00-\u9fff]{{2,8}}",
    ),
    _kind(
        r"\bwhere\b|\b(?:what|which) (?:country|city|state|place|river|region|county|town|area|island|continent"
        r"|location)|哪[里裡裏兒儿]|何[地处處]|什[么麼]地方|位[于於]|哪[个個一]?[国國省市县縣地州城区區]",
        rf"{_NAME}|[\u4e00-\u9fff][省市县縣区區镇鎮村国國州岛島路街山江河湖海洲部]|地[区區]|位[于於]",
    ),
    _kind(
        r"\bwhy\b|\bwhat (?:caus|reason)|[为為]什[么麼]|[为為]何|原因|[缘緣]故",
        r"\b(?:[Bb]ecause|due to|since|so that|in order|as a result|caus\w+|reasons?)\b"
        r"|因|由[于於]|[为為]了|[导導]致|以便|使得",
    ),
)


def kinds_of(question: str) -> list[Kind]:
    """What a question may be after; empty where its wording does not tell."""
    return [kind for kind in KINDS if kind.asks.search(question)]


def has_new(text: str, kinds: list[Kind], question: str) -> bool:
    """Whether a text has something of an expected kind that does not stand in the question."""
    asked = _folded(question)
    return any(_folded(match[0]) not in asked for kind in kinds for match in kind.looks.finditer(text))


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()
