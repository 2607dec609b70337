"""Which reranker the settings mean."""

from __future__ import annotations

from collections.abc import Callable

from ingest.messages import Message

from ..protocols import Reranker
from ..settings import Settings


def open_reranker(settings: Settings, notify: Callable[[Message], None]) -> Reranker | None:
    return None
