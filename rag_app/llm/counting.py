"""How many tokens a prompt has, before it is sent. What is said is never too few, so that nothing is ever cut.

Where the model's tokenizer can be had it counts. Else a text has at most as many tokens as UTF-8 bytes, as tokens of
byte-level BPE and of SentencePiece with byte fallback hold a byte at least; what the server counted of earlier
prompts brings that bound down to what texts of the same script really take, with a margin. Should text still have
more tokens than that, the server refuses it (``truncate: false``) and says how many there are.
"""

from __future__ import annotations

import math
import re
import string
import threading
from collections.abc import Callable, Sequence

from ..protocols import ChatMessage

IMAGE_TOKENS = 1600  # of a picture of 1,024 pixels: Qwen2.5-VL takes (1024 / 28)², others less
_MESSAGE_TOKENS = 24  # that a chat template puts around a message; LLaMA 3's takes 6
_PROMPT_TOKENS = 64  # that it puts around all: LLaMA 3.1's dates are 26
_MARGIN = 1.25
_LEAST_SHARE = 0.9
_LEAST_BYTES = 400  # that a prompt must have to be learned from
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_CHARACTERS_PER_TOKEN = 3  # of Chinese text, at the very most: 1 to 2 in Qwen 2 and LLaMA 3
_LETTERS = (string.ascii_letters + " ").encode()
_BEYOND_ASCII = bytes(range(128, 256))


class TokenBound:
    """Counts prompts of one model; safe to share between threads.

    Args:
        tokenize: the model's own count of a text's tokens, where it can be had.
    """

    def __init__(self, tokenize: Callable[[str], int] | None = None) -> None:
        self._tokenize = tokenize
        self._lock = threading.Lock()
        self._tokens_per_byte = {"latin": 1.0, "other": 1.0}
        self._learned: set[str] = set()
        self._extra = 0

    @property
    def is_exact(self) -> bool:
        """True when the texts are counted with the model's tokenizer; the template around them stays a bound."""
        return self._tokenize is not None

    def count(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens of a prompt, never too few."""
        images = sum(len(message.images) for message in messages)
        with self._lock:
            return self._texts(messages) + _around(messages) + images * IMAGE_TOKENS + self._extra

    def least(self, messages: Sequence[ChatMessage]) -> int:
        """Tokens that a prompt has at the very least: a model that counted fewer was not given all of it."""
        if self._tokenize is not None:
            return round(_LEAST_SHARE * self._texts(messages))
        words = sum(len(message.text.split()) for message in messages)  # none is less than a token
        chinese = sum(len(_CHINESE.findall(message.text)) for message in messages)
        return round(max(_LEAST_SHARE * words, chinese / _CHARACTERS_PER_TOKEN))

    def learn(self, messages: Sequence[ChatMessage], counted: int) -> None:
        """Take into account how many tokens the model counted in a prompt."""
        if any(message.images for message in messages):
            return
        with self._lock:
            if self._tokenize is None:
                self._learn_ratio(messages, counted)
            missing = counted - self._texts(messages) - _around(messages)
            self._extra = max(self._extra, missing)

    def _learn_ratio(self, messages: Sequence[ChatMessage], counted: int) -> None:
        """All of the prompt's tokens are laid on its main script: what the template took makes the bound higher."""
        letters, other, rest = _bytes(messages)
        script, size = ("latin", letters) if letters >= other else ("other", other)
        if size < _LEAST_BYTES or size < 0.7 * (letters + other + rest):
            return
        ratio = min(1.0, counted / size * _MARGIN)
        known = self._tokens_per_byte[script] if script in self._learned else 0.0
        self._tokens_per_byte[script] = max(known, ratio)
        self._learned.add(script)

    def _texts(self, messages: Sequence[ChatMessage]) -> int:
        if self._tokenize is not None:
            texts = (message.text.encode("utf-8", "replace").decode() for message in messages)  # no half characters
            return sum(self._tokenize(text) for text in texts)
        letters, other, rest = _bytes(messages)
        per_byte = self._tokens_per_byte
        return math.ceil(letters * per_byte["latin"] + other * per_byte["other"] + rest)


def _around(messages: Sequence[ChatMessage]) -> int:
    return _MESSAGE_TOKENS * len(messages) + _PROMPT_TOKENS


def _bytes(messages: Sequence[ChatMessage]) -> tuple[int, int, int]:
    """UTF-8 bytes of ASCII letters and blanks, of characters beyond ASCII, and of digits and signs.

    The last are never learned: a table of numbers has up to a token for each of them.
    """
    texts = [message.text.encode("utf-8", "replace") for message in messages]
    letters = sum(len(text) - len(text.translate(None, _LETTERS)) for text in texts)
    other = sum(len(text) - len(text.translate(None, _BEYOND_ASCII)) for text in texts)
    return letters, other, sum(map(len, texts)) - letters - other
