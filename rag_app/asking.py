"""A question to passages, over the knowledge bases and documents it is meant for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .chat.grounding import Entailment, Grounder
from .chat.instructions import flagged
from .errors import QuestionError, StorageError, UnknownDocument
from .protocols import Embedder, Reranker
from .reranking.entailment import open_entailment
from .reranking.select import open_reranker
from .retrieval.context import Reading
from .retrieval.filters import condition
from .retrieval.hybrid import Retriever, Scope
from .store import Store
from .types import Filters, KnowledgeBase, Passage, Retrieval

MOST_QUESTION_CHARACTERS = 4000
_SECTION_TOKENS = 512
_NO_BUDGET = 1 << 30


class Asking:
    """Retrieval over an open data folder; safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.retriever = Retriever(store.catalog, store.vectors, store.embedder_of)
        self._rerankers: dict[str, Reranker | None] = {}
        self._judges: dict[str, Entailment | None] = {}

    def knowledge_bases(self, names: str | Sequence[str] | None) -> list[KnowledgeBase]:
        """Those to search: one, several, or the default one.

        Raises:
            UnknownKnowledgeBase.
        """
        if names is None or isinstance(names, str):
            return [self._store.kb(names)]
        return list({kb.id: kb for kb in map(self._store.kb, names)}.values()) or [self._store.kb(None)]

    def scopes(self, bases: Sequence[KnowledgeBase], filters: Filters) -> list[Scope]:
        """What to search.

        Raises:
            UnknownDocument: none of the knowledge bases has a document or folder that is named.
        """
        wanted = [*filters.documents, *filters.folders]
        found: dict[str, list[Path]] = {kb.id: [] for kb in bases}
        for path in wanted:
            missing: list[UnknownDocument] = []
            for kb in bases:
                try:
                    found[kb.id] += self._store.find(kb, Path(path))
                except UnknownDocument as error:
                    missing.append(error)
            if len(missing) == len(bases):
                raise missing[0]
        return [Scope(kb, condition(kb.id, filters, found[kb.id])) for kb in bases]

    def retrieve(
        self, question: str, bases: Sequence[KnowledgeBase], limit: int | None, filters: Filters | None
    ) -> Retrieval:
        """The passages that best fit a question.

        Raises:
            QuestionError, UnknownDocument, EmbedderError, StorageError, ModelError.
        """
        question = checked(question)
        store = self._store
        scopes = self.scopes(bases, filters or Filters())
        budget = _NO_BUDGET if limit else store.settings.passage_tokens
        reading = Reading(limit or store.settings.passages, budget, _SECTION_TOKENS)
        found = self.retriever.retrieve(scopes, question, reading, self._reranker(), store.parts.refiners)
        if not found.standing and filters is None:
            for kb in bases:
                collection = store.catalog.knowledge_bases.index(kb.id).collection
                if kb.chunks and not store.vectors.count(collection):
                    raise StorageError("storage.no_vectors", kb=kb.name)
        return replace(found, passages=flagged(found.passages))

    def grounder(self, embedder: Embedder, passages: Sequence[Passage], *, strict: bool) -> Grounder:
        """What checks an answer from these passages.

        Raises:
            EmbedderError: the model that the setting ``nli_model`` names can't be had.
        """
        wanted = self._store.settings.nli_model
        if wanted not in self._judges:
            self._judges[wanted] = open_entailment(self._store.settings, self._store.notify)
        return Grounder(embedder, passages, self._judges[wanted], strict=strict)

    def _reranker(self) -> Reranker | None:
        if self._store.parts.reranker is not None:
            return self._store.parts.reranker
        wanted = self._store.settings.reranker
        if wanted not in self._rerankers:
            self._rerankers[wanted] = open_reranker(
                self._store.settings, self._store.notify, self._store.models.chat_model
            )
        return self._rerankers[wanted]


def checked(question: str) -> str:
    """The question without blanks around it.

    Raises:
        QuestionError: it is empty or too long.
    """
    question = question.encode("utf-8", "replace").decode().strip()  # half a character from a terminal
    if not question:
        raise QuestionError("question.empty")
    if len(question) > MOST_QUESTION_CHARACTERS:
        raise QuestionError("question.too_long", length=len(question), most=MOST_QUESTION_CHARACTERS)
    return question
