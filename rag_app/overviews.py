"""Questions over several documents or whole ones: comparisons, summaries, what a knowledge base holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ingest.messages import Language, text

from .asking import Asking
from .chat.answering import AnswerStream
from .chat.comparing import QuotedComparison, Side
from .chat.planning import LOOKUP, Plan, may_need_documents, plan
from .chat.summarizing import ModelSummary, QuotedSummary, Section
from .llm.quoting import NAME as QUOTES
from .llm.select import Answerer
from .protocols import AnswerWriter
from .retrieval.language import language_of
from .retrieval.relevance import is_relevant
from .retrieval.tokens import query_terms, tokens
from .retrieval.whole import opening, whole
from .store import Store
from .types import Filters, KnowledgeBase, Passage, Retrieval, StoredDocument, Turn

_SECTION_TOKENS = 512
_OPENING_TOKENS = 1200  # of each document, where many are looked through
_MOST_DOCUMENTS = 30  # that an overview speaks of one by one


class Overviews:
    """Plans questions, and answers those that passages alone do not answer."""

    def __init__(self, store: Store, asking: Asking) -> None:
        self._store = store
        self._asking = asking

    def plan(self, question: str, bases: Sequence[KnowledgeBase], filters: Filters | None) -> Plan:
        """What a question wants.

        Raises:
            UnknownDocument.
        """
        documents = self._documents(bases, filters) if may_need_documents(question) else []
        found = plan(question, documents)
        return found if found.documents or found.kind == "compare" else LOOKUP

    def compared(
        self, wanted: Plan, question: str, bases: Sequence[KnowledgeBase], filters: Filters | None
    ) -> tuple[Retrieval, tuple[Side, ...]]:
        """What was found of each side, the best of each in turns.

        Raises:
            What :meth:`Asking.retrieve` raises.
        """
        found = [self._asking.retrieve(one, bases, None, filters) for one in wanted.questions]
        own = [_of_side(name, one) for name, one in zip(wanted.labels, found, strict=True)]
        merged: list[Passage] = []
        places: list[list[int]] = [[] for _ in own]
        for rank in range(max(1, self._store.settings.passages // len(own))):
            for numbers, passages in zip(places, own, strict=True):
                if rank < len(passages):
                    numbers.append(_place(passages[rank], merged))
        whole_one = self._asking.retrieve(question, bases, None, filters)
        if not merged:
            return whole_one, ()
        sides = tuple(map(Side, wanted.labels, wanted.questions, map(tuple, places)))
        return replace(whole_one, passages=tuple(merged)), sides

    def comparing(self, answerer: Answerer, sides: Sequence[Side]) -> Answerer:
        """Who writes a comparison: quotes stand under what they are of; a model finds its own way."""
        if not sides or answerer.writer.name != QUOTES:
            return answerer
        return replace(answerer, writer=QuotedComparison(answerer.writer, sides))

    def stream(
        self, wanted: Plan, question: str, bases: Sequence[KnowledgeBase], history: Sequence[Turn], answerer: Answerer
    ) -> AnswerStream:
        """A summary of the documents of a plan."""
        language = language_of(question)
        many = wanted.kind == "overview" or len(wanted.documents) > 1
        shown = wanted.documents[:_MOST_DOCUMENTS] if many else wanted.documents
        passages: list[Passage] = []
        sections: list[Section] = []
        for document in shown:
            own = whole(self._store.catalog, self._base_of(document, bases), document, _SECTION_TOKENS)
            own = opening(own, _OPENING_TOKENS) if wanted.kind == "overview" else own
            heading = _heading(document, language) if many else ""
            sections.append(Section(document.title, len(passages), len(passages) + len(own), heading))
            passages += own
        lead = _lead(wanted.documents, language) if wanted.kind == "overview" else ""
        retrieval = Retrieval(question, tuple(passages), coverage=1.0, best_similarity=1.0)
        return AnswerStream(retrieval, replace(answerer, writer=self._writer(answerer, sections, lead)), history)

    def _writer(self, answerer: Answerer, sections: Sequence[Section], lead: str) -> AnswerWriter:
        if answerer.writer.name == QUOTES:
            return QuotedSummary(sections, lead)
        models, settings = self._store.models, self._store.settings
        return ModelSummary(models.chat_model(), models.prompt("summary"), sections, settings.answer_tokens, lead)

    def _documents(self, bases: Sequence[KnowledgeBase], filters: Filters | None) -> list[StoredDocument]:
        documents = self._store.catalog.documents
        if filters is None:
            return [document for kb in bases for document in documents.all(kb.id)]
        chunks = self._store.catalog.passages
        found: list[StoredDocument] = []
        for scope in self._asking.scopes(bases, filters):
            ids = None
            if scope.condition is not None:
                ids = chunks.documents_with(chunks.selected(scope.condition.sql, scope.condition.values))
            found += [one for one in documents.all(scope.kb.id) if ids is None or one.id in ids]
        return found

    def _base_of(self, document: StoredDocument, bases: Sequence[KnowledgeBase]) -> KnowledgeBase:
        held = self._store.catalog.passages.base_of(document.id)
        return next(kb for kb in bases if kb.id == held)


def _of_side(name: str, found: Retrieval) -> tuple[Passage, ...]:
    """The passages found for a side, where they are of it: fit the question, or have its name."""
    if is_relevant(found):
        return found.passages
    terms = query_terms(name)
    telling = {term for term in terms if term.isascii()} or set(terms)  # of "70B 模型" the number tells
    return tuple(one for one in found.passages if 2 * len(telling & set(tokens(one.text))) > len(telling))


def _place(passage: Passage, merged: list[Passage]) -> int:
    """The number of a passage among those merged so far, put there if it is new."""
    for number, other in enumerate(merged, 1):
        if (other.path, other.page, other.start) == (passage.path, passage.page, passage.start):
            return number
    merged.append(passage)
    return len(merged)


def _heading(document: StoredDocument, language: Language) -> str:
    return text("answer.document", language, title=document.title, name=document.path.name, pages=document.pages)


def _lead(documents: Sequence[StoredDocument], language: Language) -> str:
    formats = Counter(document.format for document in documents)
    listed = ", ".join(f"{count} × {name}" for name, count in formats.most_common())
    lead = text("answer.overview", language, count=len(documents), formats=listed)
    if len(documents) > _MOST_DOCUMENTS:
        lead += " " + text("answer.overview_some", language, shown=_MOST_DOCUMENTS)
    return lead
