"""The values that pass between the stages of a question. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from ingest.messages import Language, Message, message, text
from ingest.types import PageKind
from ingest.values import Value

Role = Literal["user", "assistant"]
Support = Literal["supported", "partly", "unsupported", "none"]


@dataclass(frozen=True, slots=True, repr=False)
class KnowledgeBase(Value):
    """A named collection of documents.

    Attributes:
        id: stable identifier; names may change.
        documents, chunks: counts.
        embedder: name of the embedding model the index was made with; empty before the first document.
    """

    id: str
    name: str
    documents: int
    chunks: int
    embedder: str
    created: datetime


@dataclass(frozen=True, slots=True, repr=False)
class StoredDocument(Value):
    """A document in a knowledge base.

    Attributes:
        paths: the files that have this content, by path; at least one.
        size: bytes. pages: pages with text. tags: given with :meth:`rag_app.RagApp.tag`, by name.
    """

    id: int
    paths: tuple[Path, ...]
    title: str
    format: str
    size: int
    pages: int
    chunks: int
    ingested: datetime
    tags: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The first of the files."""
        return self.paths[0]


@dataclass(frozen=True, slots=True, repr=False)
class Proof(Value):
    """What the search for deleted text found.

    Attributes:
        searched: bytes of all files of the data folder. looked_for: pieces of the deleted text, 24 bytes each.
        found: files that hold one.
    """

    searched: int
    looked_for: int
    found: tuple[Path, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Filters(Value):
    """What to search in: values of one kind are alternatives, each kind narrows further; empty means all.

    Attributes:
        documents: file names or paths. folders: with all that is below them.
        types: formats or suffixes: "pdf", ".docx", "markdown".
        tags: as given with :meth:`rag_app.RagApp.tag`; letter case does not matter.
        since, until: first and last day on which the file was changed, local time.
    """

    documents: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Value):
    """How a passage came to its place; of the best of its chunks, where it has several.

    Attributes:
        dense_rank, lexical_rank: 1-based place in that list, None if it is not there.
        similarity: cosine to the question's vector. bm25: of the lexical index.
        dense, lexical: the evidence of each, in deviations, see :mod:`rag_app.retrieval.fusion`; fused: their sum.
        matched: terms of the question that the chunk contains, as the index has them.
        steps: what each later step did with it, in order.
    """

    dense_rank: int | None
    similarity: float | None
    dense: float
    lexical_rank: int | None
    bm25: float | None
    lexical: float
    fused: float
    matched: tuple[str, ...] = ()
    steps: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Passage(Value):
    """A piece of a page that was retrieved.

    Attributes:
        chunk_id: the chunk it came from.
        document: file name. path: absolute path when it was ingested.
        page: 1-based physical page, slide or sheet. page_label: the printed label where it differs, or a sheet's name.
        pages: pages of the document.
        headings: the heading path, outermost first.
        start, end: the passage is the page's text[start:end], counted in characters.
        kind, lines, columns, ocr: as :class:`ingest.types.Page` has them, ``lines`` for this part of the page.
        described: the text is a model's description of the page's pictures, not the document's own.
        score: relevance after fusion, 0–1, comparable within one question only.
        similarity: cosine of question and passage, None if only the lexical index found it.
        kb: name of the knowledge base. trace: how it came to its place.
        suspicious: it reads like instructions to a model; it is quoted all the same, never followed.
    """

    chunk_id: int
    document: str
    path: Path
    title: str
    page: int
    page_label: str | None
    pages: int
    headings: tuple[str, ...]
    start: int
    end: int
    text: str
    kind: PageKind = "page"
    lines: tuple[tuple[int, int], ...] = ()
    columns: int = 0
    ocr: bool = False
    score: float = 0.0
    similarity: float | None = None
    kb: str = ""
    trace: Trace | None = None
    described: bool = False
    suspicious: bool = False

    def _also(self, language: Language) -> dict[str, Any]:
        return {"where": self.where(language)}

    def where(self, language: Language = "en") -> str:
        """The place as a person reads it, see :meth:`Citation.where`."""
        lines = (self.lines[0][1], self.lines[-1][1]) if self.lines else None
        place = Citation(
            0,
            self.document,
            self.path,
            self.page,
            self.page_label,
            self.pages,
            self.headings,
            "",
            self.start,
            self.end,
            self.kind,
            lines,
            self.columns,
            self.ocr,
            self.described,
        )
        return place.where(language)


@dataclass(frozen=True, slots=True, repr=False)
class Retrieval(Value):
    """What a question found.

    Attributes:
        passages: best first.
        coverage: share (0–1) of the question's terms, weighted by idf, that the best lexical hits contain.
        best_similarity: highest cosine among all passages considered; 0 without any.
        standing: of the same passage, in deviations above what any chunk has.
        missing: idf, in nats, of the terms that are not covered. searched: chunks that could have been found.
        notes: what was done with the question: phrases looked for word for word, or found nowhere.
    """

    question: str
    passages: tuple[Passage, ...]
    coverage: float
    best_similarity: float
    standing: float = 0.0
    notes: tuple[Message, ...] = ()
    missing: float = 0.0
    searched: int = 0

    def _repr_html_(self) -> str:
        from .notebooks import retrieval_html

        return retrieval_html(self)


