"""A knowledge base as LlamaIndex's retriever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from ..types import Filters
from .nodes import nodes_of

if TYPE_CHECKING:
    from ..app import RagApp


class KnowledgeBaseRetriever(BaseRetriever):
    """Hybrid retrieval as a :class:`BaseRetriever`; see :meth:`rag_app.RagApp.as_retriever`."""

    def __init__(
        self,
        app: RagApp,
        kb: str | Sequence[str] | None = None,
        limit: int | None = None,
        filters: Filters | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager=callback_manager or Settings.callback_manager)
        self._app = app
        self._kb = kb
        self._limit = limit
        self._filters = filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._app.retrieve(query_bundle.query_str, self._kb, self._limit, self._filters)
        return nodes_of(found.passages)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)
