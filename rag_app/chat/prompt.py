"""The messages of one question: short, for small models too. The question comes last."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.messages import Language

from ..protocols import ChatMessage
from ..retrieval.language import language_of
from ..types import Passage, Turn
from .prompts import Prompt

# What chat templates write between turns (LLaMA, ChatML, Mistral, Gemma, DeepSeek): a tokenizer would take it for a
# turn's end wherever it stands, in a document too.
_CONTROL = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|</?think>|"
    r"\[/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]",
    re.IGNORECASE,
)
_BRACKETS = str.maketrans("<>[]", "‹›（）")


def messages(
    prompt: Prompt,
    question: str,
    passages: Sequence[Passage],
    history: Sequence[Turn],
    *,
    images: Sequence[bytes] = (),
    open_mode: bool = False,
) -> list[ChatMessage]:
    """The messages of one question.

    Instructions and older turns come first and are the same from turn to turn, so that a server with a prompt cache
    need not read them anew; what changes, passages and the language of the answer too, stands in the last one.

    Args:
        open_mode: whether the model may answer beyond the passages.
    """
    language = language_of(question)
    first = language_of(history[0].text) if history else language
    notes = prompt.raw("images", language) if images else ""
    if first != language:
        notes += prompt.raw("language", language)
    last = prompt.text(
        "user",
        language,
        passages="\n\n".join(_passage(prompt, number, one, language) for number, one in enumerate(passages, 1)),
        language=notes and f"{notes}\n",
        question=harmless(question),
    )
    return [
        ChatMessage("system", prompt.raw("open" if open_mode else "system", first)),
        *(ChatMessage(turn.role, harmless(turn.text)) for turn in history),
        ChatMessage("user", last, tuple(images)),
    ]


def declines(prompt: Prompt, answer: str) -> bool:
    """Whether an answer says, as it was told to, that the documents do not say it."""
    said = answer.strip().strip("\"'“”「」*").casefold()
    return any(
        said.startswith(phrase.casefold()) for language in _LANGUAGES for phrase in prompt.phrases("declines", language)
    )


def harmless(text: str) -> str:
    """A text without what a model's tokenizer would take for the end of a turn; it stays readable."""
    return _CONTROL.sub(lambda match: match[0].translate(_BRACKETS), text)


def _passage(prompt: Prompt, number: int, passage: Passage, language: Language) -> str:
    return prompt.text(
        "passage",
        language,
        number=number,
        title=harmless(passage.title),
        place=harmless(passage.where(language)),
        text=harmless(passage.text),
    )


_LANGUAGES: tuple[Language, ...] = ("en", "zh")
