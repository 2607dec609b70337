"""A conversation about a knowledge base as LlamaIndex's chat engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from llama_index.core import Settings
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.callbacks import CallbackManager
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.schema import NodeWithScore
from llama_index.core.tools import ToolOutput

from ..aio.answers import AsyncAnswerStream
from ..aio.threads import Threads
from ..chat.answering import AnswerStream
from ..chat.conversation import Conversation
from ..chat.conversation_stream import ConversationStream
from ..types import Answer, Filters, Turn
from .nodes import nodes_of

if TYPE_CHECKING:
    from ..app import RagApp

_TOOL = "retriever"  # as LlamaIndex's own engines call it

Opened = AnswerStream | ConversationStream


class KnowledgeBaseChatEngine(BaseChatEngine):
    """A conversation as a :class:`BaseChatEngine`; see :meth:`rag_app.RagApp.as_chat_engine`.

    It is stored as any other conversation, and follow-up questions are made to stand alone. Given a history, it answers
    from that instead, and stores nothing.
    """

    def __init__(
        self,
        app: RagApp,
        conversation: int | None = None,
        kb: str | Sequence[str] | None = None,
        filters: Filters | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self.callback_manager = callback_manager or Settings.callback_manager
        self._app = app
        self._kb = kb
        self._filters = filters
        self._threads = Threads()
        self._turns: list[Turn] | None = None
        self._conversation: Conversation | None = app.conversation(conversation) if conversation is not None else None

    @property
    def conversation(self) -> int | None:
        """The id of the stored conversation; None before its first question, and where a history was given."""
        return self._conversation.id if self._conversation is not None and self._turns is None else None

    @property
    def chat_history(self) -> list[ChatMessage]:
        """What was said so far."""
        if self._turns is not None:
            return [_message(turn.role, turn.text) for turn in self._turns]
        if self._conversation is None:
            return []
        return [_message(one.role, one.text) for one in self._conversation.messages]

    def reset(self) -> None:
        """Begin a new conversation; the stored one stays."""
        self._conversation = None
        self._turns = None

    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """The answer, finished.

        Raises:
            What :meth:`rag_app.RagApp.stream` raises; likewise the others.
        """
        with self.callback_manager.as_trace("chat"):
            answer = self._open(message, chat_history).answer
            self._keep(message, answer)
            return _response(message, answer)

    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """The answer, finished; cancelling stops the model."""
        with self.callback_manager.as_trace("chat"):
            async with self._aopen(message, chat_history) as stream:
                answer = await stream.answer()
            self._keep(message, answer)
            return _response(message, answer)

    def stream_chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> StreamingAgentChatResponse:
        """The answer as it is written; leaving its iteration early stops the model."""
        stream = self._open(message, chat_history)
        text = iter(stream)
        first = next(text, "")  # by then it is known what was found
        return StreamingAgentChatResponse(
            chat_stream=self._growing(message, stream, first, text),
            **_sources(message, nodes_of(stream.retrieval.passages)),
            is_writing_to_memory=False,
        )

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """The answer as it is written; leaving its iteration early, or cancelling, stops the model."""
        stream = self._aopen(message, chat_history)
        text = aiter(stream)
        first = await anext(text, "")
        retrieval = stream.retrieval
        return StreamingAgentChatResponse(
            achat_stream=self._agrowing(message, stream, first, text),
            **_sources(message, nodes_of(retrieval.passages if retrieval else ())),
            is_writing_to_memory=False,
        )

    def _open(self, message: str, chat_history: Sequence[ChatMessage] | None) -> Opened:
        if chat_history is not None:
            self._turns = [
                Turn("user" if one.role == MessageRole.USER else "assistant", one.content or "")
                for one in chat_history
                if one.role in (MessageRole.USER, MessageRole.ASSISTANT)
            ]
        if self._turns is None:
            if self._conversation is None:
                self._conversation = self._app.conversation(kb=self._kb)
            return self._conversation.stream(message, filters=self._filters)
        turns = tuple(self._turns)
        question = self._app.condense(message, turns, self._kb).rewritten
        return self._app.stream(question, self._kb, turns, self._filters)

    def _aopen(self, message: str, chat_history: Sequence[ChatMessage] | None) -> AsyncAnswerStream:
        return AsyncAnswerStream(lambda: self._open(message, chat_history), self._threads)

    def _keep(self, message: str, answer: Answer) -> None:
        """A conversation keeps itself."""
        if self._turns is not None:
            titles = tuple(dict.fromkeys(one.title for one in answer.passages[: len(answer.citations)]))
            self._turns += [Turn("user", message), Turn("assistant", answer.text, titles)]

    def _growing(
        self, message: str, stream: Opened, first: str, rest: Iterator[str]
    ) -> Generator[ChatResponse, None, None]:
        written = ""
        try:
            for piece in chain([first], rest):
                written += piece
                yield _grown(written, piece)
        finally:
            stream.close()
            self._keep(message, stream.answer)

    async def _agrowing(
        self, message: str, stream: AsyncAnswerStream, first: str, rest: AsyncIterator[str]
    ) -> AsyncGenerator[ChatResponse, None]:
        written = first
        async with stream:
            yield _grown(written, first)
            async for piece in rest:
                written += piece
                yield _grown(written, piece)
            self._keep(message, await stream.answer())


def _response(message: str, answer: Answer) -> AgentChatResponse:
    nodes = nodes_of(answer.passages, answer.citations)
    about = {one.node.node_id: one.node.metadata for one in nodes}
    return AgentChatResponse(response=answer.text, **_sources(message, nodes), metadata=about)


def _sources(message: str, nodes: list[NodeWithScore]) -> dict[str, Any]:
    said = "\n\n".join(one.get_content() for one in nodes)
    output = ToolOutput(tool_name=_TOOL, content=said, raw_input={"message": message}, raw_output=nodes)
    return {"sources": [output], "source_nodes": nodes}


def _grown(written: str, piece: str) -> ChatResponse:
    return ChatResponse(message=_message("assistant", written), delta=piece)


def _message(role: str, text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole(role), content=text)
