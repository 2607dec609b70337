"""Waiting for a model that says nothing yet: who else of this program waits, and how long it has been."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..protocols import ModelPiece, Stage, StageName

T = TypeVar("T")
TICK_SECONDS = 0.25


class Stages:
    """What an answer waits for.

    Args:
        began: moment of :func:`time.monotonic` at which the user asked.
    """

    def __init__(self, model: str, began: float) -> None:
        self.model = model
        self.now: StageName | None = None
        self._began = began

    def piece(self, name: StageName, **values: Any) -> ModelPiece:
        """The piece that says so."""
        self.now = name
        return ModelPiece("", stage=Stage(name, self.model, time.monotonic() - self._began, **values))


class Place:
    """A request's place among those of this program to the same model."""

    def __init__(self, line: list[Place]) -> None:
        self._line = line
        self._served = False

    @property
    def ahead(self) -> int:
        """How many were made before it and are not finished; 0 once it is served itself."""
        return 0 if self._served else self._line.index(self)

    def is_served(self) -> None:
        """Its answer has begun."""
        self._served = True


class Line:
    """This program's requests to one model, in the order in which they were made; used in one event loop only."""

    def __init__(self) -> None:
        self._line: list[Place] = []

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place at the end, given up afterwards."""
        place = Place(self._line)
        self._line.append(place)
        try:
            yield place
        finally:
            self._line.remove(place)


async def patiently(records: AsyncGenerator[T, None], seconds: float = TICK_SECONDS) -> AsyncGenerator[T | None, None]:
    """The records; until the first of them None at once, and again whenever nothing has come for so long."""
    first: asyncio.Task[Any] = asyncio.ensure_future(anext(records, _NOTHING))
    try:
        while not first.done():
            yield None
            await asyncio.wait({first}, timeout=seconds)
        if first.result() is not _NOTHING:
            yield first.result()
            async for record in records:
                yield record
    finally:
        first.cancel()
        await asyncio.wait({first})
        if not first.cancelled():
            first.exception()  # raised above already, or nobody's business any more
        await records.aclose()


_NOTHING: Any = object()
