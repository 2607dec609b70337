"""What names a part of LlamaIndex, so that what was made with another one is never taken for its own."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_CHANGES_NOTHING = (
    *("api_key", "callback_manager", "num_workers", "embed_batch_size", "timeout", "max_retries", "reuse_client"),
    *("embeddings_cache", "rate_limiter", "show_progress", "default_headers", "id_func", "id_"),
)
"""Of what ``to_dict`` gives: how a part is run, and secrets."""


def identity(part: object) -> str:
    """The part's class and a digest of its ``to_dict``, where it has one; the same in every process."""
    kind = type(part)
    name = f"{kind.__module__}.{kind.__qualname__}"
    to_dict = getattr(part, "to_dict", None)
    told: dict[str, Any] = to_dict() if callable(to_dict) else {}
    kept = {key: value for key, value in told.items() if key not in _CHANGES_NOTHING}
    said = json.dumps([name, kept], sort_keys=True, ensure_ascii=False, default=_named)
    return f"{kind.__name__}-{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _named(value: object) -> str:
    """What JSON has no way to say, by its name or type: an address in memory is another in every process."""
    return str(getattr(value, "__qualname__", type(value).__qualname__))
