"""Any local GGUF file, LLaMA 3 included, without Ollama: llama.cpp in a worker process of its own.

We speak to it as to any OpenAI-compatible server, on this machine and with a key that only the two of us know. A crash
costs the answer under way; the next question starts a new process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import ModelError, NotSupported, PromptTooLong
from ..protocols import ChatMessage, ChatStream, ModelDescription, ModelPiece
from .background import EventLoop
from .gguf_file import GgufFile, read_gguf
from .gguf_process import Worker, start_worker
from .hardware import free_memory, memory_for_models
from .openai_client import OpenAiClient
from .openai_endpoint import Asked, Endpoint
from .waiting import Stages


@dataclass(frozen=True, slots=True)
class _Running:
    worker: Worker
    endpoint: Endpoint

    async def end(self) -> None:
        await self.endpoint.client.close()
        await self.worker.end()


class GgufModel:
    """Implements :class:`rag_app.protocols.ChatModel`.

    Args:
        loop: runs the requests; closed by whoever made it, after this.
        path: of the file; of the first where the model comes in several.
        context_tokens: most of prompt and answer together; never above what the model was trained for.
    """

    def __init__(self, loop: EventLoop, path: Path, context_tokens: int) -> None:
        self.name = path.stem
        self._loop = loop
        self._path = path
        self._context_tokens = context_tokens
        self._file: GgufFile | None = None
        self._starting: asyncio.Task[_Running] | None = None
        self._waiting = 0

    def describe(self) -> ModelDescription:
        """What the file's header says; the model need not be loaded for it.

        Raises:
            ModelError: the file is missing, no GGUF or damaged. NotSupported: it can't chat.
        """
        file = self._header()
        return ModelDescription(
            name=self.name,
            provider="gguf",
            context_tokens=self._context(file),
            trained_context=file.trained_context,
            parameters=file.parameters,
            quantization=file.quantization,
            size=file.size,
            kv_bytes=file.kv_bytes,
            thinking=file.thinks,
            counts_exactly=True,
        )

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt as the model counts them; it is loaded for it.

        Raises:
            ModelError.
        """
        return self._loop.run(self._count(tuple(messages)))

    def stream(
        self, messages: Sequence[ChatMessage], *, answer_tokens: int, schema: dict[str, object] | None = None
    ) -> ChatStream:
        """The answer as it is written; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            PromptTooLong, NotSupported, ModelError; while iterating.
        """
        asked = Asked(tuple(messages), answer_tokens, schema, time.monotonic())
        return self._loop.iterate(lambda: self._answer(asked))

    def prepare(self) -> ChatStream:
        """Start the process, which also counts prompts; see :class:`rag_app.protocols.ChatModel`.

        Raises:
            NotSupported, ModelError; while iterating.
        """
        began = time.monotonic()
        return self._loop.iterate(lambda: self._prepared(began))

    def preload(self) -> None:
        """Have the model in memory; returns when it is there.

        Raises:
            ModelError.
        """
        self._loop.run(self._running())

    def close(self) -> None:
        """End the process."""
        self._loop.run(self._close())

    async def _answer(self, asked: Asked) -> AsyncGenerator[ModelPiece, None]:
        if any(message.images for message in asked.messages):
            raise NotSupported("gguf.no_images", model=self.name)
        async for piece in self._prepared(asked.began):
            yield piece
        running = await self._running()
        try:
            async with aclosing(running.endpoint.pieces(asked)) as pieces:
                async for piece in pieces:
                    yield piece
        except PromptTooLong as error:
            raise PromptTooLong("gguf.too_long", tokens=error.tokens, context=error.context, model=self.name) from error
        except ModelError as error:
            await self._explain(running, error)
            raise

    async def _prepared(self, began: float) -> AsyncGenerator[ModelPiece, None]:
        if not self._is_running():
            file = await asyncio.to_thread(self._header)
            yield Stages(self.name, began).piece("loading", size=file.size)
            await self._running()

    async def _count(self, messages: Sequence[ChatMessage]) -> int:
        running = await self._running()
        try:
            return await running.endpoint.count(messages)
        except ModelError as error:
            await self._explain(running, error)
            raise

    async def _explain(self, running: _Running, error: ModelError) -> None:
        """A connection that broke because the process ended is not the connection's fault.

        Raises:
            ModelError: that is so.
        """
        if error.message.key in ("openai.broke_off", "openai.unreachable") and await running.worker.died():
            raise ModelError("gguf.crashed", model=self.name, cause=running.worker.cause()) from error

    def _is_running(self) -> bool:
        task = self._starting
        return task is not None and task.done() and not _has_failed(task) and task.result().worker.is_alive

    async def _running(self) -> _Running:
        """The process, started where there is none. A start that nobody waits for any more is stopped."""
        task = self._starting
        if task is None or (task.done() and not self._is_running()):
            task = self._starting = asyncio.create_task(self._start(task))
        self._waiting += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting -= 1
            if not self._waiting and not task.done():
                task.cancel()

    async def _start(self, before: asyncio.Task[_Running] | None) -> _Running:
        if before is not None and not _has_failed(before):
            await before.result().end()
        if find_spec("xllamacpp") is None:
            raise ModelError("gguf.not_installed")
        file = await asyncio.to_thread(self._header)
        context = self._context(file)
        await asyncio.to_thread(self._check_memory, file, context)
        worker = await start_worker(file.path, context)
        return _Running(worker, Endpoint(OpenAiClient(worker.address, worker.key), self.name, context))

    def _check_memory(self, file: GgufFile, context: int) -> None:
        """Better said than tried: a system without memory kills what it likes."""
        needed = file.size + round((file.kv_bytes or 0.0) * context)
        free = max(free_memory(), memory_for_models())
        if needed > free:
            gb = {"needed": f"{needed / 1e9:.1f}", "free": f"{free / 1e9:.1f}"}
            raise ModelError("gguf.no_memory", model=self.name, context=context, **gb)

    async def _close(self) -> None:
        task, self._starting = self._starting, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        if not _has_failed(task):
            await task.result().end()

    def _header(self) -> GgufFile:
        if self._file is None:
            self._file = read_gguf(self._path.expanduser())
        return self._file

    def _context(self, file: GgufFile) -> int:
        return min(self._context_tokens, file.trained_context or self._context_tokens)


def _has_failed(task: asyncio.Task[_Running]) -> bool:
    return task.cancelled() or task.exception() is not None
