"""The server's application: routes, what stands before them, and errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from ingest.errors import UserError
from ingest.messages import Language

from ..addresses import listed, reachable_by
from ..app import RagApp
from ..settings import language
from . import api_docs, library, openai_chat, openai_models, questions
from .failures import ApiError, response
from .guard import Guard, too_large
from .house import House
from .keys import Keeper
from .working import Workshop

_QUIET: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_FAILED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What was asked can't be done.", "content": {"application/json": {"schema": _ERROR}}},
    "5XX": {"description": "The model or the storage failed.", "content": {"application/json": {"schema": _ERROR}}},
}
_ABOUT = """Ask your own documents: cited answers, in OpenAI's protocol and in one of its own.

Chat clients choose a model, so **a knowledge base is a model**: `rag:default`. Errors have OpenAI's shape; their
messages are Chinese or English, as `Accept-Language` says. Everything stays on the computer that this runs on.
"""


def create_app(rag: RagApp) -> FastAPI:
    """The ASGI application over an open app; the app stays the caller's to close."""
    settings = rag.settings
    house = House(rag, Workshop(settings.serve_questions), Keeper(settings))

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with _assistants(app, house):
            yield
        house.workshop.close()

    app = FastAPI(
        title="rag-app",
        version=version("rag-app"),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        telemetry=_QUIET,
        responses=_FAILED,
    )
    _guard(app, house, language(settings))
    bearer = HTTPBearer(auto_error=False, description="A key made by rag-app key; none is asked for while none is set.")
    for routes in (openai_chat.routes, openai_models.routes, library.routes, questions.routes):
        app.include_router(routes(house), dependencies=[Depends(bearer)])
    app.include_router(api_docs.routes())
    _describe_failures(app, language(settings))

    @app.get("/health", tags=["Server"])
    async def health() -> dict[str, str]:
        """Whether the server is there; no key is needed."""
        return {"status": "ok", "version": version("rag-app")}

    return app


def _assistants(app: FastAPI, house: House) -> AbstractAsyncContextManager[None]:
    """The Model Context Protocol at ``/mcp``, where the extra ``mcp`` is installed."""
    if find_spec("mcp") is None:
        return nullcontext()
    from ..mcp_server.tools import add_to, create_server

    return add_to(app, create_server(house.rag, house.workshop))


def _guard(app: FastAPI, house: House, spoken: Language) -> None:
    settings = house.rag.settings
    origins = listed(settings.serve_origins)
    app.add_middleware(
        Guard,
        keeper=house.keeper,
        names=reachable_by(settings.serve_host, listed(settings.serve_names)),
        origins=origins,
        upload_bytes=library.upload_bytes(settings.upload_mb),
        language=spoken,
    )
    if origins:  # outermost: a browser asks leave without a key
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Accept-Language"],
        )


def _describe_failures(app: FastAPI, otherwise: Language) -> None:
    """Whatever goes wrong has OpenAI's shape."""

    def spoken(request: Request) -> Language:
        found: Language = getattr(request.state, "language", otherwise)
        return found

    @app.exception_handler(UserError)
    async def ours(request: Request, error: UserError) -> JSONResponse:
        return response(error, spoken(request))

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        return response(_of_validation(error), spoken(request))

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        return response(_of_http(error, request), spoken(request))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        return response(ApiError(500, "internal_error", "api.failed", cause=type(error).__name__), spoken(request))


def _of_validation(error: RequestValidationError) -> ApiError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"][1:]]
    if first["type"] == "json_invalid":
        return ApiError(400, "bad_json", "api.bad_json", cause=first.get("ctx", {}).get("error", first["msg"]))
    if first["type"] == "extra_forbidden":
        return ApiError(400, "unknown_field", "api.unknown_field", param=".".join(where), field=where[-1])
    field = ".".join(where) or str(first["loc"][0])
    return ApiError(400, "bad_value", "api.bad_value", param=field, field=field, cause=first["msg"])


def _of_http(error: HTTPException, request: Request) -> ApiError:
    headers = error.headers
    if error.status_code == 404:
        return ApiError(404, "not_found", "api.no_route", path=request.url.path[:200], headers=headers)
    if error.status_code == 405:
        values = {"method": request.method, "path": request.url.path[:200]}
        return ApiError(405, "method_not_allowed", "api.no_method", headers=headers, **values)
    if error.status_code == 413:
        return too_large(int(error.detail))
    return ApiError(error.status_code, "bad_request", "api.bad_request", cause=error.detail, headers=headers)
