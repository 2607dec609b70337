"""The app's answering model as an LLM of LlamaIndex, and their messages as ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import (
    ChatMessage as TheirMessage,
)
from llama_index.core.base.llms.types import (
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback

from ..aio.streams import AsyncStream
from ..aio.threads import Threads
from ..chat.prompt import harmless
from ..protocols import ChatMessage, ChatModel, ChatStream, ModelPiece

if TYPE_CHECKING:
    from ..app import RagApp


class ChatModelLLM(CustomLLM):
    """Any of our chat models as an :class:`LLM`; no prompt is ever cut, one that is too long raises PromptTooLong.

    Args:
        answer_tokens: most tokens of an answer.
    """

    _model: Any = PrivateAttr()
    _threads: Threads = PrivateAttr()
    _answer_tokens: int = PrivateAttr()

    def __init__(self, model: ChatModel, answer_tokens: int) -> None:
        super().__init__()
        self._model = model
        self._threads = Threads()
        self._answer_tokens = answer_tokens

    @classmethod
    def class_name(cls) -> str:
        """As LlamaIndex stores it."""
        return "rag_app_llm"

    @property
    def metadata(self) -> LLMMetadata:
        """The model's name and window.

        Raises:
            ModelError.
        """
        window = self._model.describe().context_tokens
        return LLMMetadata(
            context_window=window, num_output=self._answer_tokens, model_name=self._model.name, is_chat_model=True
        )

    @llm_chat_callback()
    def chat(self, messages: Sequence[TheirMessage], **kwargs: Any) -> ChatResponse:
        """The answer, finished; options of other models in ``kwargs`` are passed over."""
        return ChatResponse(message=_said(self._whole(ours(messages))))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[TheirMessage], **kwargs: Any) -> ChatResponseGen:
        """The answer as it is written."""
        return self._growing(ours(messages))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[TheirMessage], **kwargs: Any) -> ChatResponse:
        """As :meth:`chat`; cancelling stops the model."""
        written = [text async for text in self._pieces(ours(messages))]
        return ChatResponse(message=_said("".join(written)))

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[TheirMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """As :meth:`stream_chat`; cancelling stops the model."""
        return self._agrowing(ours(messages))

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """What follows a prompt."""
        return CompletionResponse(text=self._whole([_asked(prompt)]))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """What follows a prompt, as it is written."""
        return (
            CompletionResponse(text=str(one.message.content), delta=one.delta)
            for one in self._growing([_asked(prompt)])
        )

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """As :meth:`complete`; cancelling stops the model."""
        return CompletionResponse(text="".join([text async for text in self._pieces([_asked(prompt)])]))

    @llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """As :meth:`stream_complete`; cancelling stops the model."""
        growing = self._agrowing([_asked(prompt)])
        return (CompletionResponse(text=str(one.message.content), delta=one.delta) async for one in growing)

    def _whole(self, messages: list[ChatMessage]) -> str:
        running = self._model.stream(messages, answer_tokens=self._answer_tokens)
        try:
            return "".join(piece.text for piece in running)
        finally:
            running.cancel()

    def _growing(self, messages: list[ChatMessage]) -> Generator[ChatResponse, None, None]:
        running = self._model.stream(messages, answer_tokens=self._answer_tokens)
        written = ""
        try:
            for piece in running:
                if piece.text:
                    written += piece.text
                    yield ChatResponse(message=_said(written), delta=piece.text)
        finally:
            running.cancel()

    async def _pieces(self, messages: list[ChatMessage]) -> AsyncGenerator[str, None]:
        source = _Drawn(self._model, messages, self._answer_tokens)
        async with AsyncStream[ModelPiece](source, self._threads) as stream:
            async for piece in stream:
                if piece.text:
                    yield piece.text

    async def _agrowing(self, messages: list[ChatMessage]) -> AsyncGenerator[ChatResponse, None]:
        written = ""
        async for text in self._pieces(messages):
            written += text
            yield ChatResponse(message=_said(written), delta=text)


class KnowledgeBaseLLM(ChatModelLLM):
    """The model that answers in an app as an :class:`LLM`; see :meth:`rag_app.RagApp.as_llm`.

    Raises:
        SettingsError, ModelError: the settings do not say enough.
    """

    def __init__(self, app: RagApp) -> None:
        super().__init__(app._store.models.chat_model(), app.settings.answer_tokens)


class _Drawn:
    """A model's pieces; a source of :class:`AsyncStream`."""

    def __init__(self, model: ChatModel, messages: list[ChatMessage], answer_tokens: int) -> None:
        self._running: ChatStream = model.stream(messages, answer_tokens=answer_tokens)

    def events(self) -> Iterator[ModelPiece]:
        """All of them."""
        return self._running

    def stop(self) -> None:
        """Stop the model."""
        self._running.cancel()


def ours(messages: Sequence[TheirMessage]) -> list[ChatMessage]:
    """Their messages as ours; what tools said counts as the user's."""
    roles = {MessageRole.SYSTEM: "system", MessageRole.ASSISTANT: "assistant", MessageRole.CHATBOT: "assistant"}
    return [
        ChatMessage(roles.get(one.role, "user"), harmless(one.content or ""))  # type: ignore[arg-type]
        for one in messages
    ]


def _asked(prompt: str) -> ChatMessage:
    return ChatMessage("user", harmless(prompt))


def _said(text: str) -> TheirMessage:
    return TheirMessage(role=MessageRole.ASSISTANT, content=text)
