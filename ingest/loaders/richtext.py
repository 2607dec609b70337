"""RTF; the only striprtf import. It gives text alone: headings and page ends are marked before and found after it."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DamagedFile, NoText
from ..types import Document
from .building import PageBuilder, one_line
from .files import read_bytes
from .packages import PARSER_FAILURES

_HEX = re.compile(r"[0-9a-fA-F\s]{256,}")  # pictures and embedded objects
_STYLE = re.compile(r"\\s(\d+)(?!\d)[^{};]*?\bheading (\d)\s*;", re.IGNORECASE)
_PAGE = re.compile(r"\\page(?![a-z\d])")
_CELL_END = re.compile(r"\s*\|\s*$")
_PAGE_MARK = "\x0c"
_HEADING_MARK = re.compile("\x01(\\d)\x02")
_TITLE = re.compile(r"\{\\title ([^{}\\]*)\}")


def load(path: Path) -> Document:
    """Read an RTF file: headings (by style or outline level), paragraphs, table rows; pages at explicit breaks.

    Raises:
        DamagedFile, NoText, Unreadable.
    """
    from striprtf.striprtf import rtf_to_text

    data = read_bytes(path)
    if not data.lstrip()[:5].startswith(b"{\\rtf"):
        raise DamagedFile("file.damaged", format="RTF", cause="{\\rtf")
    source = _marked(_ascii(data))
    try:
        text = rtf_to_text(source, errors="replace")
    except PARSER_FAILURES as error:
        raise DamagedFile("file.damaged", format="RTF", cause=error) from error
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    builder = PageBuilder()
    for index, part in enumerate(text.split(_PAGE_MARK)):
        if index and not builder.blank:
            builder.page_break()
        _fill(builder, part)
    pages = builder.pages()
    if not any(page.text.strip() for page in pages):
        raise NoText("file.no_text")
    title = match[1].strip() if (match := _TITLE.search(source)) else ""
    first = next((heading.text for page in pages for heading in page.headings), "")
    return Document(title or first or path.stem, "rtf", pages)


def _ascii(data: bytes) -> str:
    """The source in ASCII; bytes above it, which the format forbids and some programs write, as it asks for them."""
    return "".join(chr(byte) if byte < 128 else f"\\'{byte:02x}" for byte in _without_pictures(data))


def _without_pictures(data: bytes) -> bytes:
    return _HEX.sub("", data.decode("latin-1")).encode("latin-1")


def _marked(source: str) -> str:
    """``source`` with a mark at every heading and page end."""
    levels = {style: int(level) for style, level in _STYLE.findall(source)}
    begin = source.find("{\\stylesheet")
    end = _group_end(source, begin) if begin >= 0 else 0
    body = source[end:]
    body = _PAGE.sub(lambda match: f"{match[0]} {_PAGE_MARK}", body)

    def mark(match: re.Match[str]) -> str:
        level = int(match[3]) + 1 if match[2] == "outlinelevel" else levels.get(match[3])
        return f"{match[1]} \x01{level}\x02" if level and level <= 9 else match[0]

    return source[:end] + re.sub(r"(\\(s|outlinelevel)(\d+)) ?", mark, body)


def _group_end(source: str, begin: int) -> int:
    depth = 0
    for match in re.compile(r"\\.|[{}]", re.DOTALL).finditer(source, begin):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return begin


def _fill(builder: PageBuilder, text: str) -> None:
    for line in text.split("\n"):
        mark = _HEADING_MARK.search(line)
        line = _HEADING_MARK.sub("", line)
        if mark and "|" not in line:
            builder.heading(int(mark[1]), line)
        elif _CELL_END.search(line):
            builder.row(_CELL_END.sub("", line).split("|"))
        elif line.lstrip().startswith(("•", "·", "- ", "–\t", "-\t")):
            builder.item("- " + one_line(line.lstrip().lstrip("•·-–")))
        else:
            builder.paragraph(line.strip())
