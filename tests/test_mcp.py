"""The MCP server, talked to by the official client, unmodified: in memory, over pipes, and over HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from rag_app import RagApp, hash_password
from rag_app.mcp_server.tools import create_server
from rag_app.server.keys import new_key

from .conftest import NOBODY
from .scripted import ScriptedModel
from .serving import served

LOG = "Where is the Ollama server log on Windows?"
TOOLS = {"search", "ask", "list_knowledge_bases", "list_documents", "read_pages"}


def run(talk: Callable[[], Any]) -> None:
    anyio.run(talk)


@asynccontextmanager
async def over_pipes(rag: RagApp, errors: Path) -> AsyncIterator[Client]:
    """``rag-app mcp`` as a process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")} | {
        "RAG_DATA_DIR": str(rag.settings.data_dir),
        "RAG_MODEL_DIR": str(rag.settings.model_dir),
        "RAG_ANSWERS": "quotes",
        "RAG_LANGUAGE": "en",
    }
    started = StdioServerParameters(command=sys.executable, args=["-m", "rag_app", "mcp"], env=environment)
    with errors.open("w", encoding="utf-8") as log:
        async with Client(stdio_client(started, errlog=log)) as client:
            yield client


def test_a_cited_conversation_over_pipes(samples: RagApp, tmp_path: Path) -> None:
    async def talk() -> None:
        async with over_pipes(samples, tmp_path / "stderr.txt") as client:
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools} == TOOLS
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
            assert client.server_info is not None
            assert client.server_info.name == "rag-app"

            first = await client.call_tool("ask", {"question": LOG})
            said = first.content[0].text  # type: ignore[union-attr]
            assert "server.log [1]" in said
            assert "- [1] llama3-on-your-pc.pdf — p. 13" in said
            cited = first.structured_content["citations"][0]
            history = [{"role": "user", "text": LOG}, {"role": "assistant", "text": said}]
            more = await client.call_tool("ask", {"question": "And on Linux?", "history": history})
            assert "journalctl" in more.content[0].text  # type: ignore[union-attr]

            uri = f"rag-app://documents/{cited['document_id']}/pages/{cited['page']}"
            page = (await client.read_resource(uri)).contents[0].text  # type: ignore[union-attr]
            assert cited["quote"] in page
            with pytest.raises(MCPError, match="no page 999"):
                await client.read_resource(f"rag-app://documents/{cited['document_id']}/pages/999")

    run(talk)
    assert (tmp_path / "stderr.txt").read_text(encoding="utf-8") == ""


def test_what_the_tools_give(samples: RagApp) -> None:
    async def talk() -> None:
        async with Client(create_server(samples)) as client:
            found = await client.call_tool("search", {"question": LOG, "limit": 2})
            assert found.content[0].text.startswith("[1] llama3-on-your-pc.pdf, p. 13")  # type: ignore[union-attr]
            assert len(found.structured_content["passages"]) <= 2
            only = await client.call_tool("search", {"question": LOG, "documents": ["embeddings-explained.html"]})
            assert {one["document"] for one in only.structured_content["passages"]} <= {"embeddings-explained.html"}

            bases = await client.call_tool("list_knowledge_bases", {})
            assert bases.structured_content["knowledge_bases"][0]["name"] == "default"
            listed = await client.call_tool("list_documents", {"search": "llama3", "limit": 1})
            document = listed.structured_content["documents"][0]
            assert f"id {document['id']}: {document['document']}" in listed.content[0].text  # type: ignore[union-attr]
            pages = await client.call_tool("read_pages", {"document": document["id"], "limit": 2})
            assert len(pages.structured_content["pages"]) == 2

            refused = await client.call_tool("ask", {"question": "红烧肉怎么做才好吃？"})
            assert refused.structured_content["refused"] is True
            for wrong in ({"question": ""}, {"question": LOG, "knowledge_base": "nothing"}, {"question": 7}):
                assert (await client.call_tool("ask", wrong)).is_error

    run(talk)


def test_a_long_answer_tells_how_far_it_is(samples: RagApp, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel(lambda messages: "On Windows the log is at %LOCALAPPDATA%\\Ollama\\server.log [1].")
    monkeypatch.setattr("rag_app.llm.select.Models.chat_model", lambda models: model)
    told: list[tuple[float, str | None]] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def talk() -> None:
        changed = {"answers": "openai", "openai_url": NOBODY}
        with RagApp.open(samples.settings.model_copy(update=changed)) as rag:
            async with Client(create_server(rag)) as client:
                answer = await client.call_tool("ask", {"question": LOG}, progress_callback=tell)
                assert answer.structured_content["model"] == "scripted"

    run(talk)
    assert [number for number, _ in told] == sorted({number for number, _ in told})
    assert any("scripted" in (message or "") for _, message in told)


def test_over_http_behind_the_servers_keys(samples: RagApp) -> None:
    key = new_key("assistant")
    keys = {"assistant": f"reader:{hash_password(key)}"}

    async def talk(url: str) -> None:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as let_in:
            async with Client(streamable_http_client(f"{url}/mcp", http_client=let_in)) as client:
                assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
                found = await client.call_tool("search", {"question": LOG, "limit": 1})
                assert found.structured_content["passages"][0]["page"] == 13
            refused = await httpx2.AsyncClient().post(f"{url}/mcp", json={})
            assert refused.status_code == 401

    settings = samples.settings.model_copy(update={"api_keys": keys})
    settings = type(settings).model_validate(settings.model_dump())
    with RagApp.open(settings) as rag, served(rag) as url:
        anyio.run(talk, url)
