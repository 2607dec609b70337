"""What goes wrong, as OpenAI's clients expect it: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.errors import FileRefused, OverLimit, UnsupportedFormat, UserError
from ingest.messages import Language

from ..errors import (
    EmbedderError,
    KnowledgeBaseExists,
    ModelBusy,
    ModelError,
    ModelNotInstalled,
    NotSupported,
    OllamaUnreachable,
    PromptTooLong,
    RagError,
    StorageError,
    StorageLocked,
    UnknownDocument,
    UnknownKnowledgeBase,
)

if TYPE_CHECKING:  # the MCP server does without FastAPI
    from fastapi.responses import JSONResponse

_ASKED = "invalid_request_error"
_OURS = "server_error"
_BUSY = "rate_limit_error"
# the first that fits: status, type and, where OpenAI has one, code
_KINDS: tuple[tuple[type[UserError], int, str, str], ...] = (
    (UnknownKnowledgeBase, 404, _ASKED, ""),
    (UnknownDocument, 404, _ASKED, ""),
    (KnowledgeBaseExists, 409, _ASKED, ""),
    (StorageLocked, 409, _OURS, ""),
    (StorageError, 503, _OURS, ""),
    (EmbedderError, 503, _OURS, ""),
    (PromptTooLong, 400, _ASKED, "context_length_exceeded"),
    (NotSupported, 400, _ASKED, ""),
    (ModelBusy, 429, _BUSY, ""),
    (OllamaUnreachable, 503, _OURS, ""),
    (ModelNotInstalled, 503, _OURS, ""),
    (ModelError, 502, _OURS, ""),
    (OverLimit, 413, _ASKED, ""),
    (UnsupportedFormat, 415, _ASKED, ""),
    (FileRefused, 422, _ASKED, ""),
    (UserError, 400, _ASKED, ""),
)
_AGAIN_SECONDS = {409: 5, 429: 2}  # only where waiting helps
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s,]+")


class ApiError(RagError):
    """A request can't be served.

    Args:
        status: HTTP's. code: what a program tells it by. param: the field of the request that is meant.
    """

    def __init__(
        self,
        status: int,
        code: str,
        key: str,
        /,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> None:
        super().__init__(key, **values)
        self.status = status
        self.code = code
        self.param = param
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it is sent."""

    status: int
    message: str
    type: str
    code: str
    param: str | None = None

    def as_json(self) -> dict[str, object]:
        """The body."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def failure(error: UserError, language: Language) -> Failure:
    """An error of ours as it is sent."""
    if isinstance(error, ApiError):
        kind = _BUSY if error.status == 429 else _OURS if error.status >= 500 else _ASKED
        return Failure(error.status, error.text(language), kind, error.code, error.param)
    _, status, kind, code = next(one for one in _KINDS if isinstance(error, one[0]))
    return Failure(status, error.text(language), kind, code or _code(error))


def response(error: UserError, language: Language) -> JSONResponse:
    """The same as a response."""
    from fastapi.responses import JSONResponse

    sent = failure(error, language)
    headers = error.headers if isinstance(error, ApiError) else {}
    if sent.status in _AGAIN_SECONDS and sent.type != _ASKED:
        headers = {"Retry-After": str(_AGAIN_SECONDS[sent.status]), **headers}
    return JSONResponse(sent.as_json(), sent.status, headers)


def spoken(accepted: str, otherwise: Language) -> Language:
    """Which of our languages a header ``Accept-Language`` prefers."""
    best: tuple[float, Language] = (0.0, otherwise)
    for place, part in enumerate(accepted[:200].split(",")):
        tag, _, weight = part.strip().partition(";")
        language: Language | None = "zh" if tag[:2].lower() == "zh" else "en" if tag[:2].lower() == "en" else None
        if language is None:
            continue
        quality = _quality(weight) - place / 1000  # of equals, the first
        if quality > best[0]:
            best = quality, language
    return best[1]


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def _code(error: UserError) -> str:
    return _CAMEL.sub("_", type(error).__name__).lower()
