"""An answer on its way to a chat client: what it may be shown, and in which order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from ingest.messages import Language

from ..chat.answering import Thought, Withdrawn
from ..chat.drafting import Checked
from ..chat.replying import ReplyStream
from ..protocols import Stage
from ..retrieval.language import language_of
from ..types import Answer
from .appended import mark, note, references
from .harmless import Harmless
from .working import Finished, Heartbeat, Workshop


@dataclass(frozen=True, slots=True)
class Delta:
    """What a client gets next.

    Attributes:
        text: of the answer. thinking: of what a model says to itself. waits: what is waited for, in words.
        silent: nothing has come for a while. answer: the end.
    """

    text: str = ""
    thinking: str = ""
    waits: str = ""
    silent: bool = False
    answer: Answer | None = None


async def deltas(
    workshop: Workshop, stream: ReplyStream, language: Language, *, with_references: bool
) -> AsyncGenerator[Delta, None]:
    """An answer as what a client can be shown.

    What was sent can't be taken back: as long as an answer may still be withdrawn it is held back, which is until its
    first sentence is found in the documents. Withdrawn text is never sent; the refusal in its place is.

    Raises:
        UserError: what the stream raises.
    """
    harmless = Harmless()
    held = ""
    sent = False
    async with aclosing(workshop.written(stream)) as items:
        async for item in items:
            if isinstance(item, Heartbeat):
                yield Delta(silent=True)
            elif isinstance(item, Stage):
                yield Delta(waits=item.message.text(language))
            elif isinstance(item, Thought):
                yield Delta(thinking=item.text)
            elif isinstance(item, Withdrawn):
                harmless, held = Harmless(), item.text
            elif isinstance(item, Finished):
                rest = held if held or sent else item.answer.text  # a model that wrote nothing has a text of ours
                end = harmless.feed(rest) + harmless.finish() + _end(item.answer, with_references=with_references)
                yield Delta(text=end)
                yield Delta(answer=item.answer)
            else:
                held += item if isinstance(item, str) else _doubt(item, language_of(stream.rewritten))
                if not stream.may_be_withdrawn:
                    shown, held = harmless.feed(held), ""
                    if shown:
                        sent = True
                        yield Delta(text=shown)


def _doubt(checked: Checked, language: Language) -> str:
    said = checked.sentence.mark(language)
    return mark(said) if said else ""


def _end(answer: Answer, *, with_references: bool) -> str:
    cut = "" if answer.complete or answer.notice is None else note(answer.notice, answer.language)
    return cut + (references(answer) if with_references else "")
