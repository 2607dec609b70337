"""Answers, citations and passages as a notebook shows them: escaped, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ingest.messages import Language, text

if TYPE_CHECKING:
    from .types import Answer, Citation, Passage, Retrieval

_MARKER = re.compile(r"\[(\d{1,3})\]")
_MOST = 600  # characters of a passage


def answer_html(answer: Answer) -> str:
    """The text with its markers raised, then the sources."""
    paragraphs = "".join(f"<p>{_raised(part)}</p>" for part in answer.text.split("\n\n") if part.strip())
    sources = "".join(f"<li value='{one.number}'>{_source(one, answer.language)}</li>" for one in answer.citations)
    heading = f"<p><b>{escape(text('cite.sources', answer.language))}</b></p><ol>{sources}</ol>" if sources else ""
    notice = f"<p><i>{escape(answer.notice.text(answer.language))}</i></p>" if answer.notice is not None else ""
    return f"<div><p><i>{escape(answer.question)}</i></p>{paragraphs}{heading}{notice}</div>"


def citation_html(citation: Citation, language: Language = "en") -> str:
    """The document, the place, the quote."""
    return f"<div>{_source(citation, language)}</div>"


def retrieval_html(retrieval: Retrieval) -> str:
    """The passages, best first."""
    return f"<div><p><i>{escape(retrieval.question)}</i></p>{passages_html(retrieval.passages)}</div>"


def passages_html(passages: Sequence[Passage]) -> str:
    """Each with its place and score."""
    items = (
        f"<li><b>{escape(one.document)}</b>, {escape(one.where())} ({one.score:.2f})"
        f"<blockquote>{escape(one.text[:_MOST])}{'…' if len(one.text) > _MOST else ''}</blockquote></li>"
        for one in passages
    )
    return f"<ol>{''.join(items)}</ol>"


def _source(citation: Citation, language: Language) -> str:
    where = escape(citation.where(language))
    return f"<b>{escape(citation.document)}</b>, {where}<blockquote>{escape(citation.quote)}</blockquote>"


def _raised(words: str) -> str:
    return _MARKER.sub(r"<sup>[\1]</sup>", escape(words)).replace("\n", "<br>")
