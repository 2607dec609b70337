"""Units, currencies and words that scale a number, in both languages."""

from __future__ import annotations

import re

SCALES = {
    "thousand": 1e3, "million": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12,
    "万亿": 1e12, "百亿": 1e10, "十亿": 1e9, "千万": 1e7, "百万": 1e6, "十万": 1e5,
    "亿": 1e8, "億": 1e8, "万": 1e4, "萬": 1e4,
    "千": 1e3, "百": 1e2,
}  # fmt: skip
LETTERS = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "B": 1e9, "b": 1e9, "T": 1e12}  # right behind the digits only
UNITS = {
    name: (kind, factor)
    for kind, factor, names in (
        ("%", 1, "% percent|per cent|pct|percentage points|个百分点"),
        ("bytes", 1e3, "kb|kib|kilobytes|kilobyte"),
        ("bytes", 1e6, "mb|mib|megabytes|megabyte|兆字节|兆"),
        ("bytes", 1e9, "gb|gib|gigabytes|gigabyte|吉字节|千兆字节"),
        ("bytes", 1e12, "tb|tib|terabytes|terabyte|太字节"),
        ("seconds", 1e-3, "ms|milliseconds|millisecond|毫秒"),
        ("seconds", 1, "seconds|second|secs|sec|s|秒钟|秒"),
        ("seconds", 60, "minutes|minute|mins|min|分钟"),
        ("seconds", 3600, "hours|hour|hrs|hr|h|个小时|小时"),
        ("days", 1, "days|day|天"),
        ("days", 7, "weeks|week|个星期|星期|周"),
        ("metres", 1e-3, "mm|millimetres|millimeters|毫米"),
        ("metres", 1e-2, "cm|centimetres|centimeters|厘米"),
        ("metres", 1e3, "km|kilometres|kilometers|公里|千米"),
        ("metres", 1609.344, "miles|mile|英里"),
        ("kilograms", 1e-3, "grams|gram|g|克"),
        ("kilograms", 1, "kg|kilograms|kilogram|公斤|千克"),
        ("kilograms", 1e3, "tonnes|tonne|吨"),
        ("usd", 1, "us dollars|dollars|dollar|usd|美元|美金"),
        ("eur", 1, "euros|euro|eur|欧元"),
        ("gbp", 1, "pounds sterling|gbp|英镑"),
        ("cny", 1, "yuan|rmb|cny|元人民币|人民币|元"),
    )
    for name in re.split(r"\||(?<=%) ", names)
}  # fmt: skip
SIGNS = {"$": "usd", "US$": "usd", "€": "eur", "£": "gbp", "¥": "cny", "RMB": "cny", "人民币": "cny"}
SCALE = "|".join(sorted(map(re.escape, SCALES), key=len, reverse=True))
UNIT = "|".join(
    re.escape(name) + (r"(?![A-Za-z])" if name[-1].isascii() and name[-1].isalpha() else "")
    for name in sorted(UNITS, key=len, reverse=True)
)
