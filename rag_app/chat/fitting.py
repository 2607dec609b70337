"""What of a conversation and of the passages fits into a model's context. Whole turns and whole passages, never parts.

Older turns go first, in blocks: what stays then stays the same for several questions, so that the server need not
read it anew (a prompt cache keeps what two prompts have in common from their beginning).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..errors import PromptTooLong
from ..protocols import ChatMessage
from ..types import Passage, Turn

Build = Callable[[Sequence[Passage], Sequence[Turn]], Sequence[ChatMessage]]
Count = Callable[[Sequence[ChatMessage]], int]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits.

    Attributes:
        tokens: as they were counted. passages: how many, from the first. turns_left_out: older ones that did not fit.
    """

    messages: Sequence[ChatMessage]
    tokens: int
    passages: int
    turns_left_out: int


def fit(
    build: Build,
    count: Count,
    passages: Sequence[Passage],
    turns: Sequence[Turn],
    budget: int,
    model: str,
    *,
    exact: bool = True,
) -> Fitted:
    """The prompt with as much as fits: passages first, as they hold the answer, then the latest turns.

    Args:
        budget: tokens, at most.
        exact: whether ``count`` is right; what may be fewer tokens is for the model to refuse, down to one passage.

    Raises:
        PromptTooLong: not even one passage fits.
    """
    whole = _fitted(build, count, passages, turns, 0)
    if whole.tokens <= budget:
        return whole
    bare = _fitted(build, count, passages, (), len(turns))
    if bare.tokens <= budget:
        return _with_turns(build, count, passages, turns, budget, bare)
    fewer = _most(lambda number: _fitted(build, count, passages[:number], (), len(turns)), len(passages), budget)
    if fewer is None or (passages and not fewer.passages):
        least = _fitted(build, count, passages[:1], (), len(turns))
        if not exact:
            return least
        raise PromptTooLong("ollama.context_too_small", tokens=least.tokens, context=budget, model=model)
    return fewer


def _with_turns(
    build: Build, count: Count, passages: Sequence[Passage], turns: Sequence[Turn], budget: int, bare: Fitted
) -> Fitted:
    """As many of the latest turns as fit, cut at a question with which a block begins, else at any."""
    nothing = count(build((), ()))
    sizes = [count(build((), [turn])) - nothing for turn in turns]
    questions = [number for number, turn in enumerate(turns) if number and turn.role == "user"]
    for cut in (*_block_starts(sizes, questions, budget - bare.tokens), *questions):
        fitted = _fitted(build, count, passages, turns[cut:], cut)
        if fitted.tokens <= budget:
            return fitted
    return bare


def _block_starts(sizes: Sequence[int], questions: Sequence[int], room: int) -> list[int]:
    """The first question of each block of at most half the room.

    Blocks are a power of two long, so that they begin at the same turns though the room is not always the same.
    """
    block = 1 << max(0, (room // 2).bit_length() - 1)
    before = [0, *accumulate(sizes)]
    starts, last = [], 0
    for question in questions:
        if before[question] // block != last:
            starts.append(question)
            last = before[question] // block
    return starts


def _most(fitted: Callable[[int], Fitted], most: int, budget: int) -> Fitted | None:
    """The largest number whose prompt fits, by bisection."""
    low, high, best = 0, most, None
    while low <= high:
        middle = (low + high) // 2
        found = fitted(middle)
        if found.tokens <= budget:
            best, low = found, middle + 1
        else:
            high = middle - 1
    return best


def _fitted(build: Build, count: Count, passages: Sequence[Passage], turns: Sequence[Turn], left_out: int) -> Fitted:
    messages = build(passages, turns)
    return Fitted(messages, count(messages), len(passages), left_out)
