"""Text of documents and models as Streamlit markdown that shows it as it is: no HTML, links, images or formulas.

Escaping is half of it. After parsing, Streamlit still rewrites the text it sees: addresses become links, ``->`` an
arrow, ``:streamlit:`` a picture. It looks at one piece of text at a time, so a *seam*, a style that changes nothing
around a character in the middle, keeps it from seeing any of these; copied text stays the text of the document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

_SEAM = r"""
    (?P<seam>
        :(?=[/a-z_])                                                            # http://…, :streamlit:
      | (?<=[\w.+-])@(?=\w)                                                     # me@example.com
      | (?<=www)\.                                                              # www.example.com
      | (?<![-<>=~])(?:<->|->|<-|--|>=|<=|~=)(?=[\s:@.]|\Z)                     # arrows and the like
    )"""
_PLAIN = re.compile(_SEAM + r"""|(?P<active>[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])""", re.VERBOSE | re.IGNORECASE)
_FORMATTED = re.compile(
    r"""
    ^[ \t]*(?P<fence>`{3,}|~{3,})(?P<language>\w*)[^\n`]*\n(?P<block>.*?)(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)
  | (?<!`)(?P<ticks>`+)(?!`)(?P<code>[^\n]*?[^\n`])(?P=ticks)(?!`)
  | \[(?P<marker>\d{1,3})\]
  | ^(?P<ruler>[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*)$    # under a table's header
  | ^[ ]{0,3}(?P<heading>\#{1,6})(?=[ \t])
  | """
    + _SEAM
    + r"""|(?P<active>[<>\[\]$:\\&`])""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_MARKER = re.compile(r"\[(\d{1,3})\]")
_PLACE = "\ue000"  # of private use: it stands in no text
_MARK = re.compile(_PLACE)
_NEWLINE = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_DIRECTION = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # they can make a name read backwards


def plain(text: str) -> str:
    """Shown character for character, line for line."""
    return _lines(_escaped(text))


def small(text: str) -> str:
    """As :func:`plain`, for captions."""
    return _lines(_escaped(text, "small"))


def with_chips(text: str, marks: Sequence[tuple[int, str]] = (), *, verbatim: bool) -> str:
    """An answer with its markers [n] as chips.

    Args:
        marks: words of ours at places of the text, in order.
        verbatim: the text is quoted from documents, so nothing in it is formatting. Otherwise a model wrote it: its
            emphasis, lists, tables and code stay, and what could load something or lead elsewhere is shown as text.
    """
    if not verbatim:
        return _MARK.sub(partial(_mark, marks), _FORMATTED.sub(_formatted, _clean(_with_places(text, marks))))
    parts = _MARKER.split(text)  # text, number, text, number, …
    return _lines("".join(chip(part) if odd % 2 else _escaped(part) for odd, part in enumerate(parts)))


def _with_places(text: str, marks: Sequence[tuple[int, str]]) -> str:
    """A character of no meaning where each mark goes, before the end of a table's row."""
    text = text.replace(_PLACE, " ")
    for place, _ in reversed(marks):
        before = text[:place].rstrip("| \t") if text[:place].endswith("|") else text[:place]
        text = before + _PLACE + text[len(before) :]
    return text


def _mark(marks: Sequence[tuple[int, str]], match: re.Match[str]) -> str:
    number = match.string.count(_PLACE, 0, match.start())
    return f" :orange-badge[{_escaped(marks[number][1])}]" if number < len(marks) else ""


def chip(number: object) -> str:
    """The number of a source."""
    return f":primary-badge[{number}]"


def highlighted(before: str, quote: str, after: str) -> str:
    """A quote marked, line by line, inside the text around it."""
    marked = "\n".join(_marked(line) for line in _clean(quote).split("\n"))
    return _lines(_escaped(before) + marked + _escaped(after))


def _marked(line: str) -> str:
    text = line.strip(" \t")
    if not text:
        return line
    start = line.index(text)
    return f"{line[:start]}:yellow-background[{_escaped(text)}]{line[start + len(text) :]}"


def _clean(text: str) -> str:
    text = _NEWLINE.sub("\n", text.translate(_DIRECTION))
    return text.encode(errors="replace").decode()  # half a character from a file's name can't be sent


def _escaped(text: str, seam: str = "gray") -> str:
    """Escaped and with seams; the theme's gray is the colour of text, and small is the size of captions."""

    def escape(match: re.Match[str]) -> str:
        return _seams(match["seam"], seam) if match["seam"] else f"\\{match['active']}"

    return _PLAIN.sub(escape, _clean(text))


def _seams(characters: str, style: str = "gray") -> str:
    return "".join(f":{style}[\\{character}]" for character in characters)


def _lines(markdown: str) -> str:
    """Newlines stay newlines; space before a line would make it code."""
    return "  \n".join(line.strip(" \t") for line in markdown.split("\n"))


def _formatted(match: re.Match[str]) -> str:
    """One piece of a model's answer; code is written anew, so that it surely ends where we think it does."""
    if match["block"] is not None:
        fence = "`" * max(3, _longest_ticks(match["block"]) + 1)
        return f"\n{fence}{match['language']}\n{match['block'].rstrip()}\n{fence}\n"
    if match["code"] is not None and "|" in match["code"]:  # in a table, cells would cut it in two
        return _escaped(match[0])
    if match["code"] is not None:
        ticks = "`" * (_longest_ticks(match["code"]) + 1)
        return f"{ticks} {match['code']} {ticks}"
    if match["marker"]:
        return chip(match["marker"])
    if match["ruler"]:
        return match["ruler"]
    if match["heading"]:
        return "#####"
    if match["seam"]:
        return match["seam"] if match["seam"][0] in "-<>=~" and ":" not in match["seam"] else _seams(match["seam"])
    return f"\\{match['active']}"


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
