"""What tools return, as an assistant reads it: numbered, with the place of each; programs get the same as JSON."""

from __future__ import annotations

from ingest.messages import Language, text

from ..server.appended import references
from ..server.views import DocumentList, KnowledgeBaseView, PageList, RetrievalView
from ..types import Answer


def passages_text(found: RetrievalView, language: Language) -> str:
    """Passages with their places."""
    if not found.passages:
        return text("answer.not_found", language)
    blocks = []
    for number, one in enumerate(found.passages, 1):
        head = f"[{number}] {one.document}, {one.label}"
        if one.headings:
            head += f" ({' › '.join(one.headings)})"
        if one.suspicious:
            head += f"\n{text('cite.suspicious', language)}"
        blocks.append(f"{head}\n{one.text}")
    return "\n\n".join(blocks)


def answer_text(answer: Answer) -> str:
    """An answer with its sources."""
    return (answer.text + references(answer)).strip()


def bases_text(bases: list[KnowledgeBaseView], language: Language) -> str:
    """Knowledge bases, one a line."""
    lines = [text("mcp.knowledge_base", language, name=one.name, documents=one.documents) for one in bases]
    return "\n".join(lines) or text("mcp.no_knowledge_base", language)


def documents_text(found: DocumentList, language: Language) -> str:
    """Documents, one a line with its id."""
    lines = [text("mcp.documents", language, shown=len(found.documents), total=found.total)]
    for one in found.documents:
        said = text("mcp.document", language, id=one.id or "-", name=one.document, title=one.title, pages=one.pages)
        lines.append(f"{said} {one.reason}" if one.reason else said)
    return "\n".join(lines)


def pages_text(found: PageList, language: Language) -> str:
    """Pages of a document, each under its number."""
    blocks = [text("mcp.pages", language, shown=len(found.pages), total=found.total)]
    blocks += [f"— {one.number} —\n{one.text}" for one in found.pages]
    return "\n\n".join(blocks)
