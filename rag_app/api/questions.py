"""Questions: passages, answers, and where a citation stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ingest.messages import Language, Message, message

from .. import locating
from ..asking import checked
from ..chat.answering import AnswerStream, Refusal
from ..chat.comparing import Side
from ..chat.images import picture
from ..chat.planning import LOOKUP
from ..chat.replying import ReplyStream
from ..llm.quoting import NAME as QUOTES
from ..page_images import PageImage, page_image, source_note
from ..retrieval.relevance import is_relevant
from ..suggesting import suggestions
from ..types import Answer, Citation, Filters, Passage, Rectangle, Retrieval, Turn
from .base import Opened


class Questions(Opened):
    """Questions: passages, answers, and where a citation stands."""

    def retrieve(
        self,
        question: str,
        kb: str | Sequence[str] | None = None,
        limit: int | None = None,
        filters: Filters | None = None,
    ) -> Retrieval:
        """The passages that best fit a question.

        Args:
            kb: one knowledge base or several. filters: what of them to search.
            limit: most passages; unless given, the settings ``passages`` and ``passage_tokens`` bound them.

        Raises:
            QuestionError, UnknownKnowledgeBase, UnknownDocument, EmbedderError, StorageError; ModelError from an LLM
            that reranks.
        """
        with self._store.precedence.asking():
            return self._asking.retrieve(question, self._asking.knowledge_bases(kb), limit, filters)

    def stream(
        self,
        question: str,
        kb: str | Sequence[str] | None = None,
        history: Sequence[Turn] = (),
        filters: Filters | None = None,
        images: Sequence[str | Path | bytes] = (),
    ) -> AnswerStream:
        """The answer as it is written: iterate for its pieces, then read ``.answer``.

        Args:
            images: PNG, JPEG or WebP, as files or their contents, for a model that sees; made smaller where large.

        Raises:
            What :meth:`retrieve` raises; QuestionError: an image can't be read. ModelError while iterating, or here
            if a model was asked for by name, or an image was given, and it can't be had.
        """
        with self._store.precedence.asking():
            stream = self._stream(checked(question), kb, history, filters, images)
        if stream.verbatim:  # no model writes, so the rest takes but a moment too
            stream.inside(self._store.precedence.asking)
        return stream

    def _stream(
        self,
        question: str,
        kb: str | Sequence[str] | None,
        history: Sequence[Turn],
        filters: Filters | None,
        images: Sequence[str | Path | bytes],
    ) -> AnswerStream:
        pictures = [picture(image) for image in images]
        bases = self._asking.knowledge_bases(kb)
        if not pictures and not any(base.chunks for base in bases):
            empty = Retrieval(question, (), 0.0, 0.0)
            return AnswerStream(empty, Refusal(message("answer.empty_kb", kb=bases[0].name)), history)
        wanted = LOOKUP if pictures else self._overviews.plan(question, bases, filters)
        embedder = self._store.embedder_of(self._store.catalog.knowledge_bases.index(bases[0].id))
        if wanted.documents:
            return self._overviews.stream(wanted, question, bases, history, self._store.models.answerer(embedder))
        sides: tuple[Side, ...] = ()
        if wanted.kind == "compare":
            retrieval, sides = self._overviews.compared(wanted, question, bases, filters)
        else:
            retrieval = self._asking.retrieve(question, bases, None, filters)
        strict = self.settings.mode == "strict"
        beside = not pictures and not sides and not is_relevant(retrieval)  # else the answer may be in the image
        if beside and strict:
            return AnswerStream(retrieval, Refusal(message("answer.not_found")), history)
        answerer = self._store.models.answerer(embedder, pictures)
        if beside and answerer.writer.name == QUOTES:  # quotes can't go beyond the documents
            return AnswerStream(retrieval, Refusal(message("answer.not_found")), history)
        grounder = self._asking.grounder(embedder, retrieval.passages, strict=strict and not pictures)
        return AnswerStream(retrieval, self._overviews.comparing(answerer, sides), history, grounder)

    def ask(
        self,
        question: str,
        kb: str | Sequence[str] | None = None,
        history: Sequence[Turn] = (),
        filters: Filters | None = None,
        images: Sequence[str | Path | bytes] = (),
    ) -> Answer:
        """The answer, finished.

        Raises:
            What :meth:`stream` raises.
        """
        return self.stream(question, kb, history, filters, images).answer

    def reply(
        self,
        question: str,
        history: Sequence[Turn] = (),
        kb: str | Sequence[str] | None = None,
        filters: Filters | None = None,
        images: Sequence[str | Path | bytes] = (),
    ) -> ReplyStream:
        """The answer to a question of a conversation that the caller keeps: a follow-up is made to stand alone first.

        Nothing is searched for, and no model asked, before the first piece is iterated for.

        Raises:
            QuestionError, UnknownKnowledgeBase. While iterating, what :meth:`stream` raises.
        """
        bases = [base.name for base in self._asking.knowledge_bases(kb)]
        return ReplyStream(self._store, self.stream, checked(question), history, bases, filters, images)

    def suggested_questions(self, kb: str | None = None, count: int = 4, language: Language = "en") -> list[str]:
        """Questions that the documents' headings promise an answer to, those in ``language`` first.

        Raises:
            UnknownKnowledgeBase.
        """
        return suggestions(self._store.catalog.passages, self._store.kb(kb).id, count, language)

    def locate(self, citation: Citation, password: str | None = None) -> tuple[Rectangle, ...]:
        """Where a citation's quote stands on its PDF page, one rectangle a line; none for what has no fixed pages.

        Args:
            password: of an encrypted PDF.

        Raises:
            UnknownDocument: it is no longer stored. NotLocated: the file is gone, or has changed.
        """
        return locating.locate(self._store, citation, password)

    def page_image(self, citation: Citation, page: int | None = None, width: int = 1000) -> PageImage:
        """The page of a PDF that a citation is of, the quote marked; or another page of the same file.

        Args:
            page: 1-based. width: of the picture, in pixels.

        Raises:
            SourceError: the file is gone, has changed, is no PDF, or can't be drawn.
        """
        return page_image(self._store, citation, page, width)

    def source_note(self, citation: Citation) -> Message | None:
        """Why a citation's file is no longer what was read: it is gone, or has changed; None where it still is."""
        return source_note(self._store, citation)

    def document_ids(self, passages: Sequence[Passage]) -> dict[int, int]:
        """``chunk_id`` → document, for :meth:`read_pages`; without those that are no longer stored."""
        return self._store.catalog.conversations.documents_of([passage.chunk_id for passage in passages])
