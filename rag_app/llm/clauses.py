"""Parts of a sentence that is too long to be quoted whole, and where in it the answer most likely stands."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt

from ..retrieval.expected import Kind, has_new
from ..retrieval.tokens import tokens

FEATURES = ("own", "beside", "new", "length")
_WEIGHTS = np.array([3.38, 2.1, 2.53, 0.59])
_LEAST_CHARACTERS = 12
_WORDS = "and|or|but|which|who|that|where|when|while|because|although|though|so"
_CUT = re.compile(
    rf"(?<=[,;:，；：—–、|])\s*(?=\S)|\s+(?=[(（—–])|(?<=[)）])\s+|\n+|\s+(?=(?:{_WORDS})\s)"
)  # after a mark, around brackets, between lines, before a word that begins a clause


def clauses(text: str, most: int) -> list[tuple[int, int]]:
    """Where a sentence may be cut, as (start, end); what has no such place is cut after ``most`` characters."""
    found: list[tuple[int, int]] = []
    start = 0
    for end in [*(match.end() for match in _CUT.finditer(text)), len(text)]:
        while end - start > most:
            found.append((start, start + most))
            start += most
        if end - start >= _LEAST_CHARACTERS or (end == len(text) and end > start):
            found.append((start, end))
            start = end
    return [(start, start + len(text[start:end].rstrip())) for start, end in found if text[start:end].strip()]


def signs(
    text: str, parts: list[tuple[int, int]], weight: dict[str, float], kinds: list[Kind], question: str
) -> npt.NDArray[np.float64]:
    """What speaks for each part, shape (len(parts), len(FEATURES)).

    Args:
        weight: term of the question → how rare it is.
    """
    whole = sum(weight.values()) or 1.0
    share = [sum(weight[term] for term in weight.keys() & set(tokens(text[start:end]))) / whole for start, end in parts]
    beside = [max([*share[max(0, i - 1) : i], *share[i + 1 : i + 2]], default=0.0) for i in range(len(parts))]
    new = [bool(kinds) and has_new(text[start:end], kinds, question) for start, end in parts]
    return np.column_stack([share, beside, new, [math.log(end - start) for start, end in parts]])


def likelihood(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where the answer stands, if the sentence has it: the parts' probabilities, which sum to 1."""
    powers = np.exp(features @ _WEIGHTS - (features @ _WEIGHTS).max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)
