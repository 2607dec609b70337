"""When a folder changes; the only watchfiles import."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_QUIET_SECONDS = 1.0  # without a change: a file that is being written is not half read
_PATIENCE_SECONDS = 30.0  # but a log that never rests must not hold up all others
_LOOK_MS = 300


def changes(folders: Sequence[Path], stop: threading.Event) -> Iterator[None]:
    """Yields at once, and then whenever something below ``folders`` changed and has come to rest.

    Ends when ``stop`` is set. What changes while the caller works is not missed.
    """
    from watchfiles import watch

    events = watch(*folders, stop_event=stop, rust_timeout=_LOOK_MS, yield_on_timeout=True, debounce=_LOOK_MS)
    first = last = 0.0
    next(events, None)  # from here on the system notes changes
    yield
    for changed in events:
        now = time.monotonic()
        if changed:
            first, last = first or now, now
        if first and (now - last >= _QUIET_SECONDS or now - first >= _PATIENCE_SECONDS):
            first = 0.0
            yield
