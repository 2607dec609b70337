"""What we put into an answer's text for clients that show nothing else, and how it is taken out of it again."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePath

from ingest.messages import Language, Message, catalogue, text

from ..types import Answer, Citation

_SPECIAL = re.compile(r"([\\`*<>~])")
_ESCAPED = re.compile(r"\\([\\`*<>~])")
_BRACKETS = {"[": "&#91;", "]": "&#93;"}  # clients that know TeX take "\[" for the beginning of a formula
_LINE = r"- \[\d{1,3}\] .+"
_NOTE = "\u24d8"  # ⓘ
_LANGUAGES: tuple[Language, ...] = ("en", "zh")


def references(answer: Answer) -> str:
    """A list of the sources, in Markdown; nothing for an answer without any."""
    if not answer.citations:
        return ""
    lines = "\n".join(_line(citation, answer.language) for citation in answer.citations)
    return f"\n\n---\n\n**{text('cite.sources', answer.language)}**\n\n{lines}\n"


def note(message: Message, language: Language) -> str:
    """Something that the reader has to know about the answer, such as that it is not whole."""
    return f"\n\n{_NOTE} *{_escaped(message.text(language))}*"


def mark(said: str) -> str:
    """A word of doubt after a sentence."""
    return f" {said}"


def separated(said: str) -> tuple[str, tuple[str, ...]]:
    """An answer as a client sends it back: without what we appended, and the names of the documents it cited."""
    found = _references().search(said)
    names: list[str] = []
    if found:
        said = said[: found.start()]
        for line in found["lines"].splitlines():
            _, _, rest = line.partition("] ")
            names.append(PurePath(_plain(rest.split(" — ")[0])).stem)
    said = re.sub(rf"\n\n{_NOTE} \*.*\*\s*\Z", "", said, flags=re.DOTALL)
    said = _marks().sub("", said)
    return said.strip(), tuple(dict.fromkeys(name for name in names if name))


def _line(citation: Citation, language: Language) -> str:
    place = citation.where(language)
    return f"- [{citation.number}] {_escaped(citation.document)} — {_escaped(place)}"


def _escaped(said: str) -> str:
    """Names and places are no formatting, and nothing in them is loaded."""
    said = _SPECIAL.sub(r"\\\1", " ".join(said.split()))
    return said.replace("[", _BRACKETS["["]).replace("]", _BRACKETS["]"])


def _plain(said: str) -> str:
    for character, entity in _BRACKETS.items():
        said = said.replace(entity, character)
    return _ESCAPED.sub(r"\1", said)


@cache
def _references() -> re.Pattern[str]:
    heads = "|".join(re.escape(text("cite.sources", language)) for language in _LANGUAGES)
    return re.compile(rf"\s*\n---\n+\*\*(?:{heads})\*\*\n+(?P<lines>(?:{_LINE}\n?)+)\s*\Z")


@cache
def _marks() -> re.Pattern[str]:
    """All words of doubt, whatever they name."""
    templates = [entry for key, each in catalogue().items() if key.startswith("mark.") for entry in each.values()]
    parts = (re.sub(r"\\\{.+?\\\}", r"[^()（）\\n]*", re.escape(template)) for template in templates)
    return re.compile(rf" (?:{'|'.join(parts)})")
