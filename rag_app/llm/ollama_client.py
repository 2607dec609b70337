"""The official Ollama client with what it lacks; the only ollama and httpx imports."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import ollama

from ..errors import ModelError, OllamaUnreachable
from .ollama_errors import refusal

CONNECT_SECONDS = 3.0
_LIGHT_SECONDS = 10.0  # for what Ollama answers at once, also while a model is loading or writing


class Client(ollama.AsyncClient):
    """Requests with fields and answers that the client's own methods do not have, their failures as our errors.

    Its methods know no ``truncate`` and ``shift`` and drop ``capabilities``, ``context_length`` and ``verbose``; its
    lines end wherever Unicode knows a line's end, in the middle of a JSON text too. Redirects are not followed: they
    could lead to an address that nobody set. There is no limit of time to a model's answer.
    """

    def __init__(self, url: str) -> None:
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        try:
            super().__init__(
                url,
                timeout=timeout,
                follow_redirects=False,
                trust_env=not is_this_machine(url),  # a proxy must never catch this machine's own
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
                **({} if url.startswith("https") else {"verify": False}),  # certificates take 30 ms to read
            )
        except (ImportError, ValueError) as error:  # httpx reads the proxy variables; socks needs a package more
            raise ModelError("ollama.bad_proxy", url=url, cause=type(error).__name__) from error
        self._url = url

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, model: str = "", light: bool = True
    ) -> dict[str, Any]:
        """One answer.

        Args:
            light: whether the server answers such a request at once, so that silence is a failure.

        Raises:
            ModelError.
        """
        timeout = httpx.Timeout(_LIGHT_SECONDS if light else None, connect=CONNECT_SECONDS)
        with self.errors(model):
            answer = await self._checked(method, path, json=body, timeout=timeout)
            found = answer.json() if answer.content else {}
            if not isinstance(found, dict):
                raise TypeError(type(found).__name__)
            return found

    async def lines(self, path: str, body: dict[str, Any], *, model: str = "") -> AsyncGenerator[dict[str, Any], None]:
        """The records of a streamed answer, as they arrive.

        Raises:
            ModelError.
        """
        with self.errors(model):
            async with self._client.stream("POST", path, json=body) as answer:
                if answer.is_error or answer.is_redirect:
                    await answer.aread()
                    raise refusal(answer.status_code, answer.text, self._url, model)
                async for line in _lines(answer.aiter_bytes()):
                    record = json.loads(line)
                    if record.get("error"):
                        raise refusal(-1, line.decode(), self._url, model)
                    if not isinstance(record.get("message") or {}, dict):
                        raise TypeError(type(record["message"]).__name__)
                    yield record

    async def _checked(self, *arguments: Any, **named: Any) -> httpx.Response:
        request: Any = self._request_raw  # the package has no annotations
        answer: httpx.Response = await request(*arguments, **named)
        return answer

    @contextmanager
    def errors(self, model: str = "") -> Iterator[None]:
        """What goes wrong within it, the reading of an answer too, becomes one of our errors.

        Raises:
            ModelError.
        """
        url = self._url
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
            raise OllamaUnreachable("ollama.unreachable", url=url) from error
        except httpx.TimeoutException as error:
            raise ModelError("ollama.silent", url=url, seconds=f"{_LIGHT_SECONDS:.0f}") from error
        except httpx.TransportError as error:
            raise ModelError("ollama.broke_off", url=url, cause=type(error).__name__) from error
        except ollama.ResponseError as error:
            raise refusal(error.status_code, str(error.error), url, model) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # no JSON, or not Ollama's
            raise ModelError("ollama.not_ollama", url=url, cause=type(error).__name__) from error


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Cut at newlines alone; a character may be cut anywhere between two pieces."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
    if rest.strip():
        yield rest


def is_this_machine(url: str) -> bool:
    """Whether an address is this machine's own, so that no proxy is asked and its memory is what counts."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
