"""A model's text as it streams, its markers apart, its code and formulas as they are.

What may still become a marker is held back, so that half of one is never shown. How long is decided by the text alone:
any way of cutting the stream gives the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .markers import MOST, Found, Marker, Part, bare, bracketed, in_prose, may_become

_CODE = 200  # characters of code inside a line
_FORMULA = 60
_LINE = 12  # characters of a line that are remembered
_RAISED = {char: str(digit) for digit, char in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_START = re.compile(r"[\[【［〔(（^`~$\\¹²³⁰⁴⁵⁶⁷⁸⁹]|passage|段落", re.IGNORECASE)
_MAY_START = re.compile(r"(?:p(?:a(?:s(?:s(?:ag?)?)?)?)?|段)\Z", re.IGNORECASE)
_MATHS = re.compile(r"\$(?![\s\d])[^$\n]*[^\s$]\$(?!\d)")
_HALF = re.compile(r"[\[【［〔][\s^]*(?:[^\W\d_]+[ .:：#]*)?\d[^\n]*")
_SENTENCE_ENDS = frozenset('.。!！?？”"’)）]，,')


class MarkerCleaner:
    """Passes text on as it streams, with its markers apart.

    Args:
        passages: how many were given to the model; numbers above that are unknown. May be lowered before the text.

    Attributes:
        dropped: unknown numbers so far.
    """

    def __init__(self, passages: int) -> None:
        self.passages = passages
        self.dropped = 0
        self._held = ""  # not yet understood
        self._blanks = ""  # not shown yet, for they go where a marker behind them goes
        self._dropped = ""  # those before a marker that was dropped: another marker may follow
        self._run: set[int] = set()  # passages of the markers that stand right before
        self._line = ""  # the last characters of the line so far
        self._fence = ""

    def feed(self, piece: str) -> list[Part]:
        """What is understood after ``piece`` arrived."""
        self._held += piece
        return list(self._passed(self._parts(final=False)))

    def finish(self) -> list[Part]:
        """What was still held back, unless it is half a marker; blanks at the end are dropped."""
        parts = list(self._passed(self._parts(final=True)))
        self._blanks = ""
        return parts

    def _passed(self, parts: Iterator[Part]) -> Iterator[Part]:
        """Blanks wait for what follows them; a number is not repeated in a run of markers."""
        for part in parts:
            if isinstance(part, Marker):
                fresh = tuple(one for one in part.passages if one not in self._run)
                self._run.update(fresh)
                if not fresh:
                    self._dropped = self._blanks or self._dropped
                    self._blanks = ""
                    continue
                if blanks := self._blanks or self._dropped:
                    yield blanks
                yield Marker(fresh)
                self._blanks = self._dropped = ""
                continue
            said = part.rstrip(" \t")
            if said:
                self._run.clear()
                yield self._blanks + said
                self._blanks = self._dropped = ""
            self._blanks += part[len(said) :]

    def _parts(self, *, final: bool) -> Iterator[Part]:
        text, at = self._held, 0
        while at < len(text):
            if self._fence:
                end = self._in_fence(text, at, final=final)
                if end == at:
                    break
                yield self._plain(text[at:end])
                at = end
                continue
            found = _START.search(text, at)
            begun = None if final or found else _MAY_START.search(text, max(at, len(text) - 6))
            start = found.start() if found else begun.start() if begun else len(text)
            if start > at:
                yield self._plain(text[at:start])
                at = start
            if found is None:
                break
            read = self._read(text[at : at + _CODE], final=final)
            if read is None:
                break
            parts, length = read
            at += length
            for part in parts:
                yield self._plain(part) if isinstance(part, str) else self._seen(part)
        self._held = "" if final else text[at:]

    def _plain(self, text: str) -> str:
        _, newline, last = text.rpartition("\n")
        self._line = (last if newline else self._line + last)[-_LINE:]
        return text

    def _seen(self, marker: Marker) -> Marker:
        self._line = (self._line + "]")[-_LINE:]
        return marker

    def _read(self, rest: str, *, final: bool) -> tuple[list[Part], int] | None:
        """What stands at the beginning of ``rest``, and its length there; None to wait for more."""
        sign = rest[0]
        if sign in "`~":
            return self._code(rest, final=final)
        if sign == "$":
            return _formula(rest, final=final)
        if sign in _RAISED:
            return self._raised(rest, final=final)
        window = rest[:MOST]
        open_ended = not final and len(rest) < MOST and "\n" not in rest
        if sign in "pP段":
            return self._prose(window, open_ended=open_ended)
        found = bracketed(window)
        if found and not (sign == "^" and self._line[-1:].isdigit()):
            return [self._marker(found)], found.length
        found = bare(window, self._line) if sign in "(（" else None
        if found and max(found.numbers) <= self.passages:
            return [self._marker(found)], found.length
        if open_ended and may_become(window):
            return None
        if sign == "\\":
            return None if open_ended and len(rest) == 1 else ([rest[:2]], len(rest[:2]))
        if final and _HALF.fullmatch(window) and may_become(window):
            return [Marker(())], len(window)
        return [sign], 1

    def _marker(self, found: Found) -> Marker:
        known = tuple(number for number in found.numbers if 1 <= number <= self.passages)
        self.dropped += len(found.numbers) - len(known)
        return Marker(known)

    def _prose(self, window: str, *, open_ended: bool) -> tuple[list[Part], int] | None:
        """The number behind "passage" becomes a marker, as the reader's numbers are others."""
        if open_ended and may_become(window):
            return None
        found = in_prose(window)
        if found is None or (window[0] in "pP" and self._line[-1:].isalpha()):
            word = window[: 2 if window[0] == "段" else 7]
            return [word], len(word)
        if max(found.numbers) > self.passages or 0 in found.numbers:
            self.dropped += sum(not 1 <= number <= self.passages for number in found.numbers)
            return [window[: found.length]], found.length
        return [found.text, Marker(found.numbers)], found.length

    def _raised(self, rest: str, *, final: bool) -> tuple[list[Part], int] | None:
        length = next((at for at, char in enumerate(rest) if char not in _RAISED), len(rest))
        if length == len(rest) and not final and length < _CODE:
            return None
        number = int("".join(_RAISED[char] for char in rest[:length]))
        if 1 <= number <= self.passages and self._line[-1:] in _SENTENCE_ENDS:
            return [Marker((number,))], length
        return [rest[:length]], length

    def _code(self, rest: str, *, final: bool) -> tuple[list[Part], int] | None:
        """Code inside a line, or the first signs of a fence, after which all is code up to its end."""
        sign = rest[0]
        ticks = len(rest) - len(rest.lstrip(sign))
        line = rest.partition("\n")[0]
        open_ended = not final and line == rest and len(rest) < _CODE
        if ticks == len(line) and open_ended:
            return None
        if ticks >= 3 and not self._line.strip() and "`" not in line[ticks:]:
            if open_ended:
                return None
            self._fence = sign * ticks
            return [rest[:ticks]], ticks
        if sign == "~":
            return [rest[:ticks]], ticks
        close = re.compile(f"(?<!`)`{{{ticks}}}(?!`)").search(line, ticks)
        if close is not None and (close.end() < len(line) or not open_ended):
            return [rest[: close.end()]], close.end()
        return None if open_ended else ([rest[:ticks]], ticks)

    def _in_fence(self, text: str, at: int, *, final: bool) -> int:
        """Up to where the text is surely code; ends the fence after the line that closes it."""
        end = text.find("\n", at)
        line = text[at : end if end >= 0 else len(text)]
        begins_line = not self._line.strip()
        only_signs = begins_line and not line.strip(" \t`~")
        if end < 0:
            return at if only_signs and not final and len(line) < _CODE else len(text)
        if only_signs and line.strip().startswith(self._fence):
            self._fence = ""
        return end + 1


def _formula(rest: str, *, final: bool) -> tuple[list[Part], int] | None:
    """A formula between dollar signs, as it is; a price begins none."""
    window = rest[:_FORMULA]
    match = _MATHS.match(window)
    open_ended = not final and len(rest) < _FORMULA and "\n" not in rest
    if match is not None and (match.end() < len(window) or not open_ended):
        return [match[0]], match.end()
    closed = window.count("$") > 1 and not window.endswith("$")
    if open_ended and not closed and not re.match(r"\$[\s\d$]", window):
        return None
    return ["$"], 1
