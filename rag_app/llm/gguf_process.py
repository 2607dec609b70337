"""A worker process with a GGUF model, seen from ours."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError

_LINES = 40  # of its log that are kept, in memory only
_END_SECONDS = 2.0
_NO_MEMORY = re.compile(
    r"out of memory|failed to allocate|unable to allocate|cudaMalloc|bad_alloc|buffer allocation", re.IGNORECASE
)
_UNKNOWN = re.compile(r"unknown (?:model architecture|pre-tokenizer type): '([^']*)'")
_STAMP = re.compile(r"^[\d.]+ [A-Z] ")

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW  # also keeps Ctrl-C away from it
else:
    _FLAGS = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that has its model loaded.

    Attributes:
        key: without it the process answers nobody; it is never on a command line or in an environment.
    """

    process: asyncio.subprocess.Process
    address: str
    key: str
    log: deque[str]
    reading: asyncio.Task[None]

    @property
    def is_alive(self) -> bool:
        """Whether it can still answer."""
        return self.process.returncode is None

    async def died(self) -> bool:
        """Whether it has ended, or ends within a moment: its connections break before its end is known."""
        try:
            await asyncio.wait_for(asyncio.shield(self.process.wait()), _END_SECONDS)
        except TimeoutError:
            return False
        return True

    def cause(self) -> str:
        """Why it ended, as far as it told."""
        return _said(self.log) or _status(self.process.returncode)

    async def end(self) -> None:
        """End it at once, whatever it is doing."""
        await _end(self.process, self.reading)


async def start_worker(path: Path, context_tokens: int) -> Worker:
    """A process with the model loaded; cancelling this ends it.

    Raises:
        ModelError: it can't be started or can't load the model.
    """
    # our paths come last: a module of the caller's folder must never stand in for one of Python's own
    code = "import sys; sys.path += sys.argv[1:]; from rag_app.llm.gguf_worker import main; main()"
    paths = [folder or str(Path.cwd()) for folder in sys.path]
    key = secrets.token_urlsafe(32)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", code, *paths),  # -P: modules are never taken from the working folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=_FLAGS,
            start_new_session=True,  # Ctrl-C stops an answer, not the model
        )
    except OSError as error:
        raise ModelError("gguf.no_process", cause=error.strerror or error) from error
    log: deque[str] = deque(maxlen=_LINES)
    reading = asyncio.create_task(_read_log(process, log))
    try:
        request = {"path": str(path), "context_tokens": context_tokens, "key": key}
        address = await _load(process, request)
        if address is None:
            await process.wait()
            await reading
            raise _load_error(path, context_tokens, log, process.returncode)
    except BaseException:
        await _end(process, reading)
        raise
    return Worker(process, address, key, log, reading)


async def _load(process: asyncio.subprocess.Process, request: dict[str, object]) -> str | None:
    """Its address when the model is loaded, None when it ended instead."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return None
    line = await process.stdout.readline()
    return str(json.loads(line)["address"]) if line.endswith(b"\n") else None


def _load_error(path: Path, context_tokens: int, log: deque[str], status: int | None) -> ModelError:
    text = "\n".join(log)
    if _NO_MEMORY.search(text):
        return ModelError("gguf.no_memory_left", path=path, context=context_tokens)
    if unknown := _UNKNOWN.search(text):
        return ModelError("gguf.too_new", path=path, kind=unknown[1])
    return ModelError("gguf.not_loaded", path=path, cause=_said(log) or _status(status))


def _said(log: deque[str]) -> str:
    """The first error of its log, which the others follow from; of a traceback the last line."""
    errors = [_STAMP.sub("", line).strip() for line in log if re.match(r"[\d.]+ E ", line)]
    telling = [line for line in errors if "error" in line or "failed" in line]
    others = [line.strip() for line in log if line.strip()]
    return (telling or errors or others[-1:] or [""])[0][:300]


def _status(status: int | None) -> str:
    """An end by a signal, SIGKILL for want of memory say, is a negative status."""
    return f"status {status}"


async def _read_log(process: asyncio.subprocess.Process, log: deque[str]) -> None:
    assert process.stderr is not None  # noqa: S101
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:  # longer than anybody wants to know
            continue
        if not line:
            return
        log.append(line.decode("utf-8", "replace").rstrip())


async def _end(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
    reading.cancel()
