"""Bytes of unknown encoding to text; the only charset-normalizer import.

A byte order mark decides; then valid UTF-8; then what reads best. "Reads best" is a likelihood: under the decoding, how
many nats do the characters cost a reader of the language that explains them best? A right decoding is made of frequent
characters of *one* language, a wrong one of rare characters of several. All decodings are of the same bytes, so their
costs can be compared, however many characters each of them makes.
"""

from __future__ import annotations

import codecs
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache

from ..errors import DamagedFile
from . import frequent

_SAMPLE = 24_000  # bytes that are compared; whole lines, those with something to see first
_WORST = 9.6  # nats a character beyond ASCII: above it nothing is text
_ALLOWED = "\t\n\v\f\r\x1a\x1b\x08"

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# Always tried, with what they cost beforehand: rare encodings must read better than frequent ones to win.
_PRIOR = {
    "gb18030": 0.0,
    "big5hkscs": 0.3,
    "cp932": 0.3,
    "cp949": 0.3,
    "euc_jp": 0.6,
    "cp1252": 0.0,
    "cp1251": 0.0,
    "cp1250": 1.0,
    "koi8_r": 1.5,
    "koi8_u": 2.5,
    "cp866": 2.0,
    "cp1253": 2.0,
    "cp1254": 3.0,
    "cp1255": 2.0,
    "cp1256": 2.5,
    "cp874": 2.0,
    "cp1257": 9.0,
    "cp1258": 3.0,
    "iso8859_2": 1.5,
    "iso8859_5": 2.5,
    "iso8859_6": 3.5,
    "iso8859_7": 3.0,
    "iso8859_15": 1.5,
    "mac_roman": 2.5,
    "mac_cyrillic": 4.0,
    "cp850": 3.0,
    "cp852": 3.5,
    "cp437": 3.5,
    "utf-16-le": 0.5,
    "utf-16-be": 1.5,
    "utf-32-le": 2.0,
    "utf-32-be": 2.5,
}
_SUGGESTED = 4.0  # an encoding only charset-normalizer thinks of
_ESCAPES = (  # seven-bit encodings, told by how they change alphabets
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
    (re.compile(rb"\x1b(\$[@B]|\(J|\$\([DOQ])"), "iso2022_jp_2004"),
    (re.compile(rb"~\{([!-}][!-~])+~\}"), "hz"),
)
_ALIASES = {  # what a page that names the left means, as browsers do
    "gb2312": "gb18030",  # also for its middle dot, which Python's GB 2312 reads as a Japanese one
    "euc_jis_2004": "euc_jp",
    "euc_jisx0213": "euc_jp",
    "shift_jis_2004": "cp932",
    "shift_jisx0213": "cp932",
    "euc_kr": "cp949",
    "latin_1": "cp1252",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "big5-tw": "big5hkscs",
    "cp950": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "utf-16": "utf-8",  # the declaration could be read: so it isn't
    "utf-16le": "utf-8",
    "utf-16be": "utf-8",
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "iso-8859-8-i": "iso8859_8",
    "utf8": "utf-8",
}
_DECLARED = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to read the bytes.

    Attributes:
        encoding: a codec's name. cost: nats of the sample read so, prior included. characters: of the sample, those
            beyond ASCII.
    """

    encoding: str
    cost: float
    characters: int


def decode(data: bytes, declared: str | None = None) -> str:
    """Bytes of unknown encoding as text, with Unix line ends and without a byte order mark.

    Args:
        declared: what the bytes say of themselves; believed where it reads about as well as the best.

    Raises:
        DamagedFile: no encoding fits, or the bytes are plainly binary.
    """
    text = _marked(data)
    if text is None:
        text = _utf8(data) if b"\0" not in data else None
    if text is None:
        text = _best(data, declared)
    if text is None or not _is_text(text):
        raise DamagedFile("file.not_text")
    return text.rstrip("\x1a").replace("\r\n", "\n").replace("\r", "\n")


def decode_html(data: bytes) -> str:
    """Like :func:`decode`; a charset named in the page counts where the bytes bear it out.

    Raises:
        DamagedFile: as :func:`decode`.
    """
    match = _DECLARED.search(data[:8192])
    name = (match[1] or match[2]).decode("ascii").lower() if match else None
    return decode(data, _known(_ALIASES.get(name, name)) if name else None)


def candidates(data: bytes, declared: str | None = None) -> list[Candidate]:
    """Every encoding that can read the bytes, best first."""
    sample = _sample(data)
    tried = dict(_PRIOR)
    for name in _suggestions(sample):
        tried.setdefault(name, _SUGGESTED)
    if declared is not None:
        tried[declared] = min(tried.get(declared, 0.0), 0.0)
    found = []
    for name, prior in tried.items():
        # Wide encodings are read from the bytes themselves: a sample of lines would not keep step.
        part = data[: _SAMPLE - _SAMPLE % 4] if name in _WIDE else sample
        text = _read(part, name)
        if text is not None and (b"\0" not in data or name in _WIDE):
            cost, characters = _cost(text)
            found.append(Candidate(name, cost / max(1, len(part)) * len(sample) + prior, characters))
    found.sort(key=lambda one: one.cost)
    if declared is not None:  # it wins against what is hardly better
        for one in found:
            if one.encoding == declared and one.cost <= found[0].cost + 6 + 0.4 * one.characters:
                found.remove(one)
                return [one, *found]
    return found


def _best(data: bytes, declared: str | None) -> str | None:
    for pattern, name in _ESCAPES:
        if b"\0" not in data and pattern.search(data) and (text := _read(data, name)) is not None:
            return text
    for one in candidates(data, declared)[:4]:
        text = _read(data, one.encoding)
        if text is not None:
            return text if _is_plausible(text[:20_000]) else None
    return None


def _is_plausible(text: str) -> bool:
    """False for a decoding nobody would read: rare Han characters only, or what no language has."""
    cost, beyond = _cost(text)
    odd = sum(1 for char in text if unicodedata.category(char) in ("Cn", "Co", "Cs") or "\x80" <= char < "\xa0")
    return odd <= 0.01 * beyond and cost <= _WORST * beyond + 4.7 * (len(text) - beyond) + 40


def _marked(data: bytes) -> str | None:
    """The text after a byte order mark, where there is one and what follows is mostly as it says."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            text = _read(data[len(mark) :], name)
            if text is not None:
                return text
    return None


