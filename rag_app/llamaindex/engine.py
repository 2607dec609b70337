"""A knowledge base as LlamaIndex's query engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llama_index.core import Settings, get_response_synthesizer
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import (
    RESPONSE_TYPE,
    AsyncStreamingResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.events.retrieval import RetrievalEndEvent, RetrievalStartEvent
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent, SynthesizeStartEvent
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle

from ..aio.answers import AsyncAnswerStream
from ..aio.threads import Threads
from ..chat.answering import AnswerStream
from ..types import Answer, Filters, Retrieval
from .llm import KnowledgeBaseLLM
from .nodes import nodes_of
from .retriever import KnowledgeBaseRetriever

if TYPE_CHECKING:
    from ..app import RagApp

_dispatcher = get_dispatcher(__name__)


@dataclass
class CitedResponse(Response):
    """A response whose text has markers [n]; source node n is what the n-th of them cites.

    Attributes:
        answer: with citations, checked sentences and notices.
    """

    answer: Answer | None = None


def response_of(answer: Answer) -> CitedResponse:
    """An answer as a response: cited passages come first among its source nodes."""
    nodes = nodes_of(answer.passages, answer.citations)
    about = {one.node.node_id: one.node.metadata for one in nodes}
    return CitedResponse(answer.text, nodes, about, answer)


class KnowledgeBaseQueryEngine(BaseQueryEngine):
    """Cited answers as a :class:`BaseQueryEngine`; see :meth:`rag_app.RagApp.as_query_engine`.

    Retrieval and synthesis are reported to LlamaIndex's callbacks and its instrumentation.
    """

    def __init__(
        self,
        app: RagApp,
        kb: str | Sequence[str] | None = None,
        filters: Filters | None = None,
        *,
        streaming: bool = False,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        super().__init__(callback_manager or Settings.callback_manager)
        self._app = app
        self._kb = kb
        self._filters = filters
        self._streaming = streaming
        self._threads = Threads()
        self._retriever = KnowledgeBaseRetriever(app, kb, None, filters, self.callback_manager)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}

    def retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """The passages alone."""
        return self._retriever.retrieve(query_bundle)

    async def aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """The passages alone."""
        return await self._retriever.aretrieve(query_bundle)

    def synthesize(
        self,
        query_bundle: QueryBundle,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
    ) -> RESPONSE_TYPE:
        """An answer from nodes of any origin, by LlamaIndex's own synthesizer over the app's model.

        Raises:
            ModelError, SettingsError: there is no model; quotes are taken from the app's own passages only.
        """
        writer = get_response_synthesizer(llm=KnowledgeBaseLLM(self._app), callback_manager=self.callback_manager)
        return writer.synthesize(query_bundle, nodes, additional_source_nodes)

    async def asynthesize(
        self,
        query_bundle: QueryBundle,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
    ) -> RESPONSE_TYPE:
        """As :meth:`synthesize`."""
        writer = get_response_synthesizer(llm=KnowledgeBaseLLM(self._app), callback_manager=self.callback_manager)
        return await writer.asynthesize(query_bundle, nodes, additional_source_nodes)

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        with self._event(CBEventType.QUERY, query_bundle) as end:
            with self._retrieving(query_bundle) as found:
                stream = self._app.stream(query_bundle.query_str, self._kb, (), self._filters)
                nodes = found(stream.retrieval)
            if self._streaming:
                response: RESPONSE_TYPE = StreamingResponse(_pieces(stream), nodes, _about(nodes))
            else:
                with self._synthesizing(query_bundle) as written:
                    response = written(stream.answer)
            end({EventPayload.RESPONSE.value: response})
        return response

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        with self._event(CBEventType.QUERY, query_bundle) as end:
            with self._retrieving(query_bundle) as found:
                opened = await asyncio.to_thread(self._app.stream, query_bundle.query_str, self._kb, (), self._filters)
                nodes = found(opened.retrieval)
            stream = AsyncAnswerStream(lambda: opened, self._threads)
            if self._streaming:
                response: RESPONSE_TYPE = AsyncStreamingResponse(_apieces(stream), nodes, _about(nodes))
            else:
                with self._synthesizing(query_bundle) as written:
                    async with stream:
                        response = written(await stream.answer())
            end({EventPayload.RESPONSE.value: response})
        return response

    # What is told to callbacks and instrumentation

    @contextmanager
    def _event(self, kind: CBEventType, query: QueryBundle) -> Iterator[Callable[[dict[str, Any]], None]]:
        with self.callback_manager.event(kind, payload={EventPayload.QUERY_STR.value: query.query_str}) as event:
            yield lambda payload: event.on_end(payload=payload)

    @contextmanager
    def _retrieving(self, query: QueryBundle) -> Iterator[Callable[[Retrieval], list[NodeWithScore]]]:
        with self._event(CBEventType.RETRIEVE, query) as end:
            _dispatcher.event(RetrievalStartEvent(str_or_query_bundle=query))

            def found(retrieval: Retrieval) -> list[NodeWithScore]:
                nodes = nodes_of(retrieval.passages)
                _dispatcher.event(RetrievalEndEvent(str_or_query_bundle=query, nodes=nodes))
                end({EventPayload.NODES.value: nodes})
                return nodes

            yield found

    @contextmanager
    def _synthesizing(self, query: QueryBundle) -> Iterator[Callable[[Answer], CitedResponse]]:
        with self._event(CBEventType.SYNTHESIZE, query) as end:
            _dispatcher.event(SynthesizeStartEvent(query=query))

            def written(answer: Answer) -> CitedResponse:
                response = response_of(answer)
                _dispatcher.event(SynthesizeEndEvent(query=query, response=response))
                end({EventPayload.RESPONSE.value: response})
                return response

            yield written


def _about(nodes: Sequence[NodeWithScore]) -> dict[str, Any]:
    return {one.node.node_id: one.node.metadata for one in nodes}


def _pieces(stream: AnswerStream) -> Generator[str, None, None]:
    """The text; an early end of the iteration stops the model."""
    try:
        yield from stream
    finally:
        stream.close()


async def _apieces(stream: AsyncAnswerStream) -> AsyncGenerator[str, None]:
    async with stream:
        async for piece in stream:
            yield piece
