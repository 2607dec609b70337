"""What OpenAI-compatible servers say when they refuse, as our errors: each names the setting and the next step.

Each server has its own words for a prompt that is too long. Those of vLLM, SGLang, TGI, LM Studio and OpenAI are known
by their numbers; llama.cpp's has fields for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import ModelBusy, ModelError, ModelNotInstalled, ModelRefused, NotSupported, PromptTooLong

_CAUSE_CHARACTERS = 300
_CONTEXT = re.compile(
    r"(?:maximum context length (?:is|of)|maximum model length of|context length of only|context length \("
    r"|must be <=|context size \()\s*(\d+)"
)
_TOKENS = re.compile(
    r"(\d+) (?:in the messages|in the prompt|input tokens|`inputs` tokens|tokens from the input|prompt tokens)"
    r"|resulted in (\d+) tokens|prompt \(length (\d+)\)|(?:input|request) \((\d+) tokens|the first (\d+) tokens"
)
_NO_IMAGES = re.compile(r"image|multimodal|vision|mmproj", re.IGNORECASE)


class StillLoading(ModelBusy):
    """The server is up and its model is not yet in memory; llama.cpp answers so, and only waiting helps."""


class NoSuchPath(ModelError):
    """The server has nothing at that path; only what every server must have raises it to the user."""


def refusal(status: int, body: object, *, url: str, model: str, asked: str = "") -> ModelError:
    """The error for an answer that is one.

    Args:
        status: of HTTP; 0 for an error inside a stream.
        body: what its ``error`` holds, parsed where it was JSON.
        asked: path that was asked for where it is not the chat's.
    """
    fields = _fields(body)
    text = str(fields.get("message") or "").strip()
    named = {"url": url, "model": model, "cause": text[:_CAUSE_CHARACTERS] or f"HTTP {status}"}
    if _is_too_long(fields, text):
        tokens, context = _length(fields, text)
        return PromptTooLong("openai.too_long", tokens=tokens, context=context, model=model)
    if status in (401, 403):
        return ModelRefused("openai.refused", url=url, status=status)  # its text may repeat the key
    if status == 503 and "loading" in text.lower():
        return StillLoading("openai.loading", **named)
    if status in (429, 503) or fields.get("type") == "rate_limit_error":
        return ModelBusy("openai.busy", **named)
    if status in (404, 405):
        if isinstance(body, Mapping) and "model" in text.lower():
            return ModelNotInstalled("openai.no_model", **named)
        return NoSuchPath("openai.wrong_address", url=url, cause=f"HTTP {status} {asked}".strip())
    if 300 <= status < 400:
        return ModelError("openai.wrong_address", url=url, cause=f"HTTP {status}")
    if _NO_IMAGES.search(text):
        return NotSupported("openai.no_images", **named)
    return ModelError("openai.failed", **named)


def _fields(body: object) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        return inner if isinstance(inner, Mapping) else {"message": inner}
    text = str(body or "")
    return {"message": "" if text.lstrip().startswith("<") else text}  # a page in HTML says nothing to a person


def _is_too_long(fields: Mapping[str, Any], text: str) -> bool:
    return (
        fields.get("type") == "exceed_context_size_error"
        or fields.get("code") == "context_length_exceeded"
        or bool(_CONTEXT.search(text) and _TOKENS.search(text))
    )


def _length(fields: Mapping[str, Any], text: str) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the context, as far as they are told."""
    tokens, context = fields.get("n_prompt_tokens"), fields.get("n_ctx")
    if isinstance(tokens, int) and isinstance(context, int):
        return tokens, context
    said, limit = _TOKENS.search(text), _CONTEXT.search(text)
    numbers = [int(number) for number in said.groups() if number] if said else []
    return next(iter(numbers), None), int(limit[1]) if limit else None
