"""Text of documents and models without what a chat client would load by itself: pictures of other servers.

A document may hold ``![x](https://elsewhere/…)``, or talk a model into writing it; a client that shows the answer would
fetch it, and tell that server who reads what. So pictures become text; links stay, as nobody follows them unasked.
"""

from __future__ import annotations

import re

_TAGS = (
    r"img|image|picture|source|video|audio|iframe|frame|object|embed|link|style|script|svg|base|meta|input|body|table"
)
_ACTIVE = re.compile(rf"!(?=\[)|<(?=(?:{_TAGS})\b)", re.IGNORECASE)
_UNDECIDED = re.compile(r"(?:!|<[a-z]{0,8})\Z", re.IGNORECASE)
_FENCE = re.compile(r"[ ]{0,3}(?P<run>`{3,}|~{3,})(?P<info>[^\n]*)\n?")
_MAY_BE_FENCE = re.compile(r"[ ]{0,3}(?:`{0,2}|~{0,2}|(?:`{3,}|~{3,})[^\n]*)")
_SEAM = "\u200b"  # no width: the text looks as it was written


class Harmless:
    """Text piece by piece: :meth:`feed` gives what can be shown, :meth:`finish` the rest. Code stays as it is."""

    def __init__(self) -> None:
        self._held = ""
        self._at_start = True  # of a line
        self._fence = ""  # what opened the code block we are in

    def feed(self, piece: str) -> str:
        """What can be shown after ``piece`` arrived."""
        text = self._held + piece
        undecided = _UNDECIDED.search(text)
        cut = undecided.start() if undecided else len(text)
        start = text.rfind("\n") + 1
        if (start or self._at_start) and _MAY_BE_FENCE.fullmatch(text, start):
            cut = min(cut, start)  # whether it is one shows at the end of its line
        self._held = text[cut:]
        return self._shown(text[:cut])

    def finish(self) -> str:
        """The rest."""
        held, self._held = self._held, ""
        return self._shown(held)

    def _shown(self, text: str) -> str:
        return "".join(map(self._line, text.splitlines(keepends=True)))

    def _line(self, line: str) -> str:
        fence = _FENCE.fullmatch(line) if self._at_start else None
        self._at_start = line.endswith("\n")
        if self._fence:
            if fence and fence["run"].startswith(self._fence) and not fence["info"].strip():
                self._fence = ""
            return line
        if fence and not ("`" in fence["run"] and "`" in fence["info"]):
            self._fence = fence["run"]
            return line
        return _ACTIVE.sub(lambda match: match[0] + _SEAM, line)
