"""Many short pieces of bytes, looked for all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

NEEDLE = 24  # bytes; whatever is left of a text and is twice as long holds one
_ANCHOR = 8
_LEAST_DISTINCT = 6  # bytes; a row of dots proves nothing


class Needles:
    """Pieces of texts; a search costs one pass over the data, however many there are."""

    def __init__(self) -> None:
        self._needles: defaultdict[bytes, set[bytes]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._needles.values()))

    def add(self, text: str, step: int = NEEDLE) -> set[bytes]:
        """Take in the pieces of a text that begin at every ``step``-th byte; returns them."""
        data = text.encode("utf-8", "surrogatepass")
        added: set[bytes] = set()
        for first in range(0, max(1, len(data) - NEEDLE + 1), step):
            needle = data[first : first + NEEDLE]
            if len(needle) >= _ANCHOR and len(set(needle)) >= _LEAST_DISTINCT:
                self._needles[needle[:_ANCHOR]].add(needle)
                added.add(needle)
        return added

    def discard(self, text: str) -> None:
        """Leave out what occurs in a text."""
        for needle in self.within(text):
            self._needles[needle[:_ANCHOR]].discard(needle)

    def within(self, text: str) -> set[bytes]:
        """The pieces that stand in a text."""
        return set(self.occurring(text.encode("utf-8", "surrogatepass")))

    def occurring(self, data: bytes) -> Iterator[bytes]:
        """The pieces that stand in ``data``, each as often as it does."""
        anchors = np.sort(np.frombuffer(b"".join(anchor for anchor, held in self._needles.items() if held), "<u8"))
        if not anchors.size:
            return
        for offset in range(min(_ANCHOR, len(data))):
            words = np.frombuffer(data, "<u8", (len(data) - offset) // _ANCHOR, offset)
            places = np.searchsorted(anchors, words)
            places[places == anchors.size] = 0
            for place in np.flatnonzero(anchors[places] == words):
                start = offset + int(place) * _ANCHOR
                for needle in self._needles.get(data[start : start + _ANCHOR], ()):
                    if data.startswith(needle, start):
                        yield needle