def _utf8(data: bytes) -> str | None:
    """Valid UTF-8, or UTF-8 with few errors (cut at the end, a stray byte) among much that can't be chance."""
    seven_bit = any(pattern.search(data) for pattern, _ in _ESCAPES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        wrong = text.count("\ufffd")
        right = sum(1 for char in text if char > "\x7f") - wrong
        return text if right >= 20 * wrong else None
    if seven_bit and text.isascii():
        return None
    # Two bytes of UTF-16 without ASCII may look like UTF-8 by chance; then hardly a letter of it is likely.
    return text if _is_text(text) else None


def _read(data: bytes, encoding: str) -> str | None:
    """The bytes read so; a cut end or very few wrong bytes become U+FFFD. None where it is not that encoding."""
    unit = 4 if "32" in encoding and encoding in _WIDE else 2 if encoding in _WIDE else 1
    if len(data) % unit:
        if len(data) < 50 * unit:
            return None
        data = data[: len(data) - len(data) % unit]
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, UnicodeError):
        text = data.decode(encoding, "replace")
        wrong = text.count("\ufffd")
        beyond = sum(1 for char in text if char > "\x7f")
        if wrong > max(1, 0.003 * beyond) or beyond < 20:
            return None
    return None if "\0" in text else text


def _known(name: str | None) -> str | None:
    try:
        info = codecs.lookup(name or "")
    except (LookupError, ValueError):
        return None
    return name if info._is_text_encoding and name not in ("idna", "punycode", "undefined", "mbcs", "oem") else None


def _suggestions(sample: bytes) -> list[str]:
    from charset_normalizer import from_bytes

    names = [match.encoding for match in list(from_bytes(sample))[:6]]
    return [_ALIASES.get(name, name) for name in names if not name.startswith("utf")]


