"""The app as LlamaIndex's retriever, engines, tool and LLM: inside its own evaluators, routers and agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent, ReActAgent
from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata, MessageRole
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.evaluation import FaithfulnessEvaluator, RelevancyEvaluator, RetrieverEvaluator
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.query_engine import (
    RetrieverQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
    TransformQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.schema import NodeRelationship
from llama_index.core.selectors import LLMSingleSelector
from llama_index.core.tools import BaseTool, QueryEngineTool

from rag_app import Filters, Parts, RagApp
from rag_app.llamaindex import CitedResponse
from rag_app.llm.gguf import GgufModel

from .scripted import ScriptedModel

QUESTION = "Where is the Ollama server log on Windows?"


class Said(CustomLLM):
    """A model of LlamaIndex that says what a test wrote, in order."""

    _lines: list[str] = PrivateAttr()

    def __init__(self, *lines: str) -> None:
        super().__init__()
        self._lines = list(lines)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=8192, model_name="said")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self._lines.pop(0))

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Generator[CompletionResponse, None, None]:
        text = self.complete(prompt).text
        yield CompletionResponse(text=text, delta=text)


class Calling(FunctionCallingLLM):
    """A model that calls one tool, then repeats what that said."""

    _tool: str = PrivateAttr()
    _question: str = PrivateAttr()

    def __init__(self, tool: str, question: str) -> None:
        super().__init__()
        self._tool, self._question = tool, question

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=8192, is_chat_model=True, is_function_calling_model=True)

    def _answered(self, messages: Sequence[ChatMessage]) -> ChatResponse:
        heard = [one.content for one in messages if one.role == MessageRole.TOOL]
        text = f"The tool says: {heard[-1]}" if heard else ""
        return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=text)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._answered(messages)

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        return self._answered(messages)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        yield self._answered(messages)

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse, None]:
        async def said() -> AsyncGenerator[ChatResponse, None]:
            yield self._answered(messages)

        return said()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(self, tools: Sequence[BaseTool], **kwargs: Any) -> dict[str, Any]:
        return {
            "messages": [*(kwargs.get("chat_history") or []), *([kwargs["user_msg"]] if kwargs.get("user_msg") else [])]
        }

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        if response.message.content:
            return []
        return [ToolSelection(tool_id="1", tool_name=self._tool, tool_kwargs={"input": self._question})]


class Heard(BaseEventHandler):
    """Which events of the instrumentation there were."""

    _names: list[str] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "heard"

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._names.append(type(event).__name__)


@pytest.fixture
def heard() -> Iterator[list[str]]:
    root, handler = get_dispatcher(), Heard()
    root.add_event_handler(handler)
    yield handler._names
    root.event_handlers.remove(handler)


def test_they_are_what_they_say(samples: RagApp) -> None:
    assert isinstance(samples.as_retriever(), BaseRetriever)
    assert isinstance(samples.as_query_engine(), BaseQueryEngine)
    assert isinstance(samples.as_chat_engine(), BaseChatEngine)
    assert isinstance(samples.as_tool(), QueryEngineTool)


def test_nodes_say_where_they_are_from_and_keep_their_ids(samples: RagApp) -> None:
    retriever = samples.as_retriever(limit=3, filters=Filters(types=("pdf",)))
    nodes = retriever.retrieve("How much memory does the 8B model need?")
    passages = samples.retrieve("How much memory does the 8B model need?", None, 3, Filters(types=("pdf",))).passages
    assert [node.score for node in nodes] == [passage.score for passage in passages]
    for node, passage in zip(nodes, passages, strict=True):
        about = node.node.metadata
        assert node.get_content() == passage.text
        assert about["file_path"] == str(passage.path)
        assert (about["file_name"], about["page"], about["page_label"]) == (
            passage.document,
            passage.page,
            str(passage.page),
        )
        assert about["label"] == passage.where()
        assert about["score"] == passage.score
        source = node.node.relationships[NodeRelationship.SOURCE]
        assert source.node_id == str(passage.path)  # type: ignore[union-attr]
    again = asyncio.run(retriever.aretrieve("How much memory does the 8B model need?"))
    assert [node.node_id for node in again] == [node.node_id for node in nodes]
    assert len({node.node_id for node in nodes}) == len(nodes)


def test_an_answer_has_its_sources(samples: RagApp) -> None:
    response = samples.as_query_engine().query(QUESTION)
    assert isinstance(response, CitedResponse)
    answer = samples.ask(QUESTION)
    assert response.answer == answer
    assert str(response) == answer.text
    cited = [node for node in response.source_nodes if "citation" in node.metadata]
    assert [node.metadata["citation"] for node in cited] == [one.number for one in answer.citations]
    for node, citation in zip(cited, answer.citations, strict=True):
        assert node.metadata["quote"] == citation.quote
        assert node.metadata["file_name"] == citation.document
    assert response.metadata is not None
    assert set(response.metadata) == {node.node_id for node in response.source_nodes}


def test_streams(samples: RagApp) -> None:
    engine = samples.as_query_engine(streaming=True)
    whole = samples.ask(QUESTION).text
    response = engine.query(QUESTION)
    assert isinstance(response, StreamingResponse)
    assert response.source_nodes
    assert "".join(response.response_gen) == whole

    async def main() -> None:
        beside = await engine.aquery(QUESTION)
        assert isinstance(beside, AsyncStreamingResponse)
        assert "".join([piece async for piece in beside.async_response_gen()]) == whole
        finished = await samples.as_query_engine().aquery(QUESTION)
        assert str(finished) == whole

    asyncio.run(main())


def test_callbacks_and_instrumentation_hear_of_it(samples: RagApp, heard: list[str]) -> None:
    debug = LlamaDebugHandler(print_trace_on_end=False)
    engine = samples.as_query_engine()
    engine.callback_manager = CallbackManager([debug])
    engine.query(QUESTION)
    asyncio.run(engine.aquery(QUESTION))
    for kind in (CBEventType.QUERY, CBEventType.RETRIEVE, CBEventType.SYNTHESIZE):
        assert len(debug.get_event_pairs(kind)) == 2
    told = ["QueryStartEvent", "RetrievalStartEvent", "RetrievalEndEvent", "SynthesizeStartEvent", "SynthesizeEndEvent"]
    assert [name for name in heard if name.startswith(("Query", "Retrieval", "Synthesize"))] == [
        *told,
        "QueryEndEvent",
    ] * 2
    heard.clear()
    samples.as_retriever().retrieve(QUESTION)
    assert heard == ["RetrievalStartEvent", "RetrievalEndEvent"]


def test_a_chat(samples: RagApp) -> None:
    engine = samples.as_chat_engine()
    first = engine.chat(QUESTION)
    assert first.source_nodes[0].metadata["citation"] == 1
    streamed = engine.stream_chat("And on Linux?")
    assert "".join(streamed.response_gen) == engine.chat_history[-1].content
    assert streamed.source_nodes
    assert [one.role.value for one in engine.chat_history] == ["user", "assistant"] * 2
    assert engine.conversation is not None
    again = samples.as_chat_engine(engine.conversation)
    assert again.chat_history == engine.chat_history
    engine.reset()
    assert engine.chat_history == []
    samples.conversation(again.conversation).delete()


def test_a_chat_from_a_history_that_somebody_else_keeps(samples: RagApp) -> None:
    before = len(samples.conversations())
    history = [
        ChatMessage(role=MessageRole.USER, content=QUESTION),
        ChatMessage(role=MessageRole.ASSISTANT, content="It is server.log. [1]"),
    ]

    async def main() -> None:
        engine = samples.as_chat_engine()
        response = await engine.astream_chat("And on macOS?", history)
        text = "".join([piece async for piece in response.async_response_gen()])
        assert [one.content for one in engine.chat_history][-2:] == ["And on macOS?", text]
        later = await engine.achat("What is a KV cache?")
        assert engine.chat_history[-1].content == later.response
        assert len(engine.chat_history) == 6

    asyncio.run(main())
    assert len(samples.conversations()) == before


def test_their_retriever_evaluator(samples: RagApp) -> None:
    retriever = samples.as_retriever()
    wanted = retriever.retrieve(QUESTION)[0].node_id
    evaluator = RetrieverEvaluator.from_metric_names(["mrr", "hit_rate"], retriever=retriever)
    result = evaluator.evaluate(QUESTION, expected_ids=[wanted])
    assert result.metric_vals_dict == {"mrr": 1.0, "hit_rate": 1.0}


def test_their_answer_evaluators(samples: RagApp) -> None:
    response = samples.as_query_engine().query(QUESTION)
    for evaluator in (FaithfulnessEvaluator(llm=Said("YES")), RelevancyEvaluator(llm=Said("YES"))):
        result = evaluator.evaluate_response(query=QUESTION, response=response)  # type: ignore[arg-type]
        assert result.passing
        assert result.contexts == [node.get_content() for node in response.source_nodes]


def test_inside_a_router(samples: RagApp) -> None:
    tools = [samples.as_tool("english", filters=Filters(types=("pdf",))), samples.as_tool("notes")]
    selector = LLMSingleSelector.from_defaults(llm=Said('[{"choice": 2, "reason": "notes"}]'))
    router = RouterQueryEngine(selector, tools, llm=MockLLM())
    response = router.query(QUESTION)
    assert str(response) == samples.ask(QUESTION).text
    assert response.metadata is not None
    assert response.metadata["selector_result"].ind == 1


def test_inside_sub_questions(samples: RagApp) -> None:
    asked = (
        '```json\n{"items": [{"sub_question": "Where is the Ollama server log on Windows?", "tool_name": "notes"}, '
        '{"sub_question": "What is a KV cache?", "tool_name": "notes"}]}\n```'
    )
    engine = SubQuestionQueryEngine.from_defaults(
        [samples.as_tool("notes")],
        llm=MockLLM(),
        question_gen=LLMQuestionGenerator.from_defaults(llm=Said(asked)),
        verbose=False,
        use_async=True,
    )
    response = engine.query("Where is the log, and what is a KV cache?")
    answers = "\n".join(node.get_content() for node in response.source_nodes)
    assert samples.ask(QUESTION).text in answers
    assert samples.ask("What is a KV cache?").text in answers


def test_inside_agents(samples: RagApp) -> None:
    tool = samples.as_tool()
    assert tool.metadata.name == "ask_default"
    assert "Ollama cheat sheet" in (tool.metadata.description or "")
    answer = samples.ask(QUESTION).text

    async def main() -> None:
        calling = FunctionAgent(tools=[tool], llm=Calling("ask_default", QUESTION))
        assert str(await calling.run(QUESTION)).strip() == f"The tool says: {answer}"
        thinking = Said(
            f'Thought: I need the tool.\nAction: ask_default\nAction Input: {{"input": "{QUESTION}"}}',
            "Thought: I can answer without using any more tools.\nAnswer: server.log",
        )
        handler = ReActAgent(tools=[tool], llm=thinking).run(QUESTION)
        outputs = [event async for event in handler.stream_events() if type(event).__name__ == "ToolCallResult"]
        assert str(await handler) == "server.log"
        assert [str(one.tool_output) for one in outputs] == [answer]  # type: ignore[attr-defined]

    asyncio.run(main())


def test_inside_their_other_engines(samples: RagApp) -> None:
    fused = QueryFusionRetriever([samples.as_retriever(), samples.as_retriever(limit=2)], llm=MockLLM(), num_queries=1)
    assert fused.retrieve(QUESTION)
    engine = RetrieverQueryEngine.from_args(samples.as_retriever(limit=1), llm=MockLLM())
    assert "server.log" in str(engine.query(QUESTION))  # MockLLM repeats its prompt
    from llama_index.core.indices.query.query_transform.base import IdentityQueryTransform

    transformed = TransformQueryEngine(samples.as_query_engine(), IdentityQueryTransform())
    assert str(transformed.query(QUESTION)) == samples.ask(QUESTION).text


def test_tools_have_names_that_models_can_call(samples: RagApp) -> None:
    samples.create_knowledge_base("合同 & papers")
    samples.create_knowledge_base("合同")
    try:
        assert samples.as_tool(kb="合同 & papers").metadata.name == "ask_papers"
        tool = samples.as_tool(kb="合同", language="zh", return_direct=True)
        assert tool.metadata.name == "ask_documents"
        assert "知识库 合同" in (tool.metadata.description or "")
        assert tool.metadata.return_direct
    finally:
        samples.delete_knowledge_base("合同 & papers")
        samples.delete_knowledge_base("合同")


def test_the_answering_model_as_an_llm(samples: RagApp) -> None:
    model = ScriptedModel(lambda messages: f"I heard {messages[-1].text}")
    with RagApp.open(data_dir=samples.settings.data_dir, parts=Parts(model=model)) as app:
        llm = app.as_llm()
        assert llm.metadata.model_name == "scripted"
        assert llm.metadata.context_window == 8192
        hello = [ChatMessage(role=MessageRole.USER, content="hello there")]
        assert str(llm.complete("hello")).strip() == "I heard hello"
        assert [one.delta for one in llm.stream_chat(hello)] == ["I ", "heard ", "hello ", "there "]

        async def main() -> None:
            assert str((await llm.achat(hello)).message.content).strip() == "I heard hello there"
            stream = await llm.astream_complete("hello")
            assert [one.text async for one in stream][-1].strip() == "I heard hello"

        asyncio.run(main())
        written = app.as_query_engine().synthesize(  # by their synthesizer, from any nodes
            _bundle(QUESTION), app.as_retriever(limit=1).retrieve(QUESTION)
        )
        assert "server.log" in str(written)


def _bundle(question: str) -> Any:
    from llama_index.core.schema import QueryBundle

    return QueryBundle(question)


@pytest.mark.slow
def test_with_a_real_model(samples: RagApp, small_llm: GgufModel) -> None:
    """The small real model writes, and judges through LlamaIndex's evaluator; one short passage, as it reads slowly."""
    brief: dict[str, Any] = {"answer_tokens": 64, "passages": 1, "passage_tokens": 256}
    with RagApp.open(data_dir=samples.settings.data_dir, parts=Parts(model=small_llm), **brief) as app:
        streamed = app.as_query_engine(streaming=True).query(QUESTION)
        assert isinstance(streamed, StreamingResponse)
        assert "".join(streamed.response_gen)
        result = FaithfulnessEvaluator(llm=app.as_llm()).evaluate(
            query=QUESTION, response="The log is server.log.", contexts=[streamed.source_nodes[0].get_content()[:300]]
        )
        assert result.feedback
