"""HTML to the text a reader sees; the only Beautiful Soup import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NoText
from ..types import Document
from .building import SOFT_BREAK, PageBuilder, join_soft_breaks, one_line
from .encoding import decode_html
from .files import read_bytes

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_INVISIBLE = ("script", "style", "template", "noscript", "svg", "head", "iframe", "object", "select")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DEEPEST = 150
_FURNITURE = ("nav", "header", "footer")
_BLOCKS = frozenset(
    (
        "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption "
        "figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody td "
        "tfoot th thead tr ul"
    ).split()
)


def load(path: Path) -> Document:
    """Read an HTML file: headings, paragraphs, lists and tables, without scripts, navigation and hidden elements.

    Raises:
        DamagedFile: the bytes are not text. NoText: no visible text. Unreadable: see :func:`read_bytes`.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(decode_html(read_bytes(path)), "lxml")
    title = one_line(soup.title.get_text()) if soup.title else ""
    _drop_invisible(soup)
    body = soup.find("main") or soup.body or soup
    if body is not soup.find("main"):
        for tag in body.find_all(_FURNITURE):
            if tag.find_parent(["article", "section"]) is None and not tag.find("h1"):
                tag.decompose()
    builder = PageBuilder()
    _fill(builder, body)
    (page,) = builder.pages()
    if not page.text.strip():
        raise NoText("file.no_text")
    first = next((heading.text for heading in page.headings), "")
    return Document(title or first or path.stem, "html", (page,))


def fill_from_html(builder: PageBuilder, source: str) -> None:
    """Put the visible blocks of a piece of HTML into ``builder``."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(source, "lxml")
    _drop_invisible(soup)
    _fill(builder, soup.body or soup)


def _drop_invisible(soup: BeautifulSoup) -> None:
    for tag in soup.find_all(_INVISIBLE):
        tag.decompose()
    for tag in soup.find_all(lambda tag: tag.has_attr("hidden") or bool(_HIDDEN.search(str(tag.get("style", ""))))):
        if tag.name != "body":
            tag.decompose()


def _fill(builder: PageBuilder, tag: Tag, depth: int = 0) -> None:
    """Put the blocks below ``tag`` into ``builder``; loose inline text between blocks is a paragraph."""
    from bs4 import NavigableString, Tag
    from bs4.element import PreformattedString

    if depth > _DEEPEST:  # no page is built so: what is inside is one paragraph
        builder.paragraph(_fold(_text(tag)))
        return
    loose: list[str] = []

    def flush() -> None:
        builder.paragraph(_fold("".join(loose)))
        loose.clear()

    for child in tag.children:
        if isinstance(child, PreformattedString):  # comments, declarations
            continue
        if isinstance(child, NavigableString):
            loose.append(str(child))
        elif isinstance(child, Tag):
            if child.name == "br":
                loose.append("\u2029")
            elif child.name not in _BLOCKS and not child.find(list(_BLOCKS)):
                loose.append(_text(child))
            else:
                flush()
                _block(builder, child, depth)
    flush()


def _block(builder: PageBuilder, tag: Tag, depth: int) -> None:
    match tag.name:
        case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
            builder.heading(int(tag.name[1]), _fold(_text(tag)))
        case "tr":
            builder.row(_fold(_text(cell)) for cell in tag.find_all(["td", "th"], recursive=False))
        case "li" if not tag.find(list(_BLOCKS)):
            builder.item(f"- {_fold(_text(tag))}")
        case "pre":
            builder.paragraph(tag.get_text())
        case _:
            _fill(builder, tag, depth + 1)


def _text(tag: Tag) -> str:
    for line_break in tag.find_all("br"):
        line_break.replace_with("\u2029")
    return tag.get_text()


def _fold(text: str) -> str:
    """White space as a browser folds it; explicit line breaks stay."""
    lines = (join_soft_breaks(SOFT_BREAK.join(part.split("\n"))) for part in text.split("\u2029"))
    return "\n".join(one_line(line) for line in lines).strip()
