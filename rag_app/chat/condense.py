"""A follow-up question rewritten to stand alone: by the model, or by carrying words over from the turn before."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence

from ..conversation_types import Condensed
from ..errors import ModelError
from ..protocols import ChatMessage, ChatModel, ModelPiece
from ..retrieval.language import language_of
from ..types import Turn
from .carrying import carry_over, names
from .follow_ups import needs_rewriting
from .prompt import harmless
from .prompts import Prompt, load
from .stoppable import StoppableModel

REWRITE_TOKENS = 160
_MOST_ADDED = 240  # characters
_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"question": {"type": "string"}},
    "required": ["question"],
    "additionalProperties": False,
}
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_MARKER = re.compile(r"\[\d+\]")


def condense(question: str, history: Sequence[Turn], model: ChatModel | None) -> Condensed:
    """The question as it can be searched for: itself, if it needs nothing of what was said before.

    Args:
        model: rewrites it; without one, or where what it writes is of no use, words of the last turn are carried over.
    """
    if not needs_rewriting(question, history):
        return Condensed(question, question)
    if model is None:
        return carried(question, history)
    asked = StoppableModel(model)
    leading = [ChatMessage(turn.role, harmless(turn.text)) for turn in history]
    running = condensing(question, history, asked, load("conversation"), leading)
    try:
        for _ in asked.prepare():
            pass
        while True:
            next(running)
    except StopIteration as end:
        found: Condensed = end.value
        return found
    except ModelError:
        return carried(question, history)


def condensing(
    question: str, history: Sequence[Turn], model: StoppableModel, prompt: Prompt, leading: Sequence[ChatMessage]
) -> Generator[ModelPiece, None, Condensed]:
    """The same, stages on the way; for a question that needs it.

    Args:
        leading: what the prompt of the answer begins with too, so that a server with a prompt cache reads it once.

    Raises:
        Stopped.
    """
    asked = prompt.text("rewrite", language_of(question), question=harmless(question))
    messages = [*leading, ChatMessage("user", asked)]
    written = ""
    try:
        context = model.context_tokens or 0
        if model.count(messages) + REWRITE_TOKENS > context:
            messages = messages[-3:]  # the last exchange says most of it
        for piece in model.stream(messages, REWRITE_TOKENS, _SCHEMA):
            if piece.stage is not None:
                yield piece
            written += piece.text
    except ModelError:
        return carried(question, history)
    rewritten = _parsed(written)
    if not is_faithful(rewritten, question, history):
        return carried(question, history)
    return Condensed(question, rewritten, "model" if rewritten != question else "none")


def carried(question: str, history: Sequence[Turn]) -> Condensed:
    """The question with what the last turn was about."""
    rewritten = carry_over(question, history)
    return Condensed(question, rewritten, "terms" if rewritten != question else "none")


def is_faithful(rewritten: str, question: str, history: Sequence[Turn]) -> bool:
    """Whether a rewritten question still is that question, and of no number that nobody has said.

    It must be in the same language, not much longer, and keep all numbers and names.
    """
    if not rewritten or len(rewritten) > len(question) + _MOST_ADDED or _MARKER.search(rewritten):
        return False
    if language_of(rewritten) != language_of(question):
        return False
    folded = rewritten.casefold()
    if not all(word.casefold() in folded for name in names(question) for word in name.split()):
        return False
    asked, found = set(_NUMBER.findall(question)), set(_NUMBER.findall(rewritten))
    said = asked.union(*(_NUMBER.findall(f"{turn.text} {' '.join(turn.titles)}") for turn in history))
    return asked <= found <= said


def _parsed(written: str) -> str:
    """The question in what a model wrote; "" where there is none."""
    try:
        found = json.loads(written)
    except ValueError:
        return ""
    question = found.get("question") if isinstance(found, dict) else None
    return " ".join(question.split()) if isinstance(question, str) else ""
