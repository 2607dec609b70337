"""Models, settings and the machine."""

from __future__ import annotations

from pathlib import Path

from ingest.messages import Message

from .. import settings_view
from ..embedding.vectors import embeddings
from ..llm.hardware import look
from ..llm.library import ChosenModel, Library, ModelEntry
from ..llm.pulling import Pull
from ..llm.recommend import Recommendation, recommend
from ..protocols import EmbedderInfo
from ..settings_view import SettingView
from ..types import Check, Embeddings
from .base import Opened


class Models(Opened):
    """Models, settings and the machine."""

    def sees_images(self) -> bool:
        """Whether there is a model that an image in a question can go to."""
        return self._store.models.sees_images()

    def preload(self) -> None:
        """Bring the answering model into memory, in the background, so that the first answer need not wait for it.

        What goes wrong shows at the question.
        """
        self._store.models.preload()

    def models(self) -> list[ModelEntry]:
        """The models that Ollama has, by name.

        Raises:
            OllamaUnreachable, ModelError.
        """
        return self._library.models()

    def before_pull(self, name: str) -> tuple[Message, ...]:
        """What to know before fetching a model of the LLaMA 3 family: too large for the memory, or for the disk."""
        return self._library.before_pull(name)

    def pull_model(self, name: str) -> Pull:
        """Fetch a model from Ollama's library: iterate for its steps; ``cancel`` stops it, a later pull goes on.

        Raises:
            ModelNotInstalled: there is no such model. OllamaUnreachable, ModelError. All while iterating.
        """
        return self._library.pull(name)

    def use_model(self, name: str) -> ChosenModel:
        """Answer with an installed model from the next question on; it is stored in the ``rag.toml`` in force.

        Raises:
            ModelNotInstalled; NotSupported: it is an embedding model. SettingsError: the file can't be written.
            OllamaUnreachable, ModelError.
        """
        chosen = self._library.use(name)
        self.settings = self.settings.model_copy(update={"model": chosen.name})
        self._store.models.use(chosen.name)
        return chosen

    def remove_model(self, name: str) -> ModelEntry:
        """Delete a model from Ollama's disk; returns what it was.

        Raises:
            ModelNotInstalled, OllamaUnreachable, ModelError.
        """
        return self._library.remove(name)

    def recommend(self, *, vision: bool = False) -> Recommendation:
        """Which LLaMA 3 suits this machine, and why.

        Args:
            vision: one that takes images.
        """
        return recommend(look(), vision=vision)

    @property
    def _library(self) -> Library:
        return Library(self._store.models.server, self.settings)

    def setting_views(self) -> dict[str, SettingView]:
        """Every setting by name: its value, where that comes from, and what else it could be.

        Raises:
            SettingsError: what is set now, for the next start, is wrong.
        """
        return settings_view.view(self.settings)

    def change_setting(self, name: str, value: str | int | bool) -> Path:
        """Store a setting in the ``rag.toml`` in force; it holds from the next :meth:`open` on. Returns the file.

        Raises:
            SettingsError: it can't have that value, or the file can't be written.
        """
        return settings_view.change(name, value)

    def doctor(self) -> list[Check]:
        """What is right and wrong with this machine, and what mends it."""
        from ..doctor import examine

        return examine(self.settings)

    def prepare(self) -> None:
        """Make the embedding model ready now rather than at the first question.

        Raises:
            EmbedderError.
        """
        self._store.embedder()

    def embed(self, *texts: str, query: bool = False, kb: str | None = None) -> Embeddings:
        """Vectors of texts, by the model of a knowledge base.

        Args:
            query: the texts are questions; such models embed those in another way than passages.

        Raises:
            UnknownKnowledgeBase, EmbedderError.
        """
        state = self._store.catalog.knowledge_bases.index(self._store.kb(kb).id)
        return embeddings(self._store.embedder_of(state), texts, query=query)

    def embedder_info(self, kb: str | None = None) -> EmbedderInfo:
        """Which model that is.

        Raises:
            UnknownKnowledgeBase, EmbedderError.
        """
        state = self._store.catalog.knowledge_bases.index(self._store.kb(kb).id)
        return self._store.embedder_of(state).info
