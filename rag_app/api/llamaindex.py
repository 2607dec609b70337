"""The app in LlamaIndex's terms; its classes are imported when they are asked for, which takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ingest.messages import Language
from ingest.types import IngestReport, Progress

from ..types import Filters
from .base import Opened

if TYPE_CHECKING:
    from ..app import RagApp
    from ..llamaindex import (
        KnowledgeBaseChatEngine,
        KnowledgeBaseLLM,
        KnowledgeBaseQueryEngine,
        KnowledgeBaseRetriever,
        KnowledgeBaseTool,
    )


class LlamaIndex(Opened):
    """The app in LlamaIndex's terms."""

    def as_retriever(
        self, kb: str | Sequence[str] | None = None, limit: int | None = None, filters: Filters | None = None
    ) -> KnowledgeBaseRetriever:
        """A ``BaseRetriever``: :meth:`retrieve`, its passages as nodes.

        Args:
            As those of :meth:`retrieve`; likewise the others here.
        """
        from ..llamaindex import KnowledgeBaseRetriever

        return KnowledgeBaseRetriever(cast("RagApp", self), kb, limit, filters)

    def as_query_engine(
        self, kb: str | Sequence[str] | None = None, filters: Filters | None = None, *, streaming: bool = False
    ) -> KnowledgeBaseQueryEngine:
        """A ``BaseQueryEngine``: :meth:`ask`, the passages as source nodes, those that are cited first.

        Args:
            streaming: its responses give their text as it is written.
        """
        from ..llamaindex import KnowledgeBaseQueryEngine

        return KnowledgeBaseQueryEngine(cast("RagApp", self), kb, filters, streaming=streaming)

    def as_chat_engine(
        self,
        conversation: int | None = None,
        kb: str | Sequence[str] | None = None,
        filters: Filters | None = None,
    ) -> KnowledgeBaseChatEngine:
        """A ``BaseChatEngine``: a :meth:`conversation`, a new one unless it is given.

        Raises:
            UnknownConversation.
        """
        from ..llamaindex import KnowledgeBaseChatEngine

        return KnowledgeBaseChatEngine(cast("RagApp", self), conversation, kb, filters)

    def as_tool(
        self,
        name: str | None = None,
        description: str | None = None,
        kb: str | Sequence[str] | None = None,
        filters: Filters | None = None,
        *,
        return_direct: bool = False,
        language: Language = "en",
    ) -> KnowledgeBaseTool:
        """A ``QueryEngineTool`` for agents and routers.

        Args:
            name, description: by which a model chooses it; made of the knowledge base's name and its documents' titles
                unless given. return_direct: its answer is the agent's. language: of a description that is made.

        Raises:
            UnknownKnowledgeBase.
        """
        from ..llamaindex import KnowledgeBaseTool

        app = cast("RagApp", self)
        return KnowledgeBaseTool(app, name, description, kb, filters, return_direct=return_direct, language=language)

    def as_llm(self) -> KnowledgeBaseLLM:
        """An ``LLM``: the model that answers, for LlamaIndex's evaluators, routers and synthesizers.

        Raises:
            SettingsError, ModelError: the settings do not say enough.
        """
        from ..llamaindex import KnowledgeBaseLLM

        return KnowledgeBaseLLM(cast("RagApp", self))

    def import_llamaindex(
        self,
        folder: str | Path,
        collection: str,
        kb: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Bring in a Chroma collection that LlamaIndex's ``ChromaVectorStore`` made; it stays as it is.

        Its texts become documents by file and page, as their metadata has them, and are embedded anew by the model of
        the knowledge base. A file is replaced as :meth:`ingest` replaces it, also once that reads the file itself.

        Args:
            folder: the one its ``PersistentClient`` was given.
            progress: called with each step; a step that finishes a file carries its report.

        Raises:
            StorageError: there is no such folder or collection, or no text in it. UnknownKnowledgeBase, EmbedderError.
        """
        from ..llamaindex import import_collection

        return import_collection(self._store, self._store.kb(kb), Path(folder), collection, progress)
