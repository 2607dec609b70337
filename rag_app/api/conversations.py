"""Conversations: found and opened."""

from __future__ import annotations

from collections.abc import Sequence

from ..asking import checked
from ..chat.condense import condense
from ..chat.conversation import Conversation
from ..chat.follow_ups import needs_rewriting
from ..conversation_types import Condensed, ConversationInfo
from ..errors import UnknownConversation
from ..llm.quoting import NAME as QUOTES
from ..types import Turn
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

    def condense(self, question: str, history: Sequence[Turn], kb: str | Sequence[str] | None = None) -> Condensed:
        """A follow-up question made to stand alone, for those who keep the conversation themselves.

        Search for :attr:`Condensed.rewritten`: ``app.stream(app.condense(question, turns).rewritten, history=turns)``.

        Raises:
            QuestionError, UnknownKnowledgeBase, EmbedderError; ModelError: the model was asked for by name and can't be
            had.
        """
        question = checked(question)
        if not needs_rewriting(question, history):
            return Condensed(question, question)
        base = self._asking.knowledge_bases(kb)[0]
        embedder = self._store.embedder_of(self._store.catalog.knowledge_bases.index(base.id))
        quotes = self._store.models.answerer(embedder).writer.name == QUOTES
        return condense(question, history, None if quotes else self._store.models.chat_model())
