"""RagApp: open → ingest, retrieve, ask."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from ingest.messages import Message

from .api.conversations import Conversations
from .api.documents import Documents
from .api.evaluating import Evaluating
from .api.filling import Filling
from .api.knowledge_bases import KnowledgeBases
from .api.llamaindex import LlamaIndex
from .api.models import Models
from .parts import Parts
from .settings import Settings


class RagApp(KnowledgeBases, Documents, Filling, Conversations, Models, Evaluating, LlamaIndex):
    """Documents in, cited answers out. Use :meth:`open`; safe to share between threads.

    ::

        with RagApp.open() as app:
            app.ingest("papers/")
            print(app.ask("How much memory does the 8B model need?").text)

    Any number may be open in one process, of the same data folder too. In asyncio: :class:`rag_app.AsyncRagApp`.
    """

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        parts: Parts | None = None,
        notify: Callable[[Message], None] | None = None,
        **arguments: Any,
    ) -> Self:
        """Open the data folder, made if it is not there; what a killed writer left is cleaned up.

        Args:
            settings: ready ones; otherwise they are loaded, ``arguments`` winning over all other sources.
            parts: an embedding model, an answering model and others that the program brings along.
            notify: told before something that takes a while, such as preparing the embedding model.

        Raises:
            SettingsError: a setting is wrong, or its folder can't be used.
            StorageError: the catalog can't be opened.
        """
        return cls(settings or Settings.load(**arguments), notify or (lambda _: None), parts)

    def close(self) -> None:
        """Close the files, and stop what models are doing."""
        self._asking.retriever.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RagApp(data_dir={str(self.settings.data_dir)!r}, kb={self.settings.kb!r})"
