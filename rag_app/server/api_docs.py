"""``/docs``: the description of the API to read and try, with no file from another server.

FastAPI's own page loads Swagger UI from a content network, which would learn who reads it; the package
``fastapi-offline`` carries the same files.
"""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from .failures import ApiError

_FOLDER = Path(fastapi_offline.__file__).parent / "static"
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")


def routes() -> APIRouter:
    """The page and its files."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title="rag-app",
            swagger_js_url=f"docs/{_FILES[0]}",
            swagger_css_url=f"docs/{_FILES[1]}",
            swagger_favicon_url=f"docs/{_FILES[2]}",
            swagger_ui_parameters={"validatorUrl": None, "persistAuthorization": False},
        )

    @router.get("/docs/{name}")
    async def file(name: str) -> FileResponse:
        if name not in _FILES:
            raise ApiError(404, "not_found", "api.no_route", path=f"/docs/{name}"[:200])
        return FileResponse(_FOLDER / name)

    return router