def _sample(data: bytes) -> bytes:
    """Whole lines up to a bound, those with bytes beyond ASCII first, from all over the file."""
    if len(data) <= _SAMPLE:
        return data
    lines = [line for line in data.splitlines(keepends=True) if not line.isascii()]
    step = max(1, sum(map(len, lines)) // _SAMPLE)
    part = b"".join(lines[::step])
    return part[:_SAMPLE] if part else data[:_SAMPLE]


def _is_text(text: str) -> bool:
    """False where control characters say that it is something else."""
    if "\0" in text:
        return False
    controls = sum(1 for char in text if char < " " and char not in _ALLOWED)
    return controls <= 0.01 * len(text)


# --- what a text costs -------------------------------------------------------------------------------------------


def _cost(text: str) -> tuple[float, int]:
    """Nats of the text for the reader of the language that explains it best, and its characters beyond ASCII."""
    text = text[:_SAMPLE]
    counts = Counter(text)
    beyond = sum(count for char, count in counts.items() if char > "\x7f")
    best = min(
        sum(count * model.get(char, _elsewhere(char)) for char, count in counts.items()) for model in _models().values()
    )
    return best + _seams(text), beyond


_LOWER_UPPER = re.compile(
    r"[a-z\u00df-\u00f6\u00f8-\u00ff\u0430-\u045f\u03ac-\u03ce][A-Z\u00c0-\u00d6\u00d8-\u00de\u0410-\u042f\u0391-\u03a9]"
)
_LATIN_HAN = re.compile(
    r"[a-z][\u3400-\u9fff\uac00-\ud7a3\uff61-\uff9f]|[\u3400-\u9fff\uac00-\ud7a3\uff61-\uff9f][a-z]"
)
_MIXED = re.compile(r"[A-Za-z][\u0370-\u06ff\u0e00-\u0e7f]|[\u0370-\u06ff\u0e00-\u0e7f][A-Za-z]")
_MARK_IN_WORD = re.compile(
    r"(?<=[^\W\d_])[\u00a1-\u00a9\u00ac-\u00b8\u00bc-\u00bf\u00d7\u00f7\u2020\u2021\u2030\u20ac\u2122\u2500-\u25ff]"
)


def _seams(text: str) -> float:
    """What stands side by side that seldom does: a capital after a small letter, two scripts, a sign inside a word."""
    return (
        3.0 * len(_LOWER_UPPER.findall(text))
        + 3.5 * len(_LATIN_HAN.findall(text))
        + 4.0 * len(_MIXED.findall(text))
        + 2.0 * len(_MARK_IN_WORD.findall(text))
    )


@cache
def _models() -> dict[str, dict[str, float]]:
    """Language → character → nats."""
    level1 = {
        "zh": _of("gb2312", 0xB0, 0xD7),
        "tw": _of("big5", 0xA4, 0xC6),
        "ja": _of("euc_jp", 0xB0, 0xCF),
        "ko": _of("euc_kr", 0xB0, 0xC8),
    }
    models = {
        "zh": _model(frequent.SIMPLIFIED, level1["zh"], 0.10),
        "tw": _model(frequent.TRADITIONAL, level1["tw"], 0.10),
        "ja": _model(frequent.JAPANESE, level1["ja"], 0.06),
        "ko": _model(frequent.KOREAN, level1["ko"], 0.10),
    }
    for name, letters in {
        "cyrillic": frequent.CYRILLIC,
        "greek": frequent.GREEK,
        "hebrew": frequent.HEBREW,
        "arabic": frequent.ARABIC,
        "thai": frequent.THAI,
    }.items():
        models[name] = _model(letters, letters.upper(), 0.06)
    mixed = "".join(dict.fromkeys("".join(frequent.LATIN[name] for name in frequent.LATIN_1)))
    for name, letters in (*frequent.LATIN.items(), ("several", mixed)):
        rarity = 3.0 if name == "several" else 2.5  # most letters are ASCII
        model = {char: cost + rarity for char, cost in _model(letters, letters.upper(), 0.1).items()}
        models[name] = dict.fromkeys(frequent.TYPOGRAPHY, 6.5) | model
    plain = {char: cost for char in map(chr, range(32, 127)) if (cost := _ascii(char))}
    punctuation = dict.fromkeys("，。、", 3.2) | dict.fromkeys("！？：；（）“”「」《》・…—　", 5.0)
    for name, model in models.items():
        model.update(plain | dict.fromkeys("\n\r\t", 3.0))
        if name in ("zh", "tw", "ja", "ko"):
            model.update(punctuation if name != "ja" else {"。": 3.5, "、": 3.5} | punctuation)
    return models


def _model(frequent_first: str, others: str, share: float) -> dict[str, float]:
    """Zipf for the frequent ones; ``share`` of the text is spread evenly over the others."""
    ranks = list(dict.fromkeys(frequent_first))
    total = sum(1 / (rank + 12) for rank in range(len(ranks)))
    rest = [char for char in dict.fromkeys(others) if char not in set(ranks) and char > "\x7f"]
    model = dict.fromkeys(rest, -math.log(share / max(1, len(rest))))
    model.update({char: -math.log((1 - share) / (rank + 12) / total) for rank, char in enumerate(ranks)})
    return model


def _of(encoding: str, first: int, last: int) -> str:
    """The characters of an encoding's rows: the first level of a standard is the characters in common use."""
    pairs = (bytes((high, low)) for high in range(first, last + 1) for low in range(0x40, 0xFF))
    return "".join(pair.decode(encoding, "ignore") for pair in pairs)


def _ascii(char: str) -> float:
    if char == " ":
        return 2.0
    if char.islower():
        return 3.0
    return 4.2 if char.isalnum() else 4.5


@lru_cache(maxsize=70_000)
def _elsewhere(char: str) -> float:
    """Nats of a character that is none of the language's own."""
    point = ord(char)
    category = unicodedata.category(char)
    if category in ("Cn", "Co", "Cs", "Cc") or char == "\ufffd":
        return 22.0
    if 0xFF61 <= point <= 0xFF9F:  # half-width kana: what other encodings look like under Shift-JIS
        return 10.5
    if 0x4E00 <= point <= 0x9FFF:
        return 12.5
    if 0x3400 <= point <= 0x4DBF or 0xF900 <= point <= 0xFAFF or point >= 0x10000:
        return 16.0
    if 0x3040 <= point <= 0x30FF or 0xAC00 <= point <= 0xD7A3:
        return 11.5
    if 0x3000 <= point <= 0x303F or 0xFF00 <= point <= 0xFFEF or 0x2010 <= point <= 0x203F:
        return 7.5
    if 0x2500 <= point <= 0x25FF or category in ("Mn", "Sk", "Sm", "So", "No", "Lm"):
        return 12.0
    return 11.0
