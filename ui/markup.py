"""Text of documents and models as Streamlit markdown that shows it as it is: no HTML, links, images or formulas."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")
_ACTIVE = re.compile(r"([<>\[\]$:\\])")
_MARKER = re.compile(r"\[(\d{1,3})\]")


def plain(text: str) -> str:
    """Shown character for character; newlines stay newlines."""
    return _PUNCTUATION.sub(r"\\\1", text).replace("\n", "  \n")


def formatted(text: str) -> str:
    """A model's answer: emphasis, lists and code stay, whatever could load or run something is shown as text."""
    return _ACTIVE.sub(r"\\\1", text)


def with_chips(text: str, *, verbatim: bool) -> str:
    """An answer with its markers [n] as chips.

    Args:
        verbatim: the text is quoted from documents, so nothing in it is formatting.
    """
    show = plain if verbatim else formatted
    parts = _MARKER.split(text)  # text, number, text, number, …
    return "".join(f":green-badge[{part}]" if odd % 2 else show(part) for odd, part in enumerate(parts))


def highlighted(before: str, quote: str, after: str) -> str:
    """A quote marked inside the text around it."""
    marked = f":green-background[{plain(' '.join(quote.split()))}]" if quote.strip() else ""
    return f"{plain(before)}{marked}{plain(after)}"
