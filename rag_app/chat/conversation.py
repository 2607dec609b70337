"""A stored conversation: asked, answered anew, edited, branched, exported."""

from __future__ import annotations

from ..asking import checked
from ..conversation_types import Condensed, ConversationInfo, ConversationMessage
from ..errors import ConversationError, UnknownConversation
from ..index import erasure
from ..locks import Mark
from ..settings import language
from ..store import Store
from ..types import Answer, Filters
from .conversation_stream import ConversationStream, OpenAnswer, mark_path
from .export import Format, as_json, as_markdown
from .preparing import Asked, Images

_MOST_TITLE = 200  # characters


class Conversation:
    """A conversation about one or more knowledge bases; it knows nothing that is not stored, so any number may be open.

    Questions and answers are a tree: asking or answering again makes a branch, and :attr:`messages` are those of the
    branch in force. ::

        conversation = app.conversation()
        conversation.ask("How much memory does LLaMA 3 8B need?")
        print(conversation.ask("And its context?").text)
    """

    def __init__(self, store: Store, open_answer: OpenAnswer, identifier: int) -> None:
        self.id = identifier
        self._store = store
        self._open = open_answer
        self._stored = store.catalog.conversations

    @property
    def info(self) -> ConversationInfo:
        """Title, knowledge bases, times.

        Raises:
            UnknownConversation: it was deleted.
        """
        return self._stored.info(self.id)

    @property
    def messages(self) -> tuple[ConversationMessage, ...]:
        """Those of the branch in force, oldest first.

        Raises:
            UnknownConversation.
        """
        return self._path(self._stored.leaf(self.id))

    @property
    def all_messages(self) -> tuple[ConversationMessage, ...]:
        """Those of all branches, in the order in which they were made; an answer whose process died is "stopped"."""
        found = self._stored.messages(self.id)
        dead = [one for one in found if one.state == "running" and not Mark.is_held(mark_path(self._store, one.id))]
        for one in dead:
            self._stored.stopped(one.id)
        return tuple(self._stored.messages(self.id) if dead else found)

    @property
    def summary(self) -> str:
        """What is told the model in the place of the oldest messages; "" while they still fit."""
        return next((one.summary for one in reversed(self.messages) if one.summary), "")

    # Asking

    def ask(
        self, question: str, rewritten: str | None = None, images: Images = (), filters: Filters | None = None
    ) -> Answer:
        """The answer, finished.

        Raises:
            What :meth:`stream` raises.
        """
        return self.stream(question, rewritten, images, filters).answer

    def stream(
        self, question: str, rewritten: str | None = None, images: Images = (), filters: Filters | None = None
    ) -> ConversationStream:
        """The answer as it is written; the question is stored now, the answer as it comes.

        Args:
            rewritten: the question as it is to be searched for; unless given, it is made to stand alone if it needs to.

        Raises:
            QuestionError, UnknownConversation; ConversationError: its knowledge base was deleted. While iterating, what
            :meth:`rag_app.RagApp.stream` raises.
        """
        return self._ask(self._stored.leaf(self.id) or None, question, rewritten, images, filters)

    def regenerate(
        self, message: ConversationMessage | int, images: Images = (), filters: Filters | None = None
    ) -> ConversationStream:
        """Another answer beside one, or another one to a question.

        Raises:
            UnknownConversation; ConversationError: the question had images, and none are given.
        """
        found = self._message(message)
        question = found if found.role == "user" else self._message(found.parent or 0)
        if question.images and not images:
            raise ConversationError("conversation.images_gone")
        kbs = self._kbs()
        condensed = Condensed(question.text, question.standalone, question.how)
        path = self._path(question.parent or 0)
        answer = self._stored.answer(self.id, question.id)
        asked = Asked(question.id, answer, question.text, condensed, path, kbs, filters, tuple(images))
        return ConversationStream(self._store, self._open, asked)

    def edit(
        self,
        message: ConversationMessage | int,
        text: str,
        rewritten: str | None = None,
        images: Images = (),
        filters: Filters | None = None,
    ) -> ConversationStream:
        """Another question beside one, and its answer; what followed the first stays in its own branch.

        Raises:
            UnknownConversation, QuestionError; ConversationError: the message is an answer.
        """
        found = self._message(message)
        if found.role != "user":
            raise ConversationError("conversation.not_a_question", message=found.id)
        return self._ask(found.parent, text, rewritten, images, filters)

    def branch(self, message: ConversationMessage | int) -> None:
        """Go on from an answer: the next question follows it, and what followed it before stays in its own branch.

        Raises:
            UnknownConversation; ConversationError: the message is a question.
        """
        found = self._message(message)
        if found.role != "assistant":
            raise ConversationError("conversation.not_an_answer", message=found.id)
        self._stored.set_leaf(self.id, found.id)

    def select(self, message: ConversationMessage | int) -> None:
        """Let the branch be in force that goes through a message and on through what was said latest.

        Raises:
            UnknownConversation.
        """
        leaf = self._message(message).id
        latest = {one.parent: one.id for one in self.all_messages}
        while leaf in latest:
            leaf = latest[leaf]
        self._stored.set_leaf(self.id, leaf)

    # All else

    def rename(self, title: str) -> ConversationInfo:
        """Give it another title.

        Raises:
            UnknownConversation; ConversationError: the title is empty or too long.
        """
        title = " ".join(title.split())
        if not 0 < len(title) <= _MOST_TITLE:
            raise ConversationError("conversation.bad_title", most=_MOST_TITLE)
        self._stored.rename(self.id, title)
        return self.info

    def rate(self, message: ConversationMessage | int, rating: int | None, comment: str = "") -> None:
        """Say whether an answer was good (1) or bad (-1); None takes that back.

        Raises:
            UnknownConversation; ConversationError: the message is a question. ValueError: another rating.
        """
        if rating not in (1, -1, None):
            raise ValueError(f"a rating is 1, -1 or None, not {rating!r}")
        found = self._message(message)
        if found.role != "assistant":
            raise ConversationError("conversation.not_an_answer", message=found.id)
        self._stored.rate(found.id, rating or 0, comment)

    def delete(self, *, verify: bool = False) -> None:
        """Delete it, from the disk too.

        Args:
            verify: then search all files of the data folder for pieces of it.

        Raises:
            UnknownConversation; NotErased: there are some.
        """
        erasure.delete_conversation(self._store, self.id, verify=verify)

    def export(self, format: Format = "markdown") -> str:
        """The branch in force as Markdown with a footnote for each citation, or all branches as JSON.

        Raises:
            UnknownConversation.
        """
        if format == "json":
            return as_json(self.info, self.all_messages)
        return as_markdown(self.info, self.messages, language(self._store.settings))

    def _ask(
        self, parent: int | None, text: str, rewritten: str | None, images: Images, filters: Filters | None
    ) -> ConversationStream:
        text = checked(text)
        condensed = _by_person(text, checked(rewritten)) if rewritten is not None else None
        kbs = self._kbs()
        path = self._path(parent or 0)
        question, answer = self._stored.ask(self.id, parent, text, len(images))
        if condensed is not None and condensed.how != "none":
            self._stored.rewrite(question, condensed.rewritten, condensed.how)
        asked = Asked(question, answer, text, condensed, path, kbs, filters, tuple(images))
        return ConversationStream(self._store, self._open, asked)

    def _kbs(self) -> tuple[str, ...]:
        kbs = self.info.kbs
        if not kbs:
            raise ConversationError("conversation.no_kb")
        return kbs

    def _message(self, message: ConversationMessage | int) -> ConversationMessage:
        wanted = message if isinstance(message, int) else message.id
        for one in self._stored.messages(self.id):
            if one.id == wanted:
                return one
        raise UnknownConversation("conversation.unknown_message", id=self.id, message=wanted)

    def _path(self, leaf: int) -> tuple[ConversationMessage, ...]:
        """From the first question to a message."""
        by_id = {one.id: one for one in self.all_messages}
        path: list[ConversationMessage] = []
        at = by_id.get(leaf)
        while at is not None:
            path.append(at)
            at = by_id.get(at.parent) if at.parent is not None else None
        return tuple(reversed(path))


def _by_person(text: str, rewritten: str) -> Condensed:
    return Condensed(text, rewritten, "person" if rewritten != text else "none")
