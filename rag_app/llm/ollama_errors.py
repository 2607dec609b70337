"""What Ollama says when it refuses, as our errors: a cause in words and the next step.

The texts are those of a genuine server (0.33, and the versions before where theirs differ), see tests/data/ollama.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import ModelBusy, ModelError, ModelNotInstalled, ModelRefused, NotSupported, PromptTooLong

_TOO_LONG = re.compile(r"prompt is longer than the context|exceeds the (?:available )?context (?:length|size)", re.I)
_KNOWN: tuple[tuple[re.Pattern[str], type[ModelError], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, key)
    for pattern, kind, key in (
        # pulling a model
        (r"pull model manifest: file does not exist", ModelNotInstalled, "ollama.pull_unknown"),
        (r"no space left|not enough space|disk full", ModelError, "ollama.pull_no_space"),
        (
            r"dial tcp|no such host|lookup .* on |i/o timeout|TLS handshake|x509|max retries exceeded|"
            r"network is unreachable|connection reset|^pull model manifest",
            ModelError,
            "ollama.pull_unreachable",
        ),
        (r"digest mismatch", ModelError, "ollama.pull_damaged"),
        # what the model can't do
        (r"does not support (?:chat|generate)", NotSupported, "ollama.no_chat"),
        (r"does not support thinking", NotSupported, "ollama.no_thinking"),
        (r"does not support tools", NotSupported, "ollama.no_tools"),
        (r"does not support multimodal|image input is not supported|missing data required for image", NotSupported,
         "ollama.no_images"),
        (r"does not support embeddings", NotSupported, "ollama.no_embeddings"),
        (r"illegal base64|failed to (?:decode|load|process) image", ModelError, "ollama.bad_image"),
        # the model can't be loaded, or its process ended
        (r"more system memory|out of memory|cudaMalloc|unable to allocate|failed to allocate|signal: killed",
         ModelError, "ollama.no_memory"),
        (r"exceeds file size|invalid file magic|unable to load model|error loading model|wrong number of tensors",
         ModelError, "ollama.damaged_model"),
        (r"timed out waiting for llama", ModelError, "ollama.load_timeout"),
        (r"running the model|runner process (?:has terminated|no longer running)", ModelError,
         "ollama.runner_died"),
        # what was asked
        (r"invalid duration", ModelError, "ollama.bad_keep_alive"),
        (r"invalid model name|model is required", ModelError, "ollama.bad_name"),
        (r"json: cannot unmarshal|missing request body|^unexpected EOF$|invalid format|must be of type", ModelError,
         "ollama.not_understood"),
    )
)  # fmt: skip


def refusal(status: int, body: str, url: str, model: str) -> ModelError:
    """The error for an answer that is one.

    Args:
        status: of HTTP; -1 for an error inside a stream. body: the text, or what its "error" says.
        model: empty where none was named.
    """
    said = _said(body)
    details = _details(said)
    text = str(details.get("message") or said).strip()
    if details.get("type") == "exceed_context_size_error" or _TOO_LONG.search(text):
        tokens, context = (_number(details.get(name)) for name in ("n_prompt_tokens", "n_ctx"))
        return PromptTooLong("ollama.too_long", tokens=tokens, context=context, model=model)
    named = {"model": model or "?", "url": url, "cause": text[:300]}
    if status == 403:
        return ModelRefused("ollama.forbidden", **named)
    if status == 503 or "maximum pending requests" in text:
        return ModelBusy("ollama.busy", **named)
    for pattern, kind, key in _KNOWN:
        if pattern.search(text):
            return kind(key, **named)
    if status == 404 and model and "not found" in text and "page not found" not in text:
        return ModelNotInstalled("ollama.no_model", **named)
    if status in (404, 405):
        return ModelError("ollama.too_old", **named)
    return ModelError("ollama.failed", **named)


def _said(body: str) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return body
    error = found.get("error", body) if isinstance(found, dict) else body
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _details(text: str) -> dict[str, Any]:
    """llama.cpp's error object, which Ollama passes on as a string."""
    try:
        inner = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return inner if isinstance(inner, dict) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
