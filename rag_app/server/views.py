"""What the engine found, as the server's answers have it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ingest.messages import Language
from ingest.types import FileReport

from ..app import RagApp
from ..listing_types import ListedFile, ReadPage
from ..types import Answer, KnowledgeBase, Passage, Retrieval


class CitationView(BaseModel):
    """Where a claim comes from."""

    number: int = Field(description="n of the marker [n] in the text.")
    knowledge_base: str
    document: str = Field(description="File name.")
    document_id: int | None = Field(description="For the pages of the document; null once it is deleted.")
    title: str
    page: int = Field(description="1-based page, slide or sheet.")
    page_label: str | None = Field(description="The printed number where it differs, or a sheet's name.")
    label: str = Field(description="The place as a person reads it: p. 7, slide 3, lines 17–30.")
    headings: list[str]
    lines: list[int] | None = Field(description="First and last line of the file, or row of the sheet.")
    quote: str = Field(description="Verbatim text of the page.")
    ocr: bool = Field(description="The text was recognized from a picture.")
    described: bool = Field(description="The text is a model's description of a picture.")
    suspicious: bool = Field(description="The passage reads like instructions to a model.")


class SentenceView(BaseModel):
    """A sentence of a model, checked against the passages."""

    text: str
    support: str = Field(description="supported, partly, unsupported, or none where nothing is claimed.")
    cited: list[int]
    missing: list[str] = Field(description="Numbers, dates and names that the passages do not have.")


class PassageView(BaseModel):
    """A piece of a page that was found."""

    knowledge_base: str
    document: str
    document_id: int | None
    title: str
    page: int
    page_label: str | None
    label: str
    headings: list[str]
    text: str
    score: float = Field(description="0–1, comparable within one question only.")
    similarity: float | None
    ocr: bool
    described: bool
    suspicious: bool


class AnswerView(BaseModel):
    """An answer, finished."""

    question: str = Field(description="As it was searched for: made to stand alone where it was not.")
    text: str = Field(description="With markers [n], each of which is a citation.")
    model: str = Field(description="quotes, or the language model's name.")
    language: str
    refused: bool = Field(description="The documents do not say; the text then says so.")
    complete: bool = Field(description="False when the answer was cut off.")
    notice: str | None
    citations: list[CitationView]
    sentences: list[SentenceView]
    prompt_tokens: int | None
    answer_tokens: int | None
    context_tokens: int | None


class RetrievalView(BaseModel):
    """What a question found, best first."""

    question: str
    passages: list[PassageView]
    notes: list[str]


class KnowledgeBaseView(BaseModel):
    """A named collection of documents."""

    name: str
    model: str = Field(description="What it is called in /v1/chat/completions.")
    documents: int
    chunks: int
    embedder: str
    created: datetime


class ReportView(BaseModel):
    """What became of a file."""

    status: str = Field(description="read, unchanged, partial …")
    document: str
    document_id: int | None
    pages: int
    chunks: int
    warnings: list[str]


class DocumentView(BaseModel):
    """A file that a knowledge base has seen."""

    id: int | None = Field(description="Null while nothing of the file could be read.")
    document: str = Field(description="File name.")
    title: str
    format: str
    state: str = Field(description="read, partial or refused.")
    reason: str | None = Field(description="Why it was refused.")
    size: int = Field(description="Bytes.")
    pages: int
    chunks: int
    ingested: datetime | None
    tags: list[str]
    warnings: list[str]


class DocumentList(BaseModel):
    """Some of the files that match."""

    total: int = Field(description="How many match.")
    documents: list[DocumentView]


class PageView(BaseModel):
    """A page as it was read."""

    number: int
    label: str | None
    text: str
    ocr: bool
    described: bool


class PageList(BaseModel):
    """Some pages of a document."""

    total: int
    pages: list[PageView]


def citation_views(rag: RagApp, answer: Answer) -> list[CitationView]:
    """The citations of an answer."""
    ids = rag.document_ids(answer.passages)
    return [
        CitationView(
            number=one.number,
            knowledge_base=passage.kb,
            document=one.document,
            document_id=ids.get(passage.chunk_id),
            title=passage.title,
            page=one.page,
            page_label=one.page_label,
            label=one.where(answer.language),
            headings=list(one.headings),
            lines=list(one.lines) if one.lines else None,
            quote=one.quote,
            ocr=one.ocr,
            described=one.described,
            suspicious=one.suspicious,
        )
        for one in answer.citations
        for passage in [answer.passages[one.number - 1]]
    ]


def sentence_views(answer: Answer) -> list[SentenceView]:
    """The sentences of an answer."""
    return [
        SentenceView(
            text=answer.text[one.start : one.end],
            support=one.support,
            cited=list(one.cited),
            missing=list(one.missing),
        )
        for one in answer.sentences
    ]


def answer_view(rag: RagApp, answer: Answer, language: Language) -> AnswerView:
    """An answer, told to who reads ``language``."""
    return AnswerView(
        question=answer.question,
        text=answer.text,
        model=answer.model,
        language=answer.language,
        refused=answer.refused,
        complete=answer.complete,
        notice=answer.notice.text(language) if answer.notice else None,
        citations=citation_views(rag, answer),
        sentences=sentence_views(answer),
        prompt_tokens=answer.prompt_tokens,
        answer_tokens=answer.answer_tokens,
        context_tokens=answer.context_tokens,
    )


def retrieval_view(rag: RagApp, found: Retrieval, language: Language) -> RetrievalView:
    """What was found, told to who reads ``language``."""
    ids = rag.document_ids(found.passages)
    return RetrievalView(
        question=found.question,
        passages=[_passage(one, ids.get(one.chunk_id), language) for one in found.passages],
        notes=[one.text(language) for one in found.notes],
    )


def knowledge_base_view(kb: KnowledgeBase, model: str) -> KnowledgeBaseView:
    """A knowledge base."""
    return KnowledgeBaseView(
        name=kb.name, model=model, documents=kb.documents, chunks=kb.chunks, embedder=kb.embedder, created=kb.created
    )


def report_view(report: FileReport, document: int | None, language: Language) -> ReportView:
    """What became of a file, told to who reads ``language``."""
    return ReportView(
        status=report.status,
        document=report.path.name,
        document_id=document,
        pages=report.pages,
        chunks=report.chunks,
        warnings=[one.text(language) for one in report.warnings],
    )


def document_view(file: ListedFile, language: Language) -> DocumentView:
    """A file, told to who reads ``language``; where it lies on this computer is left out."""
    return DocumentView(
        id=file.document,
        document=file.path.name,
        title=file.title,
        format=file.format,
        state=file.state,
        reason=file.reason.text(language) if file.reason else None,
        size=file.size,
        pages=file.pages,
        chunks=file.chunks,
        ingested=file.ingested,
        tags=list(file.tags),
        warnings=[one.text(language) for one in file.warnings],
    )


def page_view(page: ReadPage) -> PageView:
    """A page."""
    return PageView(number=page.number, label=page.label, text=page.text, ocr=page.ocr, described=page.described)


def _passage(one: Passage, document: int | None, language: Language) -> PassageView:
    return PassageView(
        knowledge_base=one.kb,
        document=one.document,
        document_id=document,
        title=one.title,
        page=one.page,
        page_label=one.page_label,
        label=one.where(language),
        headings=list(one.headings),
        text=one.text,
        score=one.score,
        similarity=one.similarity,
        ocr=one.ocr,
        described=one.described,
        suspicious=one.suspicious,
    )
