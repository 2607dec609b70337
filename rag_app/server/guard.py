"""What a request has to pass before it is read: the name it came by, the page it came from, its key, its size.

A page elsewhere can let a browser's name for it point at this computer (DNS rebinding): hence names. It can send what
needs no leave of ours, forms and plain text, but read no answer: hence the look at ``Origin`` there. Programs with a
browser inside them have origins of all kinds, so JSON, which a browser asks leave for, is not refused for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.errors import UserError
from ingest.messages import Language

from .failures import ApiError, response, spoken
from .keys import Keeper

MOST_JSON_BYTES = 64 << 20  # a question with pictures
_MOST_CHECKS = 16  # keys that wait to be looked at
_OPEN = ("/health", "/docs", "/openapi.json")
_OPEN_FOLDER = "/docs/"
_UPLOADS = "/documents"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
}


class Guard:
    """ASGI middleware.

    Args:
        names: by which the server may be reached. origins: pages that may use it from a browser.
        upload_bytes: most of a body that is a file; others have :data:`MOST_JSON_BYTES`.
        language: of refusals where the request asks for none.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keeper: Keeper,
        names: Sequence[str],
        origins: Sequence[str],
        upload_bytes: int,
        language: Language,
    ) -> None:
        self._app = app
        self._keeper = keeper
        self._names = {name.lower() for name in names}
        self._origins = {origin.lower() for origin in origins}
        self._upload_bytes = upload_bytes
        self._language = language
        self._checks = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["language"] = spoken(headers.get("accept-language", ""), self._language)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            self._check_name(headers)
            self._check_origin(scope, headers)
            state["role"] = await self._role(scope, headers)
            most = self._most(scope, headers)
        except UserError as error:
            await response(error, state["language"])(scope, receive, send_guarded)
            return
        await self._app(scope, _bounded(receive, most), send_guarded)

    def _check_name(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if _hostname(host) not in self._names:
            raise ApiError(421, "unknown_host", "api.bad_host", host=host[:100] or "-")

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin", "").lower()
        if not origin or scope["method"] in ("GET", "HEAD", "OPTIONS") or _is_json(headers):
            return
        if origin not in self._origins and urlsplit(origin).netloc != headers.get("host", "").lower():
            raise ApiError(403, "foreign_origin", "api.bad_origin", origin=origin[:100])

    async def _role(self, scope: Scope, headers: Headers) -> str | None:
        if self._keeper.is_open:
            return "admin"
        path = scope["path"]
        if path in _OPEN or path.startswith(_OPEN_FOLDER):
            return None
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key.strip():
            raise ApiError(401, "missing_api_key", "api.no_key", headers={"WWW-Authenticate": "Bearer"})
        if self._checks >= _MOST_CHECKS:
            raise ApiError(429, "too_many_keys", "api.busy")
        self._checks += 1
        try:
            role = await run_in_threadpool(self._keeper.role, key.strip())
        finally:
            self._checks -= 1
        if role is None:
            raise ApiError(401, "invalid_api_key", "api.bad_key", headers={"WWW-Authenticate": "Bearer"})
        return role

    def _most(self, scope: Scope, headers: Headers) -> int:
        """Bytes that the body may have; what announces more is not read at all."""
        upload = scope["path"].endswith(_UPLOADS) and not _is_json(headers)
        most = self._upload_bytes if upload else MOST_JSON_BYTES
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise too_large(most)
        return most


def _bounded(receive: Receive, most: int) -> Receive:
    """The same, for bodies that do not say how long they are.

    Raises:
        HTTPException: 413; FastAPI lets no error of ours through while it reads a body.
    """
    read = 0

    async def receive_counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413, str(most))
        return message

    return receive_counted


def too_large(most: int) -> ApiError:
    """A body of more than ``most`` bytes."""
    headers = {"Connection": "close"}
    return ApiError(413, "request_too_large", "api.too_large", most=most >> 20, headers=headers)


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
