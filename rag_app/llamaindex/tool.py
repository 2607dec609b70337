"""A knowledge base as a tool of LlamaIndex's agents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama_index.core.tools import QueryEngineTool, ToolMetadata

from ingest.messages import Language, text

from ..types import Filters
from .engine import KnowledgeBaseQueryEngine

if TYPE_CHECKING:
    from ..app import RagApp

_NAME = re.compile(r"[^A-Za-z0-9_-]+")  # what APIs of models allow in the name of a tool
_MOST_NAME = 64
_MOST_TITLES = 12


class KnowledgeBaseTool(QueryEngineTool):
    """Cited answers as a :class:`QueryEngineTool`; see :meth:`rag_app.RagApp.as_tool`."""

    def __init__(
        self,
        app: RagApp,
        name: str | None = None,
        description: str | None = None,
        kb: str | Sequence[str] | None = None,
        filters: Filters | None = None,
        *,
        return_direct: bool = False,
        language: Language = "en",
    ) -> None:
        names = [kb] if isinstance(kb, str) else list(kb or [app.settings.kb])
        super().__init__(
            KnowledgeBaseQueryEngine(app, kb, filters),
            ToolMetadata(
                description or _description(app, names, language),
                name or _name(names),
                return_direct=return_direct,
            ),
        )


def _name(names: Sequence[str]) -> str:
    """ASCII, as models' APIs want it; of a name that has none, what the tool does."""
    plain = _NAME.sub("_", "_".join(names)).strip("_")
    return f"ask_{plain or 'documents'}"[:_MOST_NAME]


def _description(app: RagApp, names: Sequence[str], language: Language) -> str:
    """What a model needs to know to choose the tool: the titles of some of the documents."""
    titles = [document.title for name in names for document in app.documents(name)]
    more = "…" if len(titles) > _MOST_TITLES else ""
    listed = "; ".join(dict.fromkeys(titles[:_MOST_TITLES])) + more
    return text("llamaindex.tool", language, kb=", ".join(names), documents=listed or "–")
