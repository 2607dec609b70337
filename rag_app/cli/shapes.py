"""What each command prints with ``--json``; ``docs/reference/output.schema.json`` is generated from this.

Keys are only ever added. Paths, times (ISO 8601) and messages are strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ingest.messages import Language, Message

from ..conversation_types import ConversationInfo
from ..evaluation.compare import Change
from ..listing_types import FileCounts, ListedFile, ReadPage
from ..llm.library import ChosenModel, ModelEntry
from ..llm.recommend import Recommendation
from ..settings import Role
from ..types import AnswerSentence, Check, KnowledgeBase, Rectangle, StoredDocument, Trace


class FailureJson(TypedDict):
    """Any command that fails: ``kind`` is the error's class, see rag_app.errors."""

    error: str
    kind: str


class PromptJson(TypedDict):
    """A message that the model was sent."""

    role: str
    text: str


class PageJson(TypedDict):
    """With --pages: the page drawn. ``rectangles``: the quote on it, as fractions. ``note``: why there is none."""

    file: Path | None
    rectangles: tuple[Rectangle, ...]
    note: Message | str


class CitationJson(TypedDict):
    """A citation; see rag_app.Citation."""

    number: int
    document: str
    path: Path
    page: int
    page_label: str | None
    headings: tuple[str, ...]
    lines: tuple[int, int] | None
    ocr: bool
    described: bool
    suspicious: bool
    where: str
    quote: str
    start: int
    end: int
    image: NotRequired[PageJson]


class AnswerJson(TypedDict):
    """An answer; see rag_app.Answer."""

    prompt: NotRequired[list[PromptJson]]
    question: str
    text: str
    model: str
    language: Language
    refused: bool
    complete: bool
    citations: list[CitationJson]
    sentences: tuple[AnswerSentence, ...]
    dropped_markers: int
    notice: Message | str
    thinking: str
    prompt_tokens: int | None
    answer_tokens: int | None
    context_tokens: int | None


class BatchAnswerJson(AnswerJson):
    """A line of ``ask --batch``: an answer with the id of its question."""

    id: str


class BatchFailureJson(FailureJson):
    """A line of ``ask --batch`` for a question that has no answer."""

    id: str
    question: str


class BatchJson(TypedDict):
    """``ask --batch -o FILE --json``: how many questions were answered, passed over and failed."""

    file: Path
    answered: int
    skipped: int
    failed: int


class PassageJson(TypedDict):
    """A passage; see rag_app.Passage. ``trace``: with --explain."""

    document: str
    path: Path
    kb: str
    page: int
    page_label: str | None
    headings: tuple[str, ...]
    described: bool
    start: int
    end: int
    score: float
    text: str
    trace: NotRequired[Trace | None]


class RetrievalJson(TypedDict):
    """``coverage``, ``standing``: see rag_app.Retrieval."""

    question: str
    coverage: float
    standing: float
    notes: tuple[Message, ...]
    passages: list[PassageJson]


class FileJson(TypedDict):
    """What became of a file; see rag_app.FileReport."""

    path: Path
    status: str
    reason: Message | str
    pages: int
    recognized: tuple[int, ...]
    described: int
    empty: tuple[int, ...]
    chunks: int
    seconds: float
    warnings: tuple[Message, ...]
    other: Path | str
    kept: bool


class IngestJson(TypedDict):
    """``error`` and ``kind``: where something stopped it. ``sync --watch`` prints one for each change."""

    files: list[FileJson]
    interrupted: bool
    error: NotRequired[str]
    kind: NotRequired[str]


class PlanJson(TypedDict):
    """With --dry-run."""

    files: list[FileJson]
    dry_run: bool


class FoldersJson(TypedDict):
    """``sync --list`` and ``sync --forget``: the folders that are remembered."""

    folders: list[Path]


class KnowledgeBasesJson(TypedDict):
    """All knowledge bases."""

    knowledge_bases: list[KnowledgeBase]


class DocumentJson(TypedDict):
    """A document; ``path`` is the first of ``paths``. See rag_app.StoredDocument."""

    path: Path
    id: int
    paths: tuple[Path, ...]
    title: str
    format: str
    size: int
    pages: int
    chunks: int
    ingested: str
    tags: tuple[str, ...]


class DocumentsJson(TypedDict):
    """Documents."""

    documents: list[DocumentJson]


class TaggedJson(TypedDict):
    """The documents as they are now tagged."""

    documents: list[StoredDocument]


class RemovedJson(TypedDict):
    """What the documents were."""

    removed: list[StoredDocument]


class FilesJson(TypedDict):
    """``total``: how many files there are of those asked for. ``counts``: of the whole knowledge base."""

    total: int
    counts: FileCounts
    files: tuple[ListedFile, ...]


class ReadJson(TypedDict):
    """``total``: how many pages the document has."""

    path: Path
    total: int
    pages: tuple[ReadPage, ...]


class TypesJson(TypedDict):
    """Suffixes, with their dots."""

    types: tuple[str, ...]


class QuestionsJson(TypedDict):
    """Questions that the documents promise an answer to."""

    questions: list[str]


class ConversationsJson(TypedDict):
    """The latest first."""

    conversations: list[ConversationInfo]


ConversationJson = TypedDict(
    "ConversationJson",
    # as a conversation is stored and exported: fields that have their default value are left out
    {"rag-app conversation": int, "info": dict[str, Any], "messages": list[dict[str, Any]]},
)