@dataclass(frozen=True, slots=True, repr=False)
class Citation(Value):
    """Where a claim comes from.

    Attributes:
        number: n of the marker [n] in the answer's text.
        document: file name. path: absolute path when it was ingested.
        page: 1-based physical page, slide or sheet; 1 for formats without pages.
        quote: verbatim text of that page. start, end: its span in the page's text.
        lines: first and last line of the file, or row of the sheet, where they are known.
        ocr: True when the page's text was recognized from a picture: the quote may have misread characters.
        described: True when the quote is a model's description of the page's pictures, and no text of the document.
        suspicious: the passage reads like instructions to a model, see :mod:`rag_app.chat.instructions`.
    """

    number: int
    document: str
    path: Path
    page: int
    page_label: str | None
    pages: int
    headings: tuple[str, ...]
    quote: str
    start: int
    end: int
    kind: PageKind = "page"
    lines: tuple[int, int] | None = None
    columns: int = 0
    ocr: bool = False
    described: bool = False
    suspicious: bool = False

    def _repr_html_(self) -> str:
        from .notebooks import citation_html

        return citation_html(self)

    def _also(self, language: Language) -> dict[str, Any]:
        return {"where": self.where(language)}

    def where(self, language: Language = "en") -> str:
        """The place as a person reads it: "p. 7", "slide 3", "Budget, A2:D9", "lines 17–30", or the section."""
        place = self._place().text(language)
        if self.described:
            return text("cite.described", language, place=place)
        return text("cite.ocr", language, place=place) if self.ocr else place

    def _place(self) -> Message:
        first, last = self.lines or (0, 0)
        if self.kind == "sheet" and self.lines:
            cells = f"A{first}:{_column(self.columns)}{last}"
            return message("cite.cells", sheet=self.page_label or self.page, cells=cells)
        if self.kind == "slide":
            return message("cite.slide", number=self.page)
        if self.lines:
            return message("cite.line" if first == last else "cite.lines", first=first, last=last)
        if self.pages == 1 and self.headings:
            return message("cite.section", path=" › ".join(self.headings))
        if self.page_label is not None:
            return message("cite.page_labelled", page=self.page, label=self.page_label)
        return message("cite.page", page=self.page)


def _column(number: int) -> str:
    """A spreadsheet's name of its n-th column: 1 → A, 27 → AA."""
    name = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name or "A"


@dataclass(frozen=True, slots=True, repr=False)
class AnswerSentence(Value):
    """A sentence of an answer, checked against the passages.

    Attributes:
        start, end: it is the answer's text[start:end], its markers included.
        support: "supported", "partly", "unsupported", or "none" where nothing is claimed: a heading, a question, code,
            "the documents do not say".
        score: how likely (0–1) the passages say this, values aside; see docs/grounding.md.
        cited: numbers of its citations, those that were added included.
        missing: numbers, dates and names that the passages do not have, as the sentence writes them.
    """

    start: int
    end: int
    support: Support
    score: float = 0.0
    cited: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()

    def mark(self, language: Language = "en") -> str:
        """What a reader is told beside it: that the documents do not have it, or what of it; "" where they do."""
        if self.support == "unsupported":
            return text("mark.unsupported", language)
        if self.support != "partly":
            return ""
        if self.missing:
            return text("mark.missing", language, values=", ".join(self.missing))
        return text("mark.partly", language)


@dataclass(frozen=True, slots=True, repr=False)
class Rectangle(Value):
    """A part of a page, as fractions (0–1) of the page as it is shown, y from the top.

    Attributes:
        page: 1-based physical page.
    """

    page: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Value):
    """An answer, finished.

    Attributes:
        text: with markers [n], each of which is a citation.
        model: "quotes" or the name of the language model.
        refused: True when the documents do not say; ``text`` then says so.
        citations: in order of their numbers, which count up from 1 in the order of the text.
        passages: what was retrieved; citation n is of ``passages[n - 1]``, those not cited come after.
        notice: something worth knowing about how it was answered, e.g. how to get LLaMA 3.
        prompt_tokens, answer_tokens: of what the model read and wrote, as it counted them; context_tokens: how many
            both may have together. None in quotes mode.
        thinking: what a thinking model said to itself; no part of the answer.
        complete: False when the answer was stopped or broke off.
        sentences: each sentence that a model wrote, checked, in order; none of quotes, which are the documents' own.
        dropped_markers: numbers that the model cited and that name no passage.
    """

    question: str
    text: str
    model: str
    language: Language
    refused: bool
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    notice: Message | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    context_tokens: int | None = None
    thinking: str = ""
    complete: bool = True
    sentences: tuple[AnswerSentence, ...] = ()
    dropped_markers: int = 0

    def _repr_html_(self) -> str:
        from .notebooks import answer_html

        return answer_html(self)


@dataclass(frozen=True, slots=True, repr=False)
class Turn(Value):
    """One message of a conversation.

    Attributes:
        titles: of the documents that an answer cites, in order; what a follow-up question may mean.
    """

    role: Role
    text: str
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Check(Value):
    """One finding of the doctor.

    Attributes:
        status: "ok", "warn" (works, could be better) or "fail".
        finding: what is so. remedy: the one command or setting that mends it, None if nothing needs mending.
    """

    name: str
    status: Literal["ok", "warn", "fail"]
    finding: Message
    remedy: Message | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Embeddings(Value):
    """Texts as vectors.

    Attributes:
        model: its name. dimension: of each vector.
        vectors: unit vectors, in the order of the texts. tokens: of all texts, special tokens aside.
    """

    model: str
    dimension: int
    vectors: tuple[tuple[float, ...], ...]
    tokens: int
