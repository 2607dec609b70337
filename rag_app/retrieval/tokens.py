"""Tokens of the lexical index, for Chinese and English in one text.

* Chinese: overlapping pairs of characters, after folding traditional to simplified characters (OpenCC's table); a
  character that stands alone is a token itself. No dictionary, so no word is unknown.
* Other scripts: words, case and width folded (NFKC), English ones stemmed (Snowball).
* Codes such as "GPT-4o" or "llama3.3" give their parts, words and numbers apart ("llama", "33"), and the
  whole, joined: people write "Llama 3.3" for "llama3.3".
* What has many spellings gets one more token at the end: dates ("2024年3月5日", "March 5, 2024" → "20240305"), years in
  Chinese figures, chapters ("第三章" → "第3章"). Thousands separators are dropped ("3,500" → "3500").

Character pairs and not words: measured against jieba, and against both together, in ``LOG.md``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from .canonical import canonical

if TYPE_CHECKING:
    from opencc import OpenCC
    from snowballstemmer.english_stemmer import EnglishStemmer

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUN = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<code>[^\W_{_HAN}]+(?:[-./_+'’&][^\W_{_HAN}]+)*)")
_PIECE = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*")
_MIXED = re.compile(r"[^\W\d_]\d|\d[^\W\d_]")
_PART = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(
    (
        "a an and are as at be been but by can could did do does for from had has have how i if in into is it its "
        "of on or our s should such t than that the their them then there these they this those to was we were "
        "what when where which who whom whose why will with would you your"
    ).split()
)
_STEMMING = Lock()
_STOP_CHARACTERS = re.compile("[的了吗呢吧是在和与及或也]")
_ASKING = re.compile(
    "请问|为什么|为何|什么|哪一|哪些|哪个|哪里|哪儿|哪位|哪年|哪|多少|几|谁|怎么样|怎么|怎样|如何|是否|何时|何地|何种"
)
"""Words that ask; a pair that one of them is part of says nothing of what is asked."""
_FEW = 2
_QUOTED = re.compile('"([^"]+)"|“([^”]+)”|「([^」]+)」|『([^』]+)』')
_SEPARATED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def tokens(text: str) -> list[str]:
    """All tokens of ``text`` in order, stop words included: the index keeps everything."""
    folded = _SEPARATED.sub("", unicodedata.normalize("NFKC", text))
    return [*_plain(folded), *canonical(folded)]


def _plain(folded: str) -> list[str]:
    found: list[str] = []
    for match in _RUN.finditer(folded):
        if match["han"]:
            found.extend(_pairs(simplified(match["han"])))
        else:
            found.extend(_word_tokens(match["code"]))
    return found


def query_terms(text: str) -> list[str]:
    """The distinct tokens of a question that say something, in order; all of them if none does.

    A single character that is left between words that ask counts only when there is hardly anything else.
    """
    asked = list(dict.fromkeys(tokens(_ASKING.sub(" ", simplified(text)))))
    telling = [token for token in asked if not _is_stop(token)]
    if len(telling) > _FEW:
        telling = [token for token in telling if len(token) > 1 or token.isascii()] or telling
    return telling or list(dict.fromkeys(tokens(text)))


def phrases(text: str) -> list[list[str]]:
    """What stands in quotation marks, in tokens: to be found word for word."""
    found = (_plain(_SEPARATED.sub("", unicodedata.normalize("NFKC", quoted))) for quoted in _quoted(text))
    return [phrase for phrase in found if phrase]


def _quoted(text: str) -> list[str]:
    return [next(filter(None, groups)) for groups in _QUOTED.findall(text)]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] if len(run) > 1 else [run]


def _word_tokens(code: str) -> list[str]:
    parts = [part.casefold() for part in _PART.findall(code)]
    pieces = [piece.replace(".", "") for piece in _PIECE.findall(code.casefold())] if _MIXED.search(code) else []
    if len(parts) == 1:
        return list(dict.fromkeys([_stem(parts[0]), *pieces]))
    if parts[-1] == "s" and len(parts) == 2:  # a possessive
        return [_stem(parts[0])]
    return list(dict.fromkeys([*map(_stem, parts), *pieces, "".join(parts)]))


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    if not word.isascii() or not word.isalpha() or len(word) < 3:
        return word
    with _STEMMING:  # a Snowball stemmer keeps its state in itself
        return str(_stemmer().stemWord(word))


def _is_stop(token: str) -> bool:
    if token in _stop_stems():
        return True
    return len(token) <= 2 and bool(_STOP_CHARACTERS.search(token)) and not token.isascii()


@cache
def _stop_stems() -> frozenset[str]:
    return frozenset(_stem(word) for word in _STOP_WORDS)


def simplified(run: str) -> str:
    """Traditional characters folded to simplified ones."""
    return str(_converter().convert(run))


@cache
def _stemmer() -> EnglishStemmer:
    import snowballstemmer

    stemmer: EnglishStemmer = snowballstemmer.stemmer("english")
    return stemmer


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")
