"""Requests to one OpenAI-compatible server through the official client; the only openai and httpx2 imports.

The client reads some ten ``OPENAI_*`` variables of the environment and tells every server about this machine
(``X-Stainless-*``). Neither is ours to do: whatever it prepares, only the headers named here leave.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ..errors import ModelError
from .openai_errors import refusal

if TYPE_CHECKING:
    import httpx2
    import openai

_CONNECT_SECONDS = 5.0
_ASK_SECONDS = 60.0  # for what needs no model
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HEADERS = frozenset(
    "host accept accept-encoding connection content-type content-length transfer-encoding user-agent".split()
)


class OpenAiClient:
    """Used in one event loop only.

    Args:
        url: with or without ``/v1``.
        api_key: sent as a bearer token; empty for none. It is never part of an error.
    """

    def __init__(self, url: str, api_key: str) -> None:
        url = url.rstrip("/")
        self.url = url if urlsplit(url).path else f"{url}/v1"
        self.root = self.url.removesuffix("/v1")
        self._api_key = api_key
        self._client: openai.AsyncOpenAI | None = None

    async def ask(
        self, method: Literal["GET", "POST"], path: str, body: Mapping[str, object] | None = None, model: str = ""
    ) -> dict[str, Any]:
        """What the server answers.

        Args:
            path: below the server's root, ``/v1/models`` say.

        Raises:
            ModelError: NoSuchPath and StillLoading among them.
        """
        # the address may carry a path of its own, in place of /v1 or before it
        url = self.url + path.removeprefix("/v1") if path.startswith("/v1/") else self.root + path
        with self._errors(model, path):
            if method == "GET":
                found = await self._made().get(url, cast_to=object, options={"timeout": _ASK_SECONDS})
            else:
                found = await self._made().post(url, body=body, cast_to=object, options={"timeout": _ASK_SECONDS})
        if not isinstance(found, dict):
            raise ModelError("openai.wrong_address", url=self.url, cause=path)
        return found

    async def chat(
        self, request: Mapping[str, Any], extra: Mapping[str, Any], model: str
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of an answer; leaving early closes the connection, which ends the work on the server.

        Args:
            extra: parameters that only this kind of server has.

        Raises:
            ModelError: before the first chunk, or between two.
        """
        with self._errors(model):
            stream: Any = await self._made().chat.completions.create(**request, stream=True, extra_body=extra or None)
            try:
                if "text/event-stream" not in stream.response.headers.get("content-type", ""):
                    raise ModelError("openai.wrong_address", url=self.url, cause="/chat/completions")
                async for chunk in stream:
                    yield _checked(chunk.to_dict(warnings=False))
            finally:
                await stream.close()

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _made(self) -> openai.AsyncOpenAI:
        if self._client is None:
            import httpx2
            import openai

            # a model that reads or loads is silent for minutes
            timeout = httpx2.Timeout(None, connect=_CONNECT_SECONDS)
            http = httpx2.AsyncClient(
                timeout=timeout,
                # llama.cpp closes idle connections unannounced: one that is used again may just have been
                limits=httpx2.Limits(max_keepalive_connections=0),
                trust_env=urlsplit(self.url).hostname not in _LOOPBACK,  # a proxy must never catch this machine's own
                follow_redirects=False,  # prompts go to the configured address and nowhere else
                event_hooks={"request": [self._only_ours]},
            )
            self._client = openai.AsyncOpenAI(
                api_key="-", base_url=self.url, timeout=timeout, max_retries=0, http_client=http
            )
        return self._client

    async def _only_ours(self, request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _HEADERS:
                del request.headers[name]
        request.headers["user-agent"] = "rag-app"
        if self._api_key:
            request.headers["authorization"] = f"Bearer {self._api_key}"

    @contextmanager
    def _errors(self, model: str, asked: str = "") -> Iterator[None]:
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise refusal(error.status_code, error.body, url=self.url, model=model, asked=asked) from error
        except (openai.APIConnectionError, httpx2.TransportError) as error:
            raise self._unreached(error) from error
        except openai.APIError as error:  # inside a stream
            raise refusal(0, error.body or error.message, url=self.url, model=model) from error
        except (
            openai.OpenAIError,
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            TypeError,
            AttributeError,
        ) as error:
            raise ModelError("openai.wrong_address", url=self.url, cause=type(error).__name__) from error

    def _unreached(self, error: BaseException) -> ModelError:
        import httpx2

        chain = list(_chain(error))
        for cause in chain:
            if isinstance(cause, ssl.SSLError):
                reason = getattr(cause, "verify_message", "") or cause.reason or type(cause).__name__
                return ModelError("openai.no_trust", url=self.url, cause=reason)
        if any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError) for cause in chain):
            return ModelError("openai.unreachable", url=self.url)
        inner = error.__cause__ or error
        return ModelError("openai.broke_off", url=self.url, cause=type(inner).__name__)


def _checked(chunk: dict[str, Any]) -> dict[str, Any]:
    choices = chunk.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(one.get("delta") or {}, dict) for one in choices):
        raise TypeError
    return chunk


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
