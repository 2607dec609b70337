"""What all topics of the API stand on."""

from __future__ import annotations

from collections.abc import Callable

from ingest.messages import Message
from ingest.privacy import no_telemetry

from ..asking import Asking
from ..overviews import Overviews
from ..parts import Parts
from ..settings import Settings
from ..store import Store


class Opened:
    """An open data folder."""

    def __init__(self, settings: Settings, notify: Callable[[Message], None], parts: Parts | None = None) -> None:
        no_telemetry()
        self.settings = settings
        self._store = Store(settings, notify, parts or Parts())
        self._asking = Asking(self._store)
        self._overviews = Overviews(self._store, self._asking)
