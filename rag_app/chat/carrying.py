"""What a follow-up question leaves unsaid, carried over from the turn before, in brackets: no model is needed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..retrieval.language import language_of
from ..retrieval.tokens import tokens
from ..types import Turn
from .follow_ups import says_something

_MOST_TERMS = 6
_MOST_CHARACTERS = 80  # of a title
_WORD = re.compile(r"[^\W_](?:[\w'’./+%:-]*[\w+%])?|[^\w\s]")
_NAME = re.compile(r"[A-Z]|\d|_")
_QUOTED = re.compile(r"《([^》]+)》|“([^”]+)”|「([^」]+)」|\"([^\"]+)\"")
_EN_PRONOUN = re.compile(r"\b(?:it|its|it's|they|them|their|he|him|his|she|her|that|this|those|these)\b", re.IGNORECASE)
_ZH_PRONOUN = re.compile(r"[它他她]们?|这个|这些|那个|那些|前者|后者")
_OF_ALL = re.compile(r"^(?:th|这|那)(?!ey|em|eir)", re.IGNORECASE)  # "that" may mean all that was said
_ZH_CUT = re.compile(
    r"请问|为什么|为何|什么|哪一|哪些|哪个|哪里|哪儿|哪位|哪|多少|几[个种条]?|谁|怎么样?|怎样|如何|是否|可以|能否|应该|需要|一般|"
    r"[的了吗呢吧是在和与及或也有把被让对给，。？！、；：“”《》「」（）()?!,;:\s]+"
)
_ZH_LATIN = re.compile(r"[A-Za-z][\w./:-]*(?: \d[\w.]*)*")
_PLACE = re.compile(r"\b(on|in|for|with|at|under|of|by|from|to)\s+((?:the |a |an )?[^\s,?.!]+(?: [A-Z\d][^\s,?.!]*)*)")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def carry_over(question: str, history: Sequence[Turn]) -> str:
    """The question with what the last one was about, where it does not name it itself.

    "那它的上下文呢？" after "LLaMA 3 8B 需要多少内存？" becomes "那它（LLaMA 3 8B）的上下文呢？". What is put in the
    place of something replaces it: "And on Linux?" drops the last question's "on Windows". A cited document's title
    serves where the last question has no words of its own; beside them it led to worse passages (``LOG.md``).
    """
    last = next((turn.text for turn in reversed(history) if turn.role == "user"), "")
    titles = next((turn.titles for turn in reversed(history) if turn.role == "assistant"), ())
    chinese = language_of(question) == "zh"
    last = _without_replaced(last, question)
    topics = _phrases(last)
    pronoun = (_ZH_PRONOUN if chinese else _EN_PRONOUN).search(question)
    if pronoun and not _OF_ALL.search(pronoun[0]):
        topics = names(last) or topics
    own = set(tokens(question))
    topics = [topic for topic in topics if not set(tokens(topic)) <= own][:_MOST_TERMS]
    if not topics:
        topics = [title for title in titles[:1] if len(title) <= _MOST_CHARACTERS]
    if not topics:
        return question
    added = f"（{_joined(topics)}）" if chinese else f" ({_joined(topics)})"
    return question[: pronoun.end()] + added + question[pronoun.end() :] if pronoun else _before_end(question, added)


def _joined(topics: Sequence[str]) -> str:
    return " ".join(topics) if all(topic.isascii() for topic in topics) else "，".join(topics)


def _before_end(question: str, added: str) -> str:
    bare = question.rstrip("？?。.！! ")
    return f"{bare}{added}{question[len(bare) :].strip()}"


def _without_replaced(last: str, question: str) -> str:
    """The last question without what the new one puts something else in the place of."""
    for preposition, _ in _PLACE.findall(question):
        last = re.sub(rf"\b{preposition}\s+(?:the |a |an )?[^\s,?.!]+(?: [A-Z\d][^\s,?.!]*)*", " ", last)
    return _YEAR.sub(" ", last) if _YEAR.search(question) else last


def _phrases(text: str) -> list[str]:
    """Runs of words that say something, in order."""
    if language_of(text) == "zh":
        cut = _ZH_LATIN.sub(lambda match: f" \0{match[0].replace(' ', chr(1))}\0 ", text)
        pieces = [piece.replace("\1", " ") for part in cut.split("\0") for piece in _ZH_CUT.split(part)]
        return [
            piece for piece in dict.fromkeys(map(str.strip, pieces)) if len(piece) > 1 or (piece and piece.isascii())
        ]
    found: list[list[str]] = [[]]
    for word in _WORD.findall(text):
        if word[0].isalnum() and says_something(word):
            found[-1].append(word)
        elif found[-1]:
            found.append([])
    return list(dict.fromkeys(" ".join(run) for run in found if run))


def names(text: str) -> list[str]:
    """What has a capital letter or a figure inside the sentence, or stands in quotation marks."""
    names = ["".join(groups) for groups in _QUOTED.findall(text)]
    if language_of(text) == "zh":
        names += _ZH_LATIN.findall(text)
    else:
        for phrase in _phrases(text):
            run = [word for word in phrase.split() if _NAME.search(word)]
            names += [" ".join(run)] if run else []
    return list(dict.fromkeys(names))