class WrittenJson(TypedDict):
    """The file that was written."""

    file: Path


class ChecksJson(TypedDict):
    """The doctor's findings."""

    checks: list[Check]


class SettingJson(TypedDict):
    """A setting; ``source``: default, file or environment, and ``where`` that is."""

    name: str
    group: str
    value: str | int | bool
    source: str
    where: str
    meaning: str
    choices: tuple[str, ...]
    least: int | None
    most: int | None


class SettingsJson(TypedDict):
    """All settings."""

    settings: list[SettingJson]


class StoredJson(TypedDict):
    """A setting that was stored."""

    name: str
    value: str | int | bool
    file: Path


class PreparedJson(TypedDict):
    """The embedding model that is ready, as the setting names it."""

    embedder: str


class ForgottenJson(TypedDict):
    """``enrich --forget``."""

    forgotten: bool


class EnrichedJson(TypedDict):
    """How many passages the model wrote nothing useful of."""

    without: int


class ModelsJson(TypedDict):
    """The models that Ollama has."""

    models: list[ModelEntry]


class PulledJson(TypedDict):
    """``done``, ``total``: bytes. ``chosen``: with --use."""

    model: str
    finished: bool
    done: int
    total: int
    chosen: NotRequired[ChosenModel]


class KeyJson(TypedDict):
    """A new key for the HTTP server, whose it is, and the lines for rag.toml."""

    key: str
    name: str
    role: Role
    lines: list[str]


class HashJson(TypedDict):
    """The hash, and the lines for rag.toml."""

    hash: str
    lines: list[str]


class RetrievalReportJson(TypedDict):
    """Means of each measure, and their 95 % intervals. ``compared``, ``regressions``: with --compare."""

    dense: dict[str, float]
    lexical: dict[str, float]
    fused: dict[str, float]
    intervals: dict[str, dict[str, list[float]]]
    dataset: str
    questions: int
    units: int
    compared: NotRequired[list[Change]]
    regressions: NotRequired[list[str]]


class MeasureJson(TypedDict):
    """A measure of a run: mean, 95 % interval, and over how many cases."""

    mean: float
    interval: list[float]
    cases: int


class RunJson(TypedDict):
    """What a run is of and what it gave."""

    dataset: str
    digest: str
    total: int
    source: str
    model: str
    judge: str
    started: str
    asked: int
    errors: int
    measures: dict[str, MeasureJson]


class AnswersReportJson(RunJson):
    """``run``, ``report``: files that were written. ``compared``, ``regressions``: with --compare."""

    run: Path
    report: Path | None
    compared: NotRequired[list[Change]]
    regressions: NotRequired[list[str]]


class KeptRunJson(RunJson):
    """A run that is kept in a file."""

    file: Path


class RunsJson(TypedDict):
    """Oldest first."""

    runs: list[KeptRunJson]


class DraftedJson(TypedDict):
    """``thrown_away``: why, and how many."""

    file: Path
    drafted: int
    thrown_away: dict[str, int]


class ReviewedJson(TypedDict):
    """How many questions are in each state."""

    file: Path
    accepted: int
    rejected: int
    draft: int


OUTPUTS: Mapping[str, tuple[Any, ...]] = {
    "ingest": (IngestJson, PlanJson),
    "sync": (IngestJson, PlanJson, FoldersJson),
    "ask": (AnswerJson, BatchJson),
    "suggest": (QuestionsJson,),
    "retrieve": (RetrievalJson,),
    "chat": (AnswerJson,),
    "conversations list": (ConversationsJson,),
    "conversations search": (ConversationsJson,),
    "conversations show": (ConversationJson,),
    "conversations export": (WrittenJson,),
    "conversations rename": (ConversationInfo,),
    "conversations delete": (ConversationInfo,),
    "kb list": (KnowledgeBasesJson,),
    "kb create": (KnowledgeBase,),
    "kb rename": (KnowledgeBase,),
    "kb delete": (KnowledgeBase,),
    "kb export": (KnowledgeBase,),
    "kb import": (KnowledgeBase,),
    "kb import-llamaindex": (IngestJson,),
    "enrich": (EnrichedJson, ForgottenJson),
    "reindex": (KnowledgeBase,),
    "docs list": (DocumentsJson,),
    "docs files": (FilesJson,),
    "docs show": (ReadJson,),
    "docs types": (TypesJson,),
    "docs tag": (TaggedJson,),
    "docs remove": (RemovedJson,),
    "doctor": (ChecksJson,),
    "prepare": (PreparedJson,),
    "settings list": (SettingsJson,),
    "settings get": (SettingJson,),
    "settings set": (StoredJson,),
    "eval retrieval": (RetrievalReportJson,),
    "eval answers": (AnswersReportJson,),
    "eval runs": (RunsJson,),
    "eval draft": (DraftedJson,),
    "eval review": (ReviewedJson,),
    "models list": (ModelsJson,),
    "models pull": (PulledJson,),
    "models use": (ChosenModel,),
    "models remove": (ModelEntry,),
    "models recommend": (Recommendation,),
    "password": (HashJson,),
    "key": (KeyJson,),
}
"""Command → the shapes its output may have; besides :class:`FailureJson` of any of them."""
LINES: Mapping[str, tuple[Any, ...]] = {"ask --batch": (BatchAnswerJson, BatchFailureJson)}
"""Likewise of what is written line by line."""
