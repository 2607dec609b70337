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
from .conversation_types import Condensed, ConversationInfo, ConversationMessage
from .errors import RagError
from .llm.library import ChosenModel, ModelEntry
from .llm.pulling import Pull, PullStep
from .llm.recommend import Recommendation
from .protocols import Stage
from .settings import Settings
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
    "AnswerSentence",
    "AnswerStream",
    "Check",
    "Checked",
    "ChosenModel",
    "Citation",
    "Condensed",
    "Conversation",
    "ConversationInfo",
    "ConversationMessage",
    "ConversationStream",
    "FileReport",
    "Filters",
    "IngestReport",
    "KnowledgeBase",
    "Language",
    "Message",
    "ModelEntry",
    "Passage",
    "Progress",
    "Pull",
    "PullStep",
    "RagApp",
    "RagError",
    "Recommendation",
    "Rectangle",
    "Retrieval",
    "Settings",
    "Stage",
    "StoredDocument",
    "Thought",
    "Trace",
    "Turn",
    "UserError",
    "Withdrawn",
    "message",
    "text",
]
