"""Private document answers: put files in, ask in Chinese or English, get cited answers, offline.

>>> from rag_app import RagApp
>>> app = RagApp.open()            # doctest: +SKIP
>>> app.ingest("papers/")          # doctest: +SKIP
>>> app.ask("…").text              # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.errors import FileRefused, IngestError, UserError
    from ingest.given import Cutter, Reader
    from ingest.messages import Language, Message, message, text
    from ingest.types import Document, FileReport, Heading, IngestReport, Page, Progress
    from ingest.values import Value, jsonable, to_json

    from .aio import AsyncAnswerStream, AsyncConversation, AsyncRagApp, AsyncStream
    from .app import RagApp
    from .chat.answering import AnswerStream, Event, Thought, Withdrawn
    from .chat.conversation import Conversation
    from .chat.conversation_stream import ConversationStream
    from .chat.drafting import Checked
    from .chat.replying import ReplyStream
    from .conversation_types import Condensed, ConversationInfo, ConversationMessage
    from .errors import (
        ArchiveError,
        BadKnowledgeBaseName,
        BadTag,
        ConversationError,
        DatasetError,
        EmbedderError,
        KnowledgeBaseError,
        KnowledgeBaseExists,
        ModelBusy,
        ModelError,
        ModelNotInstalled,
        ModelRefused,
        NotErased,
        NotLocated,
        NotSupported,
        OllamaUnreachable,
        PromptTooLong,
        QuestionError,
        RagError,
        SettingsError,
        StorageError,
        StorageLocked,
        UnknownConversation,
        UnknownDocument,
        UnknownKnowledgeBase,
    )
    from .evaluation import (
        AnswerQuestion,
        AnswerRun,
        AnswerSet,
        Case,
        Change,
        Dataset,
        Keeping,
        Question,
        RetrievalReport,
        load_answers,
        load_dataset,
    )
    from .listing_types import FileCounts, FileList, FileOrder, FileState, ListedFile, ReadPage, ReadPages
    from .llm.library import ChosenModel, ModelEntry
    from .llm.pulling import Pull, PullStep
    from .llm.recommend import Recommendation
    from .page_images import PageImage, SourceError
    from .parts import Parts, Refiner
    from .passwords import hash_password, password_matches
    from .protocols import (
        ChatMessage,
        ChatModel,
        ChatStream,
        Embedder,
        EmbedderInfo,
        ModelDescription,
        ModelPiece,
        Reranker,
        Stage,
    )
    from .samples import sample_folder
    from .settings import Role, Settings
    from .settings_view import SettingView
    from .types import (
        Answer,
        AnswerSentence,
        Check,
        Citation,
        Embeddings,
        Filters,
        KnowledgeBase,
        Passage,
        Rectangle,
        Retrieval,
        StoredDocument,
        Trace,
        Turn,
    )

_HOMES = (
    "ingest.errors FileRefused IngestError UserError",
    "ingest.given Cutter Reader",
    "ingest.messages Language Message message text",
    "ingest.types Document FileReport Heading IngestReport Page Progress",
    "ingest.values Value jsonable to_json",
    ".aio AsyncAnswerStream AsyncConversation AsyncRagApp AsyncStream",
    ".app RagApp",
    ".chat.answering AnswerStream Event Thought Withdrawn",
    ".chat.conversation Conversation",
    ".chat.conversation_stream ConversationStream",
    ".chat.drafting Checked",
    ".chat.replying ReplyStream",
    ".conversation_types Condensed ConversationInfo ConversationMessage",
    ".errors ArchiveError BadKnowledgeBaseName BadTag ConversationError DatasetError EmbedderError "
    "KnowledgeBaseError KnowledgeBaseExists ModelBusy ModelError ModelNotInstalled ModelRefused NotErased "
    "NotLocated NotSupported OllamaUnreachable PromptTooLong QuestionError RagError SettingsError StorageError "
    "StorageLocked UnknownConversation UnknownDocument UnknownKnowledgeBase",
    ".evaluation AnswerQuestion AnswerRun AnswerSet Case Change Dataset Keeping Question RetrievalReport "
    "load_answers load_dataset",
    ".listing_types FileCounts FileList FileOrder FileState ListedFile ReadPage ReadPages",
    ".llm.library ChosenModel ModelEntry",
    ".llm.pulling Pull PullStep",
    ".llm.recommend Recommendation",
    ".page_images PageImage SourceError",
    ".parts Parts Refiner",
    ".passwords hash_password password_matches",
    ".protocols ChatMessage ChatModel ChatStream Embedder EmbedderInfo ModelDescription ModelPiece Reranker Stage",
    ".samples sample_folder",
    ".settings Role Settings",
    ".settings_view SettingView",
    ".types Answer AnswerSentence Check Citation Embeddings Filters KnowledgeBase Passage Rectangle Retrieval "
    "StoredDocument Trace Turn",
)
"""A module, then the names that are taken from it when they are first asked for: importing the package is instant."""

_HOME_OF = {name: home.split()[0] for home in _HOMES for name in home.split()[1:]}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_HOME_OF[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__


__all__ = [
    "Answer",
    "AnswerQuestion",
    "AnswerRun",
    "AnswerSentence",
    "AnswerSet",
    "AnswerStream",
    "ArchiveError",
    "AsyncAnswerStream",
    "AsyncConversation",
    "AsyncRagApp",
    "AsyncStream",
    "BadKnowledgeBaseName",
    "BadTag",
    "Case",
    "Change",
    "ChatMessage",
    "ChatModel",
    "ChatStream",
    "Check",
    "Checked",
    "ChosenModel",
    "Citation",
    "Condensed",
    "Conversation",
    "ConversationError",
    "ConversationInfo",
    "ConversationMessage",
    "ConversationStream",
    "Cutter",
    "Dataset",
    "DatasetError",
    "Document",
    "Embedder",
    "EmbedderError",
    "EmbedderInfo",
    "Embeddings",
    "Event",
    "FileCounts",
    "FileList",
    "FileOrder",
    "FileRefused",
    "FileReport",
    "FileState",
    "Filters",
    "Heading",
    "IngestError",
    "IngestReport",
    "Keeping",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "KnowledgeBaseExists",
    "Language",
    "ListedFile",
    "Message",
    "ModelBusy",
    "ModelDescription",
    "ModelEntry",
    "ModelError",
    "ModelNotInstalled",
    "ModelPiece",
    "ModelRefused",
    "NotErased",
    "NotLocated",
    "NotSupported",
    "OllamaUnreachable",
    "Page",
    "PageImage",
    "Parts",
    "Passage",
    "Progress",
    "PromptTooLong",
    "Pull",
    "PullStep",
    "Question",
    "QuestionError",
    "RagApp",
    "RagError",
    "ReadPage",
    "ReadPages",
    "Reader",
    "Recommendation",
    "Rectangle",
    "Refiner",
    "ReplyStream",
    "Reranker",
    "Retrieval",
    "RetrievalReport",
    "Role",
    "SettingView",
    "Settings",
    "SettingsError",
    "SourceError",
    "Stage",
    "StorageError",
    "StorageLocked",
    "StoredDocument",
    "Thought",
    "Trace",
    "Turn",
    "UnknownConversation",
    "UnknownDocument",
    "UnknownKnowledgeBase",
    "UserError",
    "Value",
    "Withdrawn",
    "hash_password",
    "jsonable",
    "load_answers",
    "load_dataset",
    "message",
    "password_matches",
    "sample_folder",
    "text",
    "to_json",
]
