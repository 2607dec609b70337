"""Conversations: found and opened."""

from __future__ import annotations

from collections.abc import Sequence

from ..chat.conversation import Conversation
from ..conversation_types import ConversationInfo
from ..errors import UnknownConversation
from .questions import Questions


class Conversations(Questions):
    """Conversations: found and opened."""

    def conversations(
        self, search: str | None = None, kb: str | None = None, owner: str | None = None
    ) -> list[ConversationInfo]:
        """The stored conversations, the latest first.

        Args:
            search: only those whose title and messages contain all of these words. kb: only those about this one.
            owner: only theirs, where several people share the web UI.

        Raises:
            UnknownKnowledgeBase.
        """
        about = self._store.kb(kb).id if kb is not None else None
        return self._store.catalog.conversations.all(search, about, owner)

    def conversation(
        self, id: int | None = None, kb: str | Sequence[str] | None = None, owner: str | None = None
    ) -> Conversation:
        """A stored conversation, or a new one about one knowledge base or several.

        Args:
            owner: whose it is to be, or has to be.

        Raises:
            UnknownConversation: there is none, or it is somebody else's. UnknownKnowledgeBase.
        """
        conversations = self._store.catalog.conversations
        if id is None:
            id = conversations.create([base.id for base in self._asking.knowledge_bases(kb)], owner or "")
        info = conversations.info(id)
        if owner is not None and info.owner != owner:
            raise UnknownConversation("conversation.unknown", id=id)
        return Conversation(self._store, self.stream, id)
