"""What the model is told of the conversation before a question: whole turns, the older ones summed up when they grow.

The summary grows in blocks: when the turns need more than their share of the context, as many of the oldest are summed
up as leaves half of that share free. Until it is full again, each prompt begins as the last one did, so a server with
a prompt cache reads only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.messages import Language

from ..conversation_types import ConversationMessage
from ..errors import ModelError
from ..protocols import ChatMessage, ModelPiece
from ..retrieval.language import language_of
from ..types import Turn
from .prompt import harmless
from .prompts import Prompt
from .stoppable import StoppableModel

SHARE = 0.25  # of the context
_SUMMARY_SHARE = 0.25  # of the turns' share
_LEAST_SUMMARY = 96  # tokens
_WORDS_PER_TOKEN = 0.6

Leading = Callable[[Sequence[Turn]], Sequence[ChatMessage]]


@dataclass(frozen=True, slots=True)
class Memory:
    """The conversation as the model is told it.

    Attributes:
        summary: of what came before ``exchanges``, "" for nothing.
        exchanges: questions with their answers, oldest first.
        language: of the first question: the prompts of a conversation begin in it.
        grown: the message up to which the summary is, when it is a new one. summed_up: messages newly in it.
    """

    summary: str
    exchanges: tuple[tuple[ConversationMessage, ConversationMessage], ...]
    language: Language
    grown: int | None = None
    summed_up: int = 0

    def turns(self, prompt: Prompt) -> tuple[Turn, ...]:
        """As the model is given it."""
        turns: list[Turn] = []
        if self.summary:
            said = prompt.text("summary", self.language, summary=self.summary)
            turns += [Turn("user", said), Turn("assistant", prompt.raw("noted", self.language))]
        for question, answer in self.exchanges:
            turns += [Turn("user", question.standalone), Turn("assistant", answer.text, titles(answer))]
        return tuple(turns)


def memory(path: Sequence[ConversationMessage]) -> Memory:
    """What there is to be told of a conversation's path, oldest first: complete answers that are no refusals."""
    summary = ""
    exchanges: list[tuple[ConversationMessage, ConversationMessage]] = []
    for question, answer in pairwise(path):
        if answer.role == "assistant" and answer.state == "complete" and answer.answer is not None:
            if not answer.answer.refused:
                exchanges.append((question, answer))
            if answer.summary:
                summary, exchanges = answer.summary, []
    return Memory(summary, tuple(exchanges), language_of(path[0].text) if path else "en")


def titles(answer: ConversationMessage) -> tuple[str, ...]:
    """Of the documents that an answer cites, in order."""
    if answer.answer is None:
        return ()
    cited = answer.answer.passages[: len(answer.answer.citations)]
    return tuple(dict.fromkeys(passage.title for passage in cited))


def within_share(
    held: Memory, model: StoppableModel, prompt: Prompt, leading: Leading
) -> Generator[ModelPiece, None, Memory]:
    """The same where it has room, else with a longer summary and fewer turns; stages on the way.

    Where the model writes no summary, it is left as it is: what does not fit is then left out of the prompt, and said.

    Args:
        leading: the messages that a prompt with such turns begins with.

    Raises:
        Stopped.
    """
    context = model.context_tokens or 0
    share = int(context * SHARE)
    bare = model.count(leading(()))

    def size(one: Memory) -> int:
        return model.count(leading(one.turns(prompt))) - bare

    if not held.exchanges or size(held) <= share:
        return held
    kept = [Memory("", held.exchanges[cut:], held.language) for cut in range(1, len(held.exchanges) + 1)]
    rest = next((one for one in kept if size(one) <= share // 2), kept[-1])
    cut = len(held.exchanges) - len(rest.exchanges)
    old = Memory(held.summary, held.exchanges[:cut], held.language)
    tokens = max(_LEAST_SUMMARY, int(share * _SUMMARY_SHARE))
    asked = prompt.text("summarize", held.language, words=int(tokens * _WORDS_PER_TOKEN))
    messages = [*leading(old.turns(prompt)), ChatMessage("user", asked)]
    if model.count(messages) + tokens > context:
        return held
    written = ""
    try:
        for piece in model.stream(messages, tokens):
            if piece.stage is not None:
                yield piece
            written += piece.text
    except ModelError:
        return held
    summary = harmless(" ".join(written.split()))
    if not summary:
        return held
    return Memory(summary, rest.exchanges, held.language, held.exchanges[cut - 1][1].id, 2 * cut)
