"""Markdown (CommonMark with tables) to the text a reader sees; the only markdown-it import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NoText
from ..types import Document
from .building import SOFT_BREAK, PageBuilder, join_soft_breaks
from .encoding import decode
from .files import read_bytes
from .web import fill_from_html

if TYPE_CHECKING:
    from markdown_it.token import Token


def load(path: Path) -> Document:
    """Read a Markdown file: headings, paragraphs, lists, tables and code, without the markup.

    Raises:
        DamagedFile, NoText, Unreadable: as for plain text.
    """
    from markdown_it import MarkdownIt

    source = _without_front_matter(decode(read_bytes(path)))
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    builder = PageBuilder()
    _fill(builder, tokens)
    (page,) = builder.pages()
    if not page.text.strip():
        raise NoText("file.no_text")
    title = next((heading.text for heading in page.headings if heading.level == 1), path.stem)
    return Document(title, "markdown", (page,))


def _fill(builder: PageBuilder, tokens: list[Token]) -> None:
    """Put the blocks into ``builder``; a list item's marker goes before its first paragraph."""
    counters: list[int | None] = []  # of the lists around: the next number, or None for bullets
    marker = ""
    cells: list[str] = []
    heading = 0
    in_cell = False
    for token in tokens:
        match token.type:
            case "heading_open":
                heading = int(token.tag[1])
            case "heading_close":
                heading = 0
            case "bullet_list_open":
                counters.append(None)
            case "ordered_list_open":
                counters.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                counters.pop()
            case "list_item_open":
                number = counters[-1]
                marker = "  " * (len(counters) - 1) + ("- " if number is None else f"{number}. ")
                counters[-1] = None if number is None else number + 1
            case "tr_open":
                cells = []
            case "tr_close":
                builder.row(cells)
            case "th_open" | "td_open":
                in_cell = True
            case "th_close" | "td_close":
                in_cell = False
            case "inline":
                text = _inline(token)
                if heading:
                    builder.heading(heading, text)
                elif in_cell:
                    cells.append(text)
                elif counters:
                    builder.item((marker or "  " * len(counters)) + text)
                    marker = ""
                else:
                    builder.paragraph(text)
            case "html_block":
                fill_from_html(builder, token.content)
            case "fence" | "code_block":
                builder.paragraph(token.content.rstrip())


def _inline(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or []:
        match child.type:
            case "softbreak":
                parts.append(SOFT_BREAK)
            case "hardbreak":
                parts.append("\n")
            case "html_inline":
                parts.append("\n" if child.content.lower().startswith("<br") else "")
            case _:
                parts.append(child.content)
    return join_soft_breaks("".join(parts)).strip()


def _without_front_matter(source: str) -> str:
    """Drop a YAML block at the top, fenced by lines of three dashes."""
    if not source.startswith("---\n"):
        return source
    end = source.find("\n---\n", 3)
    return source[end + 5 :] if end > 0 else source
