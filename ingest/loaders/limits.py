"""Limits that only a loader can keep, because only it knows what it is about to read."""

from __future__ import annotations

from ..errors import OverLimit
from ..types import Limits


def check_pages(count: int, limits: Limits) -> None:
    """Refuse a file with too many pages, slides or sheets; call it before reading them.

    Raises:
        OverLimit.
    """
    if count > limits.pages:
        raise OverLimit("file.too_many_pages", pages=count, most=limits.pages)
