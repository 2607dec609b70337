"""The values of conversations. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ingest.messages import Message
from ingest.values import Value

from .types import Answer, Role

How = Literal["model", "terms", "person", "none"]
State = Literal["running", "complete", "stopped", "failed"]


@dataclass(frozen=True, slots=True, repr=False)
class Condensed(Value):
    """A question of a conversation, made to stand alone.

    Attributes:
        question: as it was asked. rewritten: as it is searched for and answered; the same where nothing was needed.
        how: who rewrote it: the model, terms carried over from the turn before, a person, or nobody.
    """

    question: str
    rewritten: str
    how: How = "none"


@dataclass(frozen=True, slots=True, repr=False)
class ConversationInfo(Value):
    """A conversation, without its messages.

    Attributes:
        kbs: names of the knowledge bases it asks; without those that were deleted.
        title: given by a person, else the first question's beginning; "" before it.
        messages: how many, all branches.
        found: of a search, a piece of the first message that has one of its words.
        owner: whose it is, where several people share the web UI; "" elsewhere.
    """

    id: int
    title: str
    kbs: tuple[str, ...]
    created: datetime
    updated: datetime
    messages: int
    found: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ConversationMessage(Value):
    """A question or an answer in a conversation's tree.

    Attributes:
        parent: the message it follows; None for a first question.
        state: "running" (an answer being written: ``text`` is what is there so far), "complete", "stopped" (by
            somebody, by the end of its process, or cut off by the model) or "failed" (``error`` says why).
        text: of an answer, with markers [n].
        rewritten: of a question, how it was made to stand alone; "" where it was not. how: see :class:`Condensed`.
        images: how many went with a question; they are not stored.
        answer: with citations, and those of its passages that it cites; None for questions, and before the end.
        summary: of all messages up to here, where that was given to the model in their place; "" elsewhere.
        rating: 1, -1, or None. comment: to the rating.
        siblings: ids of the messages that stand at the same place in other branches, this one's among them.
    """

    id: int
    parent: int | None
    role: Role
    state: State
    text: str
    created: datetime
    rewritten: str = ""
    how: How = "none"
    images: int = 0
    answer: Answer | None = None
    error: Message | None = None
    summary: str = ""
    rating: int | None = None
    comment: str = ""
    siblings: tuple[int, ...] = ()

    @property
    def standalone(self) -> str:
        """A question as it is searched for."""
        return self.rewritten or self.text
