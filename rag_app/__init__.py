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
    from ingest.errors import UserError
    from ingest.messages import Language, Message, message, text
    from ingest.types import FileReport, IngestReport, Progress
    from ingest.values import Value, jsonable, to_json

    from .aio import AsyncAnswerStream, AsyncConversation, AsyncRagApp, AsyncStream
    from .app import RagApp
    from .chat.answering import AnswerStream, Thought, Withdrawn
    from .chat.conversation import Conversation
    from .chat.conversation_stream import ConversationStream
    from .chat.drafting import Checked
    from .chat.replying import ReplyStream
    from .conversation_types import Condensed, ConversationInfo, ConversationMessage
    from .errors import RagError
    from .evaluation import AnswerQuestion, AnswerRun, AnswerSet, Case, Change, Keeping, RetrievalReport
    from .listing_types import FileCounts, FileList, FileOrder, FileState, ListedFile, ReadPage, ReadPages
    from .llm.library import ChosenModel, ModelEntry
    from .llm.pulling import Pull, PullStep
    from .llm.recommend import Recommendation
    from .page_images import PageImage
    from .parts import Parts
    from .passwords import hash_password, password_matches
    from .protocols import ChatMessage, EmbedderInfo, Stage
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

_HOMES = {
    "ingest.errors": "UserError",
    "ingest.messages": "Language Message message text",
    "ingest.types": "FileReport IngestReport Progress",
    "ingest.values": "Value jsonable to_json",
    ".aio": "AsyncAnswerStream AsyncConversation AsyncRagApp AsyncStream",
    ".app": "RagApp",
    ".chat.answering": "AnswerStream Thought Withdrawn",
    ".chat.conversation": "Conversation",
    ".chat.conversation_stream": "ConversationStream",
    ".chat.drafting": "Checked",
    ".chat.replying": "ReplyStream",
    ".conversation_types": "Condensed ConversationInfo ConversationMessage",
    ".errors": "RagError",
    ".evaluation": "AnswerQuestion AnswerRun AnswerSet Case Change Keeping RetrievalReport",
    ".listing_types": "FileCounts FileList FileOrder FileState ListedFile ReadPage ReadPages",
    ".llm.library": "ChosenModel ModelEntry",
    ".llm.pulling": "Pull PullStep",
    ".llm.recommend": "Recommendation",
    ".page_images": "PageImage",
    ".parts": "Parts",
    ".passwords": "hash_password password_matches",
    ".protocols": "ChatMessage EmbedderInfo Stage",
    ".samples": "sample_folder",
    ".settings": "Role Settings",
    ".settings_view": "SettingView",
    ".types": (
        "Answer AnswerSentence Check Citation Embeddings Filters KnowledgeBase Passage Rectangle Retrieval "
        "StoredDocument Trace Turn"
    ),
}
"""Module → the names that are taken from it when they are first asked for, so that importing the package is instant."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


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
    "AsyncAnswerStream",
    "AsyncConversation",
    "AsyncRagApp",
    "AsyncStream",
    "Case",
    "Change",
    "ChatMessage",
    "Check",
    "Checked",
    "ChosenModel",
    "Citation",
    "Condensed",
    "Conversation",
    "ConversationInfo",
    "ConversationMessage",
    "ConversationStream",
    "EmbedderInfo",
    "Embeddings",
    "FileCounts",
    "FileList",
    "FileOrder",
    "FileReport",
    "FileState",
    "Filters",
    "IngestReport",
    "Keeping",
    "KnowledgeBase",
    "Language",
    "ListedFile",
    "Message",
    "ModelEntry",
    "PageImage",
    "Parts",
    "Passage",
    "Progress",
    "Pull",
    "PullStep",
    "RagApp",
    "RagError",
    "ReadPage",
    "ReadPages",
    "Recommendation",
    "Rectangle",
    "ReplyStream",
    "Retrieval",
    "RetrievalReport",
    "Role",
    "SettingView",
    "Settings",
    "Stage",
    "StoredDocument",
    "Thought",
    "Trace",
    "Turn",
    "UserError",
    "Value",
    "Withdrawn",
    "hash_password",
    "jsonable",
    "message",
    "password_matches",
    "sample_folder",
    "text",
    "to_json",
]
