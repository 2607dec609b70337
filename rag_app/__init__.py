"""Private document answers: put files in, ask in Chinese or English, get cited answers, offline.

>>> from rag_app import RagApp
>>> app = RagApp.open()            # doctest: +SKIP
>>> app.ingest("papers/")          # doctest: +SKIP
>>> app.ask("…").text              # doctest: +SKIP
"""

from ingest.errors import UserError
from ingest.messages import Language, Message, message, text
from ingest.types import FileReport, IngestReport, Progress

from .app import RagApp
from .chat.answering import AnswerStream, Thought, Withdrawn
from .chat.conversation import Conversation
from .chat.conversation_stream import ConversationStream
from .chat.drafting import Checked
from .chat.replying import ReplyStream
from .conversation_types import Condensed, ConversationInfo, ConversationMessage
from .embeddings import Embeddings
from .errors import RagError
from .evaluation import AnswerQuestion, AnswerRun, Case, Change, Keeping
from .listing_types import FileCounts, FileList, FileOrder, FileState, ListedFile, ReadPage, ReadPages
from .llm.library import ChosenModel, ModelEntry
from .llm.pulling import Pull, PullStep
from .llm.recommend import Recommendation
from .page_images import PageImage
from .passwords import hash_password, password_matches
from .protocols import EmbedderInfo, Stage
from .samples import sample_folder
from .settings import Role, Settings
from .settings_view import SettingView
from .types import (
    Answer,
    AnswerSentence,
    Check,
    Citation,
    Filters,
    KnowledgeBase,
    Passage,
    Rectangle,
    Retrieval,
    StoredDocument,
    Trace,
    Turn,
)

__all__ = [
    "Answer",
    "AnswerQuestion",
    "AnswerRun",
    "AnswerSentence",
    "AnswerStream",
    "Case",
    "Change",
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
    "Role",
    "SettingView",
    "Settings",
    "Stage",
    "StoredDocument",
    "Thought",
    "Trace",
    "Turn",
    "UserError",
    "Withdrawn",
    "hash_password",
    "message",
    "password_matches",
    "sample_folder",
    "text",
]
