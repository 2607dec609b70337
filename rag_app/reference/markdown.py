"""What the pages have in common."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.messages import Language, text

_COMMAND = "python -m rag_app.reference docs/reference"


def suffix(language: Language) -> str:
    """Of a page's file name before its ``.md``."""
    return "" if language == "en" else ".zh-CN"


def notice(page: str, language: Language) -> list[str]:
    """The page in the other language, and where this one comes from."""
    other: Language = "zh" if language == "en" else "en"
    link = f"[{'中文' if other == 'zh' else 'English'}]({page}{suffix(other)}.md)"
    return [f"{link} · {text('reference.generated', language, command=_COMMAND)}", ""]


def row(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def cell(words: str) -> str:
    """Text that stays in its cell."""
    return " ".join(words.replace("|", "\\|").replace("<", "&lt;").split())


def anchor(heading: str) -> str:
    """Of a heading, as GitHub makes it."""
    return heading.lower().replace(" ", "-")
