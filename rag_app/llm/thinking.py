"""What a thinking model says to itself, told apart from its answer where the server does not."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Takes ``<think>…</think>`` at the beginning of an answer out of it, wherever the pieces are cut.

    Only there: an answer about such models may well quote the marks.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, text: str) -> tuple[str, str]:
        """What of the text that has arrived is thought, and what is said."""
        self._held += text
        thought = ""
        if self._state == "start":
            begun = self._held.lstrip()
            if not begun or (len(begun) < len(_OPEN) and _OPEN.startswith(begun)):
                return "", ""
            if not begun.startswith(_OPEN):
                self._state = "saying"
            else:
                self._state = "thinking"
                self._held = begun.removeprefix(_OPEN)
        if self._state == "thinking":
            thought, closed, rest = self._held.partition(_CLOSE)
            if not closed:
                kept = _possible_end(self._held)
                thought, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
                return thought, ""
            self._state, self._held = "after", rest
        if self._state == "after":
            self._held = self._held.lstrip()
            if self._held:
                self._state = "saying"
        said, self._held = self._held, ""
        return thought, said

    def end(self) -> tuple[str, str]:
        """What was held back, now that nothing more comes."""
        held, self._held = self._held, ""
        return (held, "") if self._state == "thinking" else ("", held)


def _possible_end(text: str) -> int:
    """How many characters at the end may be the beginning of the closing mark."""
    return next((size for size in range(min(len(_CLOSE) - 1, len(text)), 0, -1) if _CLOSE.startswith(text[-size:])), 0)
