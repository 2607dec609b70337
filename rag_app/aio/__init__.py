"""The API for asyncio: what blocks runs in worker threads, and what is cancelled stops."""

from .answers import AsyncAnswerStream
from .app import AsyncRagApp
from .conversation import AsyncConversation
from .streams import AsyncStream

__all__ = ["AsyncAnswerStream", "AsyncConversation", "AsyncRagApp", "AsyncStream"]
