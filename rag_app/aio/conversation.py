"""A conversation in asyncio."""

from __future__ import annotations

from ..chat.conversation import Conversation
from ..conversation_types import ConversationInfo, ConversationMessage
from .answers import as_answer, as_stream
from .threads import Beside, in_thread


class AsyncConversation(Beside[Conversation]):
    """A conversation, as :class:`rag_app.Conversation` is one; what that has as attributes is awaited here.

    ::

        conversation = await app.conversation()
        await conversation.ask("How much memory does LLaMA 3 8B need?")
        print((await conversation.ask("And its context?")).text)
    """

    @property
    def id(self) -> int:
        """As the list of conversations has it."""
        return self.blocking.id

    ask = as_answer(Conversation.ask, Conversation.stream)
    stream = as_stream(Conversation.stream)
    regenerate = as_stream(Conversation.regenerate)
    edit = as_stream(Conversation.edit)
    branch = in_thread(Conversation.branch)
    select = in_thread(Conversation.select)
    rename = in_thread(Conversation.rename)
    rate = in_thread(Conversation.rate)
    delete = in_thread(Conversation.delete)
    export = in_thread(Conversation.export)

    async def info(self) -> ConversationInfo:
        """Title, knowledge bases, times.

        Raises:
            UnknownConversation: it was deleted.
        """
        return await self._call(lambda: self.blocking.info)

    async def messages(self) -> tuple[ConversationMessage, ...]:
        """Those of the branch in force, oldest first.

        Raises:
            UnknownConversation.
        """
        return await self._call(lambda: self.blocking.messages)

    async def all_messages(self) -> tuple[ConversationMessage, ...]:
        """Those of all branches, in the order in which they were made."""
        return await self._call(lambda: self.blocking.all_messages)

    async def summary(self) -> str:
        """What is told the model in the place of the oldest messages; "" while they still fit."""
        return await self._call(lambda: self.blocking.summary)
