"""Source code and other text whose lines mean something: kept exactly, each with its number.

Definitions are headings, so that a passage's heading path names the class and function it is from.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import NoText
from ..types import Document, Heading, Page
from .encoding import decode
from .files import read_bytes

_MODIFIERS = (
    r"(?:(?:public|private|protected|internal|static|final|abstract|virtual|override|async|sealed|partial|open|data|"
    r"suspend|export|default|declare|pub(?:\([^)]*\))?|unsafe|const|inline|extern|synchronized|readonly)\s+)*"
)
_KEYWORDS = re.compile(
    rf"^(?P<indent>[ \t]*)(?P<text>{_MODIFIERS}"
    r"(?:class|interface|struct|enum|trait|impl|namespace|module|record|object|protocol|extension|mod|"
    r"def|fn|func|fun|function\*?|sub|macro_rules!)\s+(?:\([^)]*\)\s*)?[\w.:<>$?!~-]+)",
)
_METHOD = re.compile(  # C, C++, Java, C#: a type, a name, parameters, and a brace on this line or the next
    r"^(?P<indent>[ \t]*)(?P<text>(?!(?:return|else|new|throw|case|if|for|while|switch|using|typedef|delete|goto)\b)"
    r"(?:[\w:<>\[\],.*&?@]+[ \t*&]+)+[\w:~]+)[ \t]*\([^;{}]*\)?[^;{}=]*\{?\s*$"
)
_SECTION = re.compile(r"^(?P<indent>)(?P<text>\[\[?[^\[\]]+\]\]?)\s*(?:[#;].*)?$")
_SQL = re.compile(
    r"^(?P<indent>\s*)(?P<text>create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:unique\s+)?"
    r"(?:table|view|materialized\s+view|function|procedure|trigger|index|schema|type)\s+(?:if\s+not\s+exists\s+)?[\w.\"`\[\]]+)",
    re.IGNORECASE,
)
_SHELL = re.compile(r"^(?P<indent>)(?P<text>(?:function\s+)?[\w:-]+)\s*\(\)\s*\{?\s*$|^(?P<text2>function\s+[\w:-]+)")
_R = re.compile(r"^(?P<indent>)(?P<text>[\w.]+)\s*(?:<-|=)\s*function\b")
_LUA = re.compile(r"^(?P<indent>)(?P<text>(?:local\s+)?function\s+[\w.:]+)")
_ARROW = re.compile(
    r"^(?P<indent>)(?P<text>(?:export\s+)?(?:const|let|var)\s+\w+)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:\([^)]*\)|\w+)\s*(?::\s*[\w<>\[\]]+\s*)?=>"
)
_TEX = re.compile(
    r"^\s*\\(?P<level>part|chapter|section|subsection|subsubsection)\*?\s*(?:\[[^\]]*\])?\{(?P<text>[^{}]+)\}"
)
_TEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection")
_UNDERLINE = re.compile(r"^([=\-~^\"'`#*+.:_])\1{2,}\s*$")

_C_LIKE = (_KEYWORDS, _METHOD)
_SCRIPT = (_KEYWORDS, _ARROW)
PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    **dict.fromkeys((".c", ".h", ".cpp", ".cc", ".cxx", ".hpp", ".java", ".cs", ".m", ".mm"), _C_LIKE),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue"), _SCRIPT),
    **dict.fromkeys(
        (".py", ".pyi", ".go", ".rs", ".rb", ".php", ".kt", ".kts", ".swift", ".scala", ".dart"), (_KEYWORDS,)
    ),
    **dict.fromkeys((".pl", ".ps1", ".psm1"), (_KEYWORDS,)),
    **dict.fromkeys((".sh", ".bash", ".zsh"), (_SHELL,)),
    **dict.fromkeys((".toml", ".ini", ".cfg", ".conf"), (_SECTION,)),
    ".sql": (_SQL,),
    ".r": (_R,),
    ".lua": (_LUA,),
    **dict.fromkeys((".yaml", ".yml", ".log", ".rst", ".tex", ".bib", ".srt", ".vtt", ".xml", ".css", ".bat"), ()),
    **dict.fromkeys((".properties", ".proto", ".graphql", ".adoc", ".org"), ()),
}
"""Suffix → what a definition looks like there."""


def load(path: Path) -> Document:
    """Read a file line by line.

    Raises:
        DamagedFile: the bytes are not text. NoText: nothing but white space. Unreadable: see :func:`read_bytes`.
    """
    text = decode(read_bytes(path)).rstrip()
    if not text:
        raise NoText("file.no_text")
    source = text.split("\n")
    lines: list[tuple[int, int]] = []
    offset = 0
    for number, line in enumerate(source, 1):
        lines.append((offset, number))
        offset += len(line) + 1
    suffix = path.suffix.lower()
    match suffix:
        case ".rst":
            headings = _rst(source, lines)
        case ".tex":
            headings = _tex(source, lines)
        case _:
            headings = _definitions(source, lines, PATTERNS.get(suffix, ()))
    return Document(path.name, "code", (Page(1, text, None, tuple(headings), "text", tuple(lines)),))


def _definitions(
    source: list[str], lines: list[tuple[int, int]], patterns: tuple[re.Pattern[str], ...]
) -> list[Heading]:
    """Definitions at the margin, and those one step inside a definition that is at the margin."""
    found: list[Heading] = []
    inside = ""  # the indent of what stands directly inside the last one at the margin
    for line, (start, _) in zip(source, lines, strict=True):
        if len(line) > 500:
            continue
        for pattern in patterns:
            match = pattern.match(line)
            if match is None:
                continue
            indent = match["indent"] or ""
            text = (match["text"] or match.groupdict().get("text2") or "").strip()
            if indent and not found:
                break
            if indent and not inside:
                inside = indent
            if not indent or indent == inside:
                inside = inside if indent else ""
                text = " ".join(text.split()).rstrip(":")
                found.append(Heading(start + len(indent), 2 if indent else 1, text))
            break
    return found


def _rst(source: list[str], lines: list[tuple[int, int]]) -> list[Heading]:
    """Underlined titles; each kind of underline is a level, in the order the kinds appear."""
    kinds: list[str] = []
    found: list[Heading] = []
    for index in range(len(source) - 1):
        line, under = source[index], source[index + 1]
        match = _UNDERLINE.match(under)
        if match and line.strip() and not _UNDERLINE.match(line) and len(under.rstrip()) >= len(line.strip()):
            if match[1] not in kinds:
                kinds.append(match[1])
            start = lines[index][0] + len(line) - len(line.lstrip())
            found.append(Heading(start, kinds.index(match[1]) + 1, line.strip()))
    return found


def _tex(source: list[str], lines: list[tuple[int, int]]) -> list[Heading]:
    return [
        Heading(start + match.start("text"), _TEX_LEVELS.index(match["level"]) + 1, match["text"])
        for line, (start, _) in zip(source, lines, strict=True)
        if (match := _TEX.match(line))
    ]
